// What the cryptnono chart refuses, by place: values that would guard nothing, or that no agent could start with.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { CHARTS, HELM, remembered, render, renderAsSubchart } from "./helm.js";

const skip = HELM === undefined ? "no helm: run test/cluster/install-tools charts" : false;
const execwhacker = (values: unknown) => ({ detectors: { execwhacker: values } });
const list = (config: unknown) => execwhacker({ configs: { one: config } });
const strings = (...bannedCommandStrings: unknown[]) => list({ bannedCommandStrings });
const patterns = (...allowedCommandPatterns: unknown[]) => list({ allowedCommandPatterns });

describe("values that nobody decrypted", { skip }, () => {
  const secret = "bm9ib2R5LXJlYWRzLXRoaXM=";
  const CIPHERTEXT = `ENC[AES256_GCM,data:${secret},iv:AA==,tag:AA==,type:str]`;
  const ONE = "detectors.execwhacker.configs.one";
  const ROWS: readonly (readonly [what: string, values: unknown, place: string])[] = [
    ["a string", strings("a-string", CIPHERTEXT), `${ONE}.bannedCommandStrings[1]`],
    ["a string behind a blank", strings(`\n ${CIPHERTEXT}`), `${ONE}.bannedCommandStrings[0]`],
    ["a long string", strings(CIPHERTEXT.replace(secret, "A".repeat(600))), `${ONE}.bannedCommandStrings[0]`],
    ["a string's value", strings({ value: CIPHERTEXT }), `${ONE}.bannedCommandStrings[0].value`],
    ["a string's mode", strings({ value: "a-string", mode: CIPHERTEXT }), `${ONE}.bannedCommandStrings[0].mode`],
    ["a string's note", strings({ value: "a-string", note: CIPHERTEXT }), `${ONE}.bannedCommandStrings[0].note`],
    ["a pattern", patterns(CIPHERTEXT), `${ONE}.allowedCommandPatterns[0]`],
    ["a list's mode", list({ mode: CIPHERTEXT }), `${ONE}.mode`],
    ["another value", { image: { tag: CIPHERTEXT } }, "image.tag"],
    ["Ansible's vault", strings("$ANSIBLE_VAULT;1.1;AES256\n6162"), `${ONE}.bannedCommandStrings[0]`],
    ["age", strings("-----BEGIN AGE ENCRYPTED FILE-----\nYWdl"), `${ONE}.bannedCommandStrings[0]`],
    ["a whole file of sops", { sops: { version: "3.13.3" } }, 'the whole file, which has sops\' own key "sops"'],
  ];
  /** One of each kind: by a list's template, by the values' own, by a key that the schema knows. */
  const OF_A_SUBCHART = ["a string", "another value", "a whole file of sops"];
  for (const [what, values, place] of ROWS) {
    for (const [road, make] of [
      ["", render],
      ...(OF_A_SUBCHART.includes(what) ? [[" of a subchart", renderAsSubchart] as const] : []),
    ] as const) {
      it(`are refused by place, with what to do: ${what}${road}`, () => {
        assert.throws(
          () => make(values),
          ({ message }: Error) => {
            assert.ok(message.includes(`were never decrypted: ${place}. `), message);
            assert.match(message, /sops --decrypt/);
            assert.ok(!message.includes(secret), message);
            return true;
          },
        );
      });
    }
  }

  it("are refused in the support chart, with its list as it is in the repository", () => {
    const folder = mkdtempSync(join(tmpdir(), "cryptnono-support-"));
    try {
      // With the chart beside it as it is now, not as it was packed.
      const support = join(folder, "support");
      const charts = join(CHARTS, "support/charts");
      cpSync(join(CHARTS, "support"), support, { recursive: true, filter: (source) => source !== charts });
      mkdirSync(join(support, "charts"));
      symlinkSync(join(CHARTS, "cryptnono"), join(support, "charts/cryptnono"));
      const files = ["values.yaml", "enc-cryptnono.secret.values.yaml"].flatMap((file) => ["-f", join(support, file)]);
      assert.throws(
        () => execFileSync(HELM!, ["template", "support", support, ...files], { stdio: "pipe" }),
        /were never decrypted: detectors\.execwhacker\.configs\.encrypted-01\.bannedCommandStrings\[0\]/,
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("are not what only looks like it", () => {
    render(strings("enc[a]", "see ENC[AES256_GCM,data:", "ENC[x]"));
  });
});

describe("what can't work", { skip }, () => {
  const ROWS: readonly (readonly [what: string, values: unknown, words: RegExp])[] = [
    ["an empty string", strings(""), /bannedCommandStrings\/0': minLength: got 0, want 1/],
    ["blanks alone", strings("a-string", " \t"), /bannedCommandStrings\/1': .* does not match pattern/],
    ["blanks as a value", strings({ value: "  " }), /bannedCommandStrings\/0\/value/],
    ["513 bytes", strings("x".repeat(513)), /bannedCommandStrings\/0': maxLength: got 513, want 512/],
    ["513 bytes of fewer characters", strings(`${"é".repeat(256)}x`), /one\.bannedCommandStrings\[0\] has 513 bytes/],
    ["the same as a value", strings({ value: `${"é".repeat(256)}x` }), /one\.bannedCommandStrings\[0\] has 513 bytes/],
    ["a number as a string", strings(7), /bannedCommandStrings\/0': got number/],
    ["an empty pattern", patterns(""), /allowedCommandPatterns\/0'/],
    ["a pattern that repeats nothing", patterns("ls", "*ls"), /allowedCommandPatterns\/1'/],
    ["a pattern that ends in a backslash", patterns("ls\\\\\\"), /allowedCommandPatterns\/0'/],
    ["a pattern's unknown key", patterns({ pattern: "ls", spares: "all" }), /allowedCommandPatterns\/0'.*spares/],
    ["a pattern for a word that is not all", patterns({ pattern: "ls", for: "some" }), /for': value must be 'all'/],
    ["a pattern for no list", patterns({ pattern: "ls", for: [] }), /for': minItems/],
    ["an environment variable's value", execwhacker({ lookupEnvs: ["A=b"] }), /lookupEnvs\/0'/],
    [
      "33 environment variables",
      execwhacker({ lookupEnvs: Array.from({ length: 33 }, (_, i) => `V${i}`) }),
      /maxItems/,
    ],
    ["the root as a cgroup", execwhacker({ trustedCgroups: ["/"] }), /trustedCgroups\/0'/],
    ["a way that is none", execwhacker({ unreadable: "hold" }), /unreadable': value must be one of 'kill', 'let-go'/],
  ];
  for (const [what, values, words] of ROWS) {
    it(`is refused: ${what}`, () => assert.throws(() => render(values), words));
  }

  const NUMBERS: readonly (readonly [key: string, least: number, most: number])[] = [
    ["scanExistingSeconds", 0, 2_147_483],
    ["healthPort", 1, 65_535],
    ["lookupWaitSeconds", 0, 600],
    ["maxAllowBytes", 4096, 2 ** 30],
    ["maxWork", 100_000, 100_000_000],
    ["wholeLines", 0, 1_000_000],
    ["summaryEverySeconds", 1, 86_400],
  ];
  const numbers = (one: (least: number, most: number) => number) =>
    execwhacker(Object.fromEntries(NUMBERS.map(([key, least, most]) => [key, one(least, most)])));
  it("is not: the least and the most of each number", () => {
    render(numbers((least) => least));
    render(numbers((_, most) => most));
  });
  // helm names all places of a kind that are wrong.
  const refusals = remembered((one: "below" | "above" | "between") => {
    const values = numbers((least, most) => ({ below: least - 1, above: most + 1, between: least + 0.5 })[one]);
    let message = "";
    assert.throws(
      () => render(values),
      (error: Error) => {
        message = error.message;
        return true;
      },
    );
    return message;
  });
  for (const [key, least, most] of NUMBERS) {
    it(`is refused: ${key} below ${least} or above ${most}`, () => {
      for (const one of ["below", "above", "between"] as const)
        assert.match(refusals(one), new RegExp(`/execwhacker/${key}'`), one);
    });
  }
});

describe("what works", { skip }, () => {
  it("is taken of a subchart", () => {
    renderAsSubchart(
      list({ bannedCommandStrings: ["é".repeat(256)], allowedCommandPatterns: [{ pattern: "ls$", for: "all" }] }),
    );
    renderAsSubchart(execwhacker({ configs: { one: null, "_a-b_": { bannedCommandStrings: null } } }));
  });

  const ROWS: readonly (readonly [what: string, values: unknown])[] = [
    ["512 bytes", strings("x".repeat(512), "é".repeat(256), { value: "x".repeat(512) })],
    ["a pattern that ends in an escaped backslash", patterns("ls\\\\")],
    [
      "a pattern with all of its keys",
      patterns({ pattern: "ls$", for: ["one"], note: "why" }, { pattern: "ls$", for: "all" }),
    ],
    ["no list", execwhacker({ configs: { one: null } })],
    ["a list without entries", list({ bannedCommandStrings: null, allowedCommandPatterns: [] })],
    ["a config name of the earlier chart", execwhacker({ configs: { "_a-b_": { bannedCommandStrings: ["x"] } } })],
    ["no pull policy", { image: { pullPolicy: "" } }],
    ["ConfigMaps as a map", { detectors: { tcpflowkiller: { bannedIpv4ConfigMaps: { banned: "banned.txt" } } } }],
    ["ConfigMaps as a list", { detectors: { tcpflowkiller: { bannedIpv4ConfigMaps: ["banned"] } } }],
  ];
  for (const [what, values] of ROWS) {
    it(`is taken: ${what}`, () => void render(values));
  }
});
