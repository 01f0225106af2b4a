// Values files that sops leaves in clear, by each of its options: no generated string may reach the disk.
import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { ENVIRONMENT, type Ended, listing, type Workspace, withoutSops, workspace } from "../test/workspace.js";
import { standingOf } from "./encrypted-lists.js";

const COMMAND = ["generate", "cryptnono-secret-config"];
const STRINGS = ["sentinel-plaintext-one", "sentinel-plaintext-two"];
const SECRETS = [...STRINGS, "sentinel-"];
const CIPHERTEXT = "ENC[AES256_GCM,data:AA==,iv:AA==,tag:AA==,type:str]";

const at = (indent: number, text: string) => " ".repeat(indent) + text;
const document = (lines: readonly string[]) =>
  ["cryptnono:", "  detectors:", "    execwhacker:", "      configs:", ...lines.map((line) => at(8, line)), ""].join(
    "\n",
  );

describe("a list in a file", () => {
  const ROWS: readonly (readonly [name: string, lines: readonly string[], encrypted: number, clear: number])[] = [
    ["ciphertext", [`- ${CIPHERTEXT}`, `- value: ${CIPHERTEXT}`, "  mode: anywhere"], 2, 0],
    ["ciphertext with an encrypted mode before it", [`- mode: ${CIPHERTEXT}`, `  value: ${CIPHERTEXT}`], 1, 0],
    ["ciphertext in quotes, with a comment", ["# why", `- "${CIPHERTEXT}"`, `- '${CIPHERTEXT}'`], 2, 0],
    ["clear text", ["- one-string", "- value: two-string", "  mode: anywhere"], 0, 2],
    ["clear text that looks like a mode", ["- 'mode: x'"], 0, 1],
    ["one in clear among ciphertext", [`- ${CIPHERTEXT}`, "- one-string"], 1, 1],
    ["clear text beside ciphertext", [`- one-string ${CIPHERTEXT}`], 0, 1],
    ["clear text in a block", ["- |-", "  one-string"], 0, 2],
    ["clear text in a list of lists", ["- - one-string"], 0, 1],
    ["an unknown key", [`- value: ${CIPHERTEXT}`, "  other: one-string"], 1, 1],
  ];
  for (const [name, lines, encrypted, clear] of ROWS) {
    for (const indent of [2, 4]) {
      test(`of ${name}, ${indent} deep, has ${encrypted} encrypted and ${clear} in clear`, () => {
        const list = ["one:", at(2, "bannedCommandStrings:"), ...lines.map((line) => at(indent, line)), "two:"];
        const text = document([...list, at(2, "bannedCommandStrings:"), at(2, `- ${CIPHERTEXT}`)]);
        assert.deepEqual(
          [...standingOf(text)],
          [
            ["one", { encrypted, clear }],
            ["two", { encrypted: 1, clear: 0 }],
          ],
        );
      });
    }
  }

  test("in flow style is in clear, as nobody can tell", () => {
    assert.equal(standingOf(document(["one:", "  bannedCommandStrings: [a-string]"])).get("one")?.clear, 1);
    assert.equal(standingOf(document(["one:", "  bannedCommandStrings: []"])).get("one")?.clear, 0);
  });

  test("elsewhere in the document is none", () => {
    assert.equal(standingOf("other:\n  bannedCommandStrings:\n    - a-string\n").size, 0);
  });
});

describe("a rule that leaves the list in clear", { skip: withoutSops }, () => {
  let made: Workspace;
  beforeEach(() => {
    made = workspace();
    made.setGenerator(listing(STRINGS));
  });
  afterEach(() => made.remove());

  /** Make the rule of the values file say `option`, and encrypt `yaml` by it. */
  const prepare = (option: string, yaml: string | null) => {
    const rules = join(made.root, ".sops.yaml");
    writeFileSync(rules, readFileSync(rules, "utf8").replace("unencrypted_regex: ^mode$", option));
    rmSync(made.values);
    if (yaml === null) return;
    const { status, stdout, stderr } = made.tool(
      "sops",
      ["encrypt", "--filename-override", made.values, "--input-type", "yaml", "--output-type", "yaml"],
      yaml,
    );
    assert.equal(status, 0, stderr);
    writeFileSync(made.values, stdout);
  };

  /** A sops that says in `seen` when plaintext stands on the disk after it ran. */
  const watched = () => {
    const bin = join(made.root, "bin");
    mkdirSync(bin);
    const real = made.tool("sh", ["-c", "command -v sops"]).stdout.trim();
    const seen = join(made.root, "seen");
    writeFileSync(
      join(bin, "sops"),
      `#!/bin/sh\n'${real}' "$@"\nstatus=$?\ngrep -rl sentinel- '${join(made.root, "helm-charts")}' >> '${seen}'\nexit $status\n`,
    );
    chmodSync(join(bin, "sops"), 0o755);
    return { PATH: `${bin}:${ENVIRONMENT.PATH}`, seen };
  };

  const refused = (ended: Ended, words: RegExp) => {
    assert.equal(ended.status, 1);
    assert.match(ended.stderr, words);
    assert.match(ended.stderr, /\n {2}hint: mend the rule in \.sops\.yaml/);
    assert.ok(!SECRETS.some((secret) => (ended.stdout + ended.stderr).includes(secret)));
    assert.deepEqual(made.filesWith(STRINGS), []);
  };

  const HAND = document(["encrypted-01:", "  bannedCommandStrings:", "    - by-hand-one"]);
  const OPTIONS: readonly (readonly [option: string, yaml: string])[] = [
    ["encrypted_regex: ^encrypted-01$", HAND],
    ["encrypted_regex: ^value$", HAND],
    ["encrypted_regex: ^bannedCommandString$", HAND],
    ["unencrypted_regex: encrypted-02", HAND],
    ["unencrypted_regex: ^banned", HAND],
    ["unencrypted_suffix: Strings", HAND],
    ["encrypted_suffix: -01", HAND],
    ["encrypted_comment_regex: secret", HAND.replace("encrypted-01:", "# secret\n        encrypted-01:")],
    ["unencrypted_comment_regex: open", HAND.replace("execwhacker:", "# open\n    execwhacker:")],
  ];
  for (const [option, yaml] of OPTIONS) {
    test(`«${option}» is refused, and the file is as it was`, async () => {
      prepare(option, yaml);
      const before = readFileSync(made.values);
      const { PATH, seen } = watched();
      refused(
        await made.run(COMMAND, { PATH }),
        new RegExp(
          `^(deployer: encrypted-01 stands in clear in .*\n)?deployer: write .*: sops would leave encrypted-02 in clear \\(its rule has ${option.split(":")[0]}\\)`,
        ),
      );
      assert.deepEqual(readFileSync(made.values), before);
      assert.equal(readFileSync(seen, "utf8"), "");
    });
  }

  test("is refused for a file that is not there yet, which is not made", async () => {
    for (const [option] of OPTIONS.slice(0, 2)) {
      prepare(option, "{}");
      rmSync(made.values);
      refused(await made.run(COMMAND), /sops would leave encrypted-02 in clear/);
      assert.equal(existsSync(made.values), false);
      writeFileSync(made.values, "");
    }
  });

  test("is refused for a list that stands in clear already, in a dry run too", async () => {
    const old = document(["encrypted-02:", "  bannedCommandStrings:", "    - an-old-string"]);
    prepare("unencrypted_regex: ^banned", old);
    made.setGenerator(listing(["an-old-string"]));
    for (const flags of [[], ["--dry-run"], ["--summary"]]) {
      const { status, stderr } = await made.run([...COMMAND, ...flags]);
      assert.equal(status, 1);
      assert.match(stderr, /^deployer: read .*: encrypted-02 stands there in clear \(its rule has unencrypted_regex\)/);
    }
  });

  test("is no matter when it covers the list all the same", async () => {
    prepare("encrypted_regex: ^encrypted-0[12]$", HAND);
    const { status, stderr } = await made.run(COMMAND);
    assert.equal(status, 0, stderr);
    assert.deepEqual(made.filesWith(STRINGS), []);
    assert.deepEqual(
      [...standingOf(readFileSync(made.values, "utf8"))],
      [
        ["encrypted-01", { encrypted: 1, clear: 0 }],
        ["encrypted-02", { encrypted: 2, clear: 0 }],
      ],
    );
  });

  test("is told of when another list in the file stands in clear", async () => {
    prepare("unencrypted_regex: encrypted-01", HAND);
    const { status, stderr } = await made.run(COMMAND);
    assert.equal(status, 0);
    assert.match(stderr, /^deployer: encrypted-01 stands in clear in helm-charts\/support\/enc-cryptnono/);
  });
});

describe("a values file that is a link", { skip: withoutSops }, () => {
  let made: Workspace;
  beforeEach(() => {
    made = workspace();
    made.setGenerator(listing(STRINGS));
  });
  afterEach(() => made.remove());

  const behind = () => join(made.root, "elsewhere/real.secret.values.yaml");
  const link = () => {
    mkdirSync(dirname(behind()));
    mkdirSync(join(made.root, "between"));
    symlinkSync("../elsewhere/real.secret.values.yaml", join(made.root, "between/link"));
  };

  test("is written through, by way of two links, and stays one", async () => {
    link();
    renameSync(made.values, behind());
    symlinkSync("../../between/link", made.values);
    const { status, stderr } = await made.run(COMMAND);
    assert.equal(status, 0, stderr);
    assert.equal(readlinkSync(made.values), "../../between/link");
    assert.equal(lstatSync(join(made.root, "between/link")).isSymbolicLink(), true);
    assert.equal(standingOf(readFileSync(behind(), "utf8")).get("encrypted-02")?.encrypted, STRINGS.length);
    assert.match((await made.run(COMMAND)).stderr, /is up to date/);
  });

  test("to a file that is not there makes that file", async () => {
    link();
    rmSync(made.values);
    symlinkSync("../../between/link", made.values);
    assert.equal((await made.run(COMMAND)).status, 0);
    assert.equal(readlinkSync(made.values), "../../between/link");
    assert.equal(standingOf(readFileSync(behind(), "utf8")).get("encrypted-02")?.encrypted, STRINGS.length);
  });

  test("to itself is an error", async () => {
    rmSync(made.values);
    symlinkSync(made.values, made.values);
    const { status, stderr } = await made.run(COMMAND);
    assert.equal(status, 1);
    assert.match(stderr, /^deployer: read helm-charts.*ELOOP/);
  });
});
