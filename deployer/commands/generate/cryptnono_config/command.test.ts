// The command: what it prints, how it ends, what it leaves on disk. Most runs are in this process, some are its own as people's are.
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { listing, type Workspace, withoutSops, workspace } from "../../../test/workspace.js";

const COMMAND = ["generate", "cryptnono-secret-config"];
// An age identity that no file here was encrypted for.
const OTHER_KEY = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
const SECRETS = ["sentinel-plaintext-one", "sentinel-plaintext-two", "sentinel-of-the-generator"];
const STRINGS = SECRETS.slice(0, 2);
const GENERATOR = listing(STRINGS, "/* sentinel-of-the-generator */");

describe("deployer generate cryptnono-secret-config", { skip: withoutSops }, () => {
  let made: Workspace;
  beforeEach(() => {
    made = workspace();
    made.setGenerator(GENERATOR);
  });
  afterEach(() => made.remove());

  const banned = (list: string) => {
    const { cryptnono } = made.decrypted() as {
      cryptnono: { detectors: { execwhacker: { configs: Record<string, { bannedCommandStrings: unknown }> } } };
    };
    return cryptnono.detectors.execwhacker.configs[list]?.bannedCommandStrings;
  };

  test("writes encrypted-02, leaves encrypted-01, says so and shows no string", () => {
    const { status, stdout, stderr } = made.command(COMMAND);
    assert.equal(stderr, "deployer: wrote helm-charts/support/enc-cryptnono.secret.values.yaml\n");
    assert.equal(stdout, "encrypted-02: 2 added, 0 removed, 0 kept\n");
    assert.equal(status, 0);
    assert.deepEqual(banned("encrypted-01"), ["by-hand-one", "by-hand-two"]);
    assert.deepEqual(banned("encrypted-02"), STRINGS);
    assert.deepEqual(made.filesWith(SECRETS), []);
  });

  test("changes nothing when nothing changed", async () => {
    await made.run(COMMAND);
    const before = readFileSync(made.values);
    const { status, stderr } = await made.run(COMMAND);
    assert.equal(status, 0);
    assert.match(stderr, /is up to date/);
    assert.deepEqual(readFileSync(made.values), before);
  });

  for (const flag of ["--dry-run", "--summary"]) {
    test(`${flag} writes nothing, and its status says whether something would change`, async () => {
      const before = readFileSync(made.values);
      const first = await made.run([...COMMAND, flag]);
      assert.equal(first.status, 3);
      assert.match(first.stdout, /^encrypted-02: 2 added, 0 removed, 0 kept\n/);
      assert.ok(!STRINGS.some((string) => (first.stdout + first.stderr).includes(string)));
      assert.deepEqual(readFileSync(made.values), before);
      // What --summary adds is printed before, and no other.
      if (flag === "--summary") return;
      await made.run(COMMAND);
      assert.equal((await made.run([...COMMAND, flag])).status, 0);
    });
  }

  test("--show-strings shows them", async () => {
    const { stdout } = await made.run([...COMMAND, "--dry-run", "--show-strings"]);
    assert.match(stdout, /\n\+ "sentinel-plaintext-one" word by-hand a test\n/);
  });

  test("is not stopped by a reader that goes away", () => {
    const many = Array.from({ length: 600 }, (_, i) => `a-string-with-number-${i}`);
    made.setGenerator(listing(many));
    const { status } = made.tool("bash", [
      "-c",
      'set -o pipefail; "$0" "$1" generate cryptnono-secret-config --show-strings | true',
      process.execPath,
      join(binary(), "deployer"),
    ]);
    assert.equal(status, 0);
    assert.deepEqual(banned("encrypted-02"), many);
  });

  test("a one-string change is a one-line diff for git", async () => {
    await made.run(COMMAND);
    made.tool("git", ["init", "-q"]);
    made.tool("git", ["add", "-A"]);
    made.setGenerator(listing(["sentinel-plaintext-a-new-one", ...STRINGS]));
    await made.run(COMMAND);
    const { stdout } = made.tool("git", ["diff", "-U0", "--", made.values]);
    const changed = stdout
      .split("\n")
      .filter((line) => /^[-+] /.test(line) && !/^[-+] {4}(lastmodified|mac): /.test(line));
    assert.equal(changed.length, 1);
    assert.match(changed[0]!, /^\+ +- ENC\[/);
    assert.deepEqual(banned("encrypted-02"), ["sentinel-plaintext-a-new-one", ...STRINGS]);
  });

  test("explain-string says source and rule, and who covers a string", async () => {
    const exact = await made.run(["explain-string", "Sentinel-Plaintext-ONE"]);
    assert.match(
      exact.stdout,
      /^encrypted-02\[0\]: "sentinel-plaintext-one"\n {2}mode: word\n {2}rule: by-hand\n {2}source: a test\n$/,
    );
    assert.match(
      (await made.run(["explain-string", "x.sentinel-plaintext-one"])).stdout,
      /is killed by\nencrypted-02\[0\]/,
    );
    assert.match((await made.run(["explain-string", "by-hand-two"])).stdout, /^encrypted-01\[1\]: written by hand/);
    const unknown = await made.run(["explain-string", "nobody-knows"]);
    assert.equal(unknown.status, 1);
    assert.match(unknown.stderr, /^deployer: explain the string: neither/);
  });

  test("explain-string - reads the string from standard input", () => {
    const { stdout } = made.tool(
      process.execPath,
      [join(binary(), "deployer"), "explain-string", "-"],
      "sentinel-plaintext-two\n",
    );
    assert.match(stdout, /^encrypted-02\[1\]/);
  });

  test("check-blocklist-generator checks the encrypted generator, in memory", async () => {
    const good = await made.run(["generate", "check-blocklist-generator"]);
    // The compiler may add that it was stopped.
    assert.match(good.stderr, /^deployer: deployer\/.*\/enc-blocklist-generator\.secret\.ts has no errors$/m);
    assert.equal(good.status, 0);
    made.setGenerator("export const a: number = '';\n");
    const bad = await made.run(["generate", "check-blocklist-generator"]);
    assert.equal(bad.status, 1);
    assert.match(bad.stderr, /^blocklist-generator\.secret\.ts:1:14: TS2322$/m);
    assert.deepEqual(made.filesWith(["const a: number"]), []);
  });

  const FAILURES: readonly {
    readonly title: string;
    readonly prepare: (workspace: Workspace) => NodeJS.ProcessEnv | undefined;
    readonly stderr: RegExp;
    /** false: what it does is noticed by the process alone. */
    readonly inProcess?: boolean;
  }[] = [
    {
      title: "sops is not installed",
      prepare: () => ({ PATH: "/nonexistent" }),
      stderr: /^deployer: decrypt deployer\/.*: sops is not installed, or not in PATH\n {2}hint: go install/,
    },
    {
      title: "there is no key",
      prepare: () => ({ SOPS_AGE_KEY_FILE: "/nonexistent/key.txt" }),
      stderr: /^deployer: decrypt deployer\/.*: sops has no key for it: .*\n {2}hint: export SOPS_AGE_KEY_FILE/,
    },
    {
      title: "the key is another one",
      prepare: () => ({ SOPS_AGE_KEY_FILE: undefined, SOPS_AGE_KEY: OTHER_KEY }),
      stderr: /^deployer: decrypt deployer\/.*: sops has no key for it: /,
    },
    {
      title: "the generator is not there",
      prepare: ({ encryptedGenerator }) => void rmSync(encryptedGenerator),
      stderr: /^deployer: decrypt deployer\/.*no such file|cannot operate on non-existent file/i,
    },
    {
      title: "the generator's ciphertext is damaged",
      prepare: ({ encryptedGenerator }) => {
        const text = readFileSync(encryptedGenerator, "utf8");
        writeFileSync(
          encryptedGenerator,
          text.replace(/data:(.)/, (_, first) => `data:${first === "A" ? "B" : "A"}`),
        );
        return undefined;
      },
      stderr: /^deployer: decrypt deployer\/.*sops ended with/,
    },
    {
      title: "the generator has a syntax error",
      prepare: ({ setGenerator }) => void setGenerator(`${GENERATOR}\nconst x = ["a" "sentinel-plaintext-one"];`),
      stderr: /^deployer: compile blocklist-generator\.secret\.ts:8:16: /,
    },
    {
      title: "the generator throws",
      prepare: ({ setGenerator }) => void setGenerator(listing(STRINGS, 'throw new Error("sentinel-plaintext-one");')),
      stderr: /^deployer: run blocklist-generator\.secret\.ts:3: it threw Error\n {2}hint: --show-strings/,
    },
    {
      title: "the generator rejects a promise nobody waits for",
      prepare: ({ setGenerator }) =>
        void setGenerator(
          `export const generate = async () => { Promise.reject(new Error("sentinel-plaintext-one")); await new Promise(setImmediate); };`,
        ),
      stderr: /^deployer: run the generator: a promise was rejected that nobody waits for\n {2}hint: await/,
      inProcess: false,
    },
    {
      title: "the generator forgets to write",
      prepare: ({ setGenerator }) => void setGenerator("export const generate = () => {};"),
      stderr: /^deployer: run .*: it ended without a list\n {2}hint: await tools\.write/,
    },
    {
      title: "the list is empty",
      prepare: ({ setGenerator }) => void setGenerator(listing([])),
      stderr: /^deployer: check encrypted-02: it is empty\n/,
    },
    {
      title: "the list has a blank",
      prepare: ({ setGenerator }) => void setGenerator(listing([...STRINGS, "  "])),
      stderr: /^deployer: check encrypted-02\[2\]: it is blank\n/,
    },
    {
      title: "the list has a string that is too short",
      prepare: ({ setGenerator }) => void setGenerator(listing([...STRINGS, "abcd"])),
      stderr: /^deployer: check encrypted-02\[2\]: 4 bytes are too short, 5 are the least\n/,
    },
    {
      title: "the list would kill jupyter",
      prepare: ({ setGenerator }) => void setGenerator(listing([...STRINGS, "jupyter"])),
      stderr: /^deployer: check encrypted-02\[2\]: it would kill «.*jupyter.*»\n/,
    },
    {
      title: "the values file's folder cannot be written",
      prepare: ({ values, tool }) => {
        // Root writes anywhere: only a file system that says no stops it.
        chmodSync(dirname(values), 0o555);
        if (process.getuid?.() === 0) assert.equal(tool("chattr", ["+i", dirname(values)]).status, 0);
        return undefined;
      },
      stderr: /^deployer: write helm-charts\/support\/enc-cryptnono\.secret\.values\.yaml: EPERM|EACCES/,
    },
  ];
  for (const { title, prepare, stderr, inProcess = true } of FAILURES) {
    test(`when ${title}, it says so, ends with 1 and leaves the old file and no plaintext`, async (t) => {
      const before = readFileSync(made.values);
      let environment: NodeJS.ProcessEnv | undefined;
      try {
        environment = prepare(made);
      } catch {
        return t.skip("this file system knows no immutable folders, and root can write to any other");
      }
      const ended = inProcess ? await made.run(COMMAND, environment) : made.command(COMMAND, environment);
      made.tool("chattr", ["-i", dirname(made.values)]);
      chmodSync(dirname(made.values), 0o755);
      assert.match(ended.stderr, stderr);
      assert.equal(ended.status, 1);
      assert.ok(!SECRETS.some((secret) => (ended.stderr + ended.stdout).includes(secret)), ended.stderr);
      assert.deepEqual(readFileSync(made.values), before);
      assert.deepEqual(made.filesWith(SECRETS), []);
    });
  }

  test("outside a repository it says where to go", () => {
    const { status, stderr } = made.tool("env", ["-C", "/", process.execPath, join(binary(), "deployer"), ...COMMAND]);
    assert.equal(status, 1);
    assert.match(stderr, /^deployer: find repository from \/: /);
  });

  test("a values file that is not there is made", async () => {
    renameSync(made.values, `${made.values}.old`);
    mkdirSync(dirname(made.values), { recursive: true });
    assert.equal((await made.run(COMMAND)).status, 0);
    assert.deepEqual(banned("encrypted-02"), STRINGS);
  });
});

function binary(): string {
  return join(import.meta.dirname, "../../../../bin");
}
