import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type DeployerError, GeneratorError, ListError } from "../../../errors.js";
import { packageFile } from "../../../generator/package-file.js";
import type { BannedList } from "../../../generator/types.js";
import { loadGenerator } from "./load-generator.js";

const FILE = packageFile("commands/generate/cryptnono_config/blocklist-generator.secret.ts");

async function run(source: string, showMessages = false): Promise<BannedList | undefined> {
  let list: BannedList | undefined;
  const generator = await loadGenerator(source, FILE, showMessages);
  await generator.run("values.yaml", {
    async write(_, written) {
      list = written;
    },
  });
  return list;
}

describe("a generator", () => {
  test("is TypeScript, may import deployer/generator, Node and packages, and is handed the path", async () => {
    const list = await run(`
      import { basename } from "node:path";
      import { Command } from "commander";
      import { byHand, type Generate } from "deployer/generator";
      export const generate: Generate = async (valuesPath, tools) => {
        const kept = byHand([basename(valuesPath) satisfies string, new Command("a").name()], "here");
        await tools.write(valuesPath, { kept, dropped: [], overridden: [] });
      };`);
    assert.deepEqual(
      list?.kept.map(({ value }) => value),
      ["values.yaml", "a"],
    );
  });

  const BROKEN: readonly (readonly [name: string, source: string, message: RegExp])[] = [
    [
      "a syntax error",
      'const a = 1;\nconst b = ["x" "secret-word"];\n',
      /^compile blocklist-generator\.secret\.ts:2:16: a syntax error$/,
    ],
    [
      "a name that is declared twice",
      "const a = 1, secret_word = 1;\nconst secret_word = 2;\n",
      /^compile blocklist-generator\.secret\.ts:2:7: a syntax error$/,
    ],
    [
      "an error whose class is named by the list",
      'const C = { ["secret-word"]: class extends Error {} };\nthrow new C["secret-word"]();\n',
      /^run blocklist-generator\.secret\.ts:2: it threw an error of its own class$/,
    ],
    [
      "an exception while loading",
      'const a = 1;\n\nthrow new TypeError("secret-word");\n',
      /^run blocklist-generator\.secret\.ts:3: it threw TypeError$/,
    ],
    [
      "no generate",
      "export const other = 1;\n",
      /^load blocklist-generator\.secret\.ts: it exports no function called generate$/,
    ],
    [
      "an exception while running",
      'import type { Generate } from "deployer/generator";\ntype A = {\n  a: string;\n};\nexport const generate: Generate = () => {\n  throw new RangeError("secret-word");\n};\n',
      /^run blocklist-generator\.secret\.ts:6: it threw RangeError$/,
    ],
    [
      "a thrown string",
      'export const generate = () => { throw "secret-word"; };',
      /^run blocklist-generator\.secret\.ts: it threw a string$/,
    ],
    [
      "an import that is not there",
      'import a from "no-such-package";\nexport const generate = () => a();',
      /^run blocklist-generator\.secret\.ts:1: it threw Error$/,
    ],
  ];
  for (const [name, source, message] of BROKEN) {
    test(`with ${name} is an error with its place and without its words`, async () => {
      await assert.rejects(run(source), (error) => {
        assert.ok(error instanceof GeneratorError);
        assert.match(error.message, message);
        assert.ok(!/secret.word/.test(`${error.message} ${error.hint}`));
        return true;
      });
    });
  }

  test("says what it threw when strings may be shown", async () => {
    await assert.rejects(
      run('export const generate = () => { throw new Error("what it says"); };', true),
      /Error: what it says/,
    );
  });

  test("lets the deployer's own errors through", async () => {
    const generator = await loadGenerator("export const generate = (p, t) => t.write(p, null);", FILE, false);
    const refused = new ListError("check encrypted-02: it is empty");
    await assert.rejects(
      generator.run("a", { write: () => Promise.reject(refused) }),
      (error: DeployerError) => error === refused,
    );
  });
});
