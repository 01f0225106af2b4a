import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { rounds } from "@cryptnono/matcher/test/rounds";
import fc from "fast-check";
import { ENVIRONMENT, type Workspace, withoutSops, workspace } from "../test/workspace.js";
import { type Entry, entriesOf, readValues, replaceList } from "./values-file.js";

const LIST = "encrypted-02";

describe("the encrypted values file", { skip: withoutSops }, () => {
  let made: Workspace;
  before(() => {
    Object.assign(process.env, ENVIRONMENT);
    made = workspace();
  });
  after(() => made.remove());

  const put = async (entries: readonly Entry[]) => {
    await replaceList(made.root, made.values, await readValues(made.root, made.values), LIST, entries);
  };
  const ciphertexts = () =>
    readFileSync(made.values, "utf8")
      .split("\n")
      .filter((line) => /- (value: )?ENC\[/.test(line));
  const metadata = (line: string) => /^ {4}(lastmodified|mac): /.test(line);
  const difference = (one: string, other: string) => {
    const lines = new Set(other.split("\n"));
    return one.split("\n").filter((line) => !lines.has(line) && !metadata(line));
  };

  test("a list is added and the list written by hand keeps its ciphertext", async () => {
    const byHand = ciphertexts();
    await put(["first-string", "third-string", { value: "base64piece", mode: "anywhere" }]);
    assert.deepEqual(ciphertexts().slice(0, byHand.length), byHand);
    assert.deepEqual(entriesOf(await readValues(made.root, made.values), LIST), [
      "first-string",
      "third-string",
      { value: "base64piece", mode: "anywhere" },
    ]);
  });

  test("one string more is one line more, beside the date and the MAC", async () => {
    await put(["first-string", "third-string", { value: "base64piece", mode: "anywhere" }]);
    const old = readFileSync(made.values, "utf8");
    await put(["first-string", "second-string", "third-string", { value: "base64piece", mode: "anywhere" }]);
    const now = readFileSync(made.values, "utf8");
    assert.equal(difference(now, old).length, 1);
    assert.equal(difference(old, now).length, 0);
  });

  test("one string less is one line less, and a new order changes no ciphertext", async () => {
    await put(["alpha-string", "beta-string", "gamma-string"]);
    const old = readFileSync(made.values, "utf8");
    await put(["gamma-string", "alpha-string"]);
    const now = readFileSync(made.values, "utf8");
    assert.equal(difference(old, now).length, 1);
    assert.equal(difference(now, old).length, 0);
  });

  test("whatever is edited, kept strings keep their ciphertext and sops decrypts the list", async () => {
    const string = fc.stringMatching(/^[a-z"'\\:#{}%é -]{5,20}$/).filter((value) => value === value.trim());
    const entry = fc.oneof(
      string,
      fc.record({ value: string, mode: fc.constant("anywhere") }, { noNullPrototype: true }),
    );
    const list = fc.uniqueArray(entry, {
      minLength: 1,
      maxLength: 12,
      selector: (e) => (typeof e === "string" ? e : e.value),
    });
    await fc.assert(
      fc.asyncProperty(list, list, fc.nat(), async (one, other, seed) => {
        const kept = one.filter((_, i) => (seed >> i) & 1);
        const taken = new Set(kept.map((e) => (typeof e === "string" ? e : e.value)));
        await put(one);
        const before = new Set(ciphertexts());
        const next = [...other.filter((e) => !taken.has(typeof e === "string" ? e : e.value)), ...kept];
        await put(next);
        const same = ciphertexts()
          .slice(-next.length)
          .filter((line) => before.has(line));
        assert.deepEqual(entriesOf(await readValues(made.root, made.values), LIST), next);
        assert.ok(same.length >= kept.length, `${same.length} of ${kept.length} kept`);
      }),
      { numRuns: rounds(3) },
    );
  });

  test("a file that is not there is made by the rules of .sops.yaml", async () => {
    rmSync(made.values);
    await put(["only-string"]);
    assert.match(readFileSync(made.values, "utf8"), /recipient: age1/);
    assert.deepEqual(entriesOf(await readValues(made.root, made.values), LIST), ["only-string"]);
  });

  test("the file keeps its permissions, and the copy is gone", async () => {
    chmodSync(made.values, 0o640);
    await put(["another-string"]);
    assert.equal(statSync(made.values).mode & 0o777, 0o640);
    assert.deepEqual(readdirSync(dirname(made.values)), ["enc-cryptnono.secret.values.yaml"]);
  });

  test("what a killed run left is removed, what a living one has is not", async () => {
    const copy = (pid: number) => join(dirname(made.values), `.enc-cryptnono.secret.values.${pid}-0123abcd.tmp.yaml`);
    const dead = 2 ** 22 + 1;
    writeFileSync(copy(dead), "");
    writeFileSync(copy(process.pid), "");
    await put(["a-string-more"]);
    assert.equal(existsSync(copy(dead)), false);
    assert.equal(existsSync(copy(process.pid)), true);
    rmSync(copy(process.pid));
  });

  test("a file that changed since it was read is not overwritten", async () => {
    const read = await readValues(made.root, made.values);
    await put(["somebody-elses-string"]);
    await assert.rejects(replaceList(made.root, made.values, read, LIST, ["own-string"]), /somebody else changed it/);
    assert.deepEqual(entriesOf(await readValues(made.root, made.values), LIST), ["somebody-elses-string"]);
  });

  test("a file whose MAC is wrong is refused", async () => {
    await put(["one-string-here", "two-string-here"]);
    const whole = readFileSync(made.values, "utf8");
    const [first, second] = ciphertexts().slice(-2);
    writeFileSync(made.values, whole.replace(first!, "X").replace(second!, first!).replace("X", second!));
    await assert.rejects(readValues(made.root, made.values), /MAC mismatch/i);
    writeFileSync(made.values, whole);
  });

  test("a target that is a folder, or has none, is an error that names it", async () => {
    const folder = join(made.root, "helm-charts/support/enc-folder.secret.values.yaml");
    mkdirSync(folder);
    await assert.rejects(readValues(made.root, folder), /^SopsError|read helm-charts\/support\/enc-folder/);
    const nowhere = join(made.root, "nowhere/enc-a.secret.values.yaml");
    const empty = await readValues(made.root, nowhere);
    await assert.rejects(replaceList(made.root, nowhere, empty, LIST, ["string"]), /write nowhere\/enc-a.*ENOENT/);
  });
});
