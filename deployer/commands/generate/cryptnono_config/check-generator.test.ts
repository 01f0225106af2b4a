import assert from "node:assert/strict";
import { test } from "node:test";
import { packageFile } from "../../../generator/package-file.js";
import { typeErrors } from "./check-generator.js";

const FILE = packageFile("commands/generate/cryptnono_config/blocklist-generator.secret.ts");

const ROWS: readonly (readonly [name: string, source: string, errors: RegExp | null])[] = [
  [
    "a good generator",
    'import type { Generate } from "deployer/generator";\nexport const generate: Generate = () => {};\n',
    null,
  ],
  [
    "a wrong type",
    "export const a = 1;\nexport const b: string = a;\n",
    /^blocklist-generator\.secret\.ts:2:14: Type 'number' is not assignable to type 'string'\.$/,
  ],
  [
    "a name that is not exported",
    'import { nothing } from "deployer/generator";\nnothing();\n',
    /^blocklist-generator\.secret\.ts:1:10: Module '"deployer\/generator"' has no exported member 'nothing'\.$/,
  ],
  ["a syntax error", "export const a = ;\n", /^blocklist-generator\.secret\.ts:1:18: Expression expected\.$/],
];

for (const [name, source, errors] of ROWS) {
  test(`the compiler's word on ${name}, given from memory`, () => {
    const found = typeErrors(source, FILE);
    if (errors === null) assert.deepEqual(found, []);
    else assert.match(found.join("\n"), errors);
  });
}
