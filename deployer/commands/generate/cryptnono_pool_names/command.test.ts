// The command, with sops: what it prints, how it ends, what it leaves on disk.
import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { POOL_NAMES, standingOf } from "../../../sops/encrypted-lists.js";
import { type Workspace, withoutSops, workspace } from "../../../test/workspace.js";

const COMMAND = ["generate", "cryptnono-pool-names"];
const NAMES = ["sentinel-one.example", "sentinel-two.example"];

/** A generator whose hosts are `names`, beside what they are not. */
function hostsOf(names: readonly string[]): string {
  const rows = names.map((host) => ({ host, domain: host, seenAs: "site", source: "a test" }));
  return `import { byHand, poolHosts, type Generate } from "deployer/generator";
export const generate: Generate = async (valuesPath, tools) => {
  const kept = [...byHand(["sentinel-by-hand"], "a test"), ...poolHosts(${JSON.stringify(rows)} as any, [], [])];
  await tools.write(valuesPath, { kept, dropped: [], overridden: [] });
};
`;
}

describe("deployer generate cryptnono-pool-names", { skip: withoutSops }, () => {
  let made: Workspace;
  beforeEach(() => {
    made = workspace();
    made.setGenerator(hostsOf(NAMES));
  });
  afterEach(() => made.remove());

  const decrypted = () =>
    (made.decrypted() as { cryptnono: { detectors: Record<string, Record<string, Record<string, unknown>>> } })
      .cryptnono.detectors;

  test("writes the names beside the strings, which stay, and shows none; --dry-run says whether they would change", async () => {
    const empty = readFileSync(made.values);
    const dry = await made.run([...COMMAND, "--dry-run"]);
    assert.equal(dry.status, 3);
    assert.equal(dry.stdout, "poolNames.generated: 2 added, 0 removed, 0 kept\n");
    assert.deepEqual(readFileSync(made.values), empty);
    const { status, stdout, stderr } = await made.run(COMMAND);
    assert.equal(stderr, "deployer: wrote helm-charts/support/enc-cryptnono.secret.values.yaml\n");
    assert.equal(stdout, "poolNames.generated: 2 added, 0 removed, 0 kept\n");
    assert.equal(status, 0);
    assert.deepEqual(decrypted()["tcpflowkiller"], { poolNames: { generated: NAMES } });
    assert.deepEqual(Object.keys(decrypted()["execwhacker"]!["configs"]!), ["encrypted-01"]);
    assert.deepEqual(made.filesWith([...NAMES, "sentinel-by-hand"]), []);
    assert.equal((await made.run([...COMMAND, "--dry-run"])).status, 0);
  });

  test("one name more is one line more, and lists that people write stay", async () => {
    const people = { tcpflowkiller: { poolNames: { "by-hand": ["own.example"], generated: NAMES } } };
    const { stdout: old } = made.tool(
      "sops",
      ["encrypt", "--filename-override", made.values, "--input-type", "json", "--output-type", "yaml"],
      JSON.stringify({ cryptnono: { detectors: people } }),
    );
    writeFileSync(made.values, old);
    made.setGenerator(hostsOf([...NAMES, "sentinel-new.example"]));
    const { status, stdout } = await made.run([...COMMAND, "--show-names"]);
    assert.equal(status, 0);
    assert.equal(stdout, "poolNames.generated: 1 added, 0 removed, 2 kept\n+ sentinel-new.example\n");
    const lines = (text: string) => text.split("\n").filter((line) => !/^ {4}(lastmodified|mac): /.test(line));
    const was = new Set(lines(old));
    const now = lines(readFileSync(made.values, "utf8"));
    assert.equal(now.filter((line) => !was.has(line)).length, 1);
    assert.deepEqual(decrypted()["tcpflowkiller"]!["poolNames"], {
      "by-hand": ["own.example"],
      generated: ["sentinel-new.example", ...NAMES],
    });
  });

  for (const option of ["unencrypted_suffix: generated", "encrypted_regex: ^configs$"])
    test(`a rule that would leave the names in clear is refused: ${option}`, async () => {
      const rules = join(made.root, ".sops.yaml");
      writeFileSync(rules, readFileSync(rules, "utf8").replace("unencrypted_regex: ^mode$", option));
      rmSync(made.values);
      const { status, stdout, stderr } = await made.run(COMMAND);
      assert.equal(status, 1);
      assert.match(stderr, /sops would leave generated in clear/);
      assert.match(stderr, /\n {2}hint: mend the rule in \.sops\.yaml/);
      assert.ok(!(stdout + stderr).includes("sentinel"));
      assert.deepEqual(made.filesWith(NAMES), []);
    });

  test("names that stand in clear in the file already are refused, and the file stays", async () => {
    await made.run(COMMAND);
    const clear = readFileSync(made.values, "utf8").replace(/(generated:\n +- ).*/, "$1in-clear.example");
    writeFileSync(made.values, clear);
    assert.deepEqual([...standingOf(clear, POOL_NAMES)], [["generated", { encrypted: 1, clear: 1 }]]);
    const { status, stderr } = await made.run([...COMMAND, "--dry-run"]);
    assert.equal(status, 1);
    assert.match(stderr, /^deployer: /);
    assert.equal(readFileSync(made.values, "utf8"), clear);
  });

  test("a generator without a host leaves the file as it is", async () => {
    const before = readFileSync(made.values);
    made.setGenerator(hostsOf([]));
    const { status, stderr } = await made.run(COMMAND);
    assert.equal(status, 1);
    assert.match(stderr, /^deployer: make the list of names: it is empty\n {2}hint: the generator must make/);
    assert.deepEqual(readFileSync(made.values), before);
  });
});
