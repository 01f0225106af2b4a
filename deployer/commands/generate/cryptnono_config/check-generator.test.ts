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
    /^blocklist-generator\.secret\.ts:2:14: TS2322$/,
  ],
  [
    "a name that is not exported",
    'import { nothing } from "deployer/generator";\nnothing();\n',
    /^blocklist-generator\.secret\.ts:1:10: TS2305$/,
  ],
  ["a syntax error", "export const a = ;\n", /^blocklist-generator\.secret\.ts:1:18: TS1109$/],
];

for (const [name, source, errors] of ROWS) {
  test(`the compiler's word on ${name}, given from memory`, () => {
    const found = typeErrors(source, FILE);
    if (errors === null) assert.deepEqual(found, []);
    else assert.match(found.join("\n"), errors);
  });
}

const SECRET = "zq9secretzq9";
for (const source of [
  `export const a: number = "${SECRET}";\n`,
  `export const a: "x" = "${SECRET}";\n`,
  `export const a = {"${SECRET}": 1}["x"];\n`,
  `export const a = ${SECRET};\n`,
  `import a from "${SECRET}";\nexport { a };\n`,
  `export const a = \`${SECRET}\n`,
  `export const a: { b: 1 } = { b: 1, "${SECRET}": 2 };\n`,
  `export function a(b: "${SECRET}") {}\na("${SECRET}x");\n`,
  `export const a = ["${SECRET}"] as const;\nconst b: 1 = a[1];\n`,
  `/// <reference path="${SECRET}" />\nexport {};\n`,
  `/// <reference types="${SECRET}" />\nexport {};\n`,
]) {
  test(`an error is told by code and place, without what stands there: ${source.replace(SECRET, "...").trim()}`, () => {
    const found = typeErrors(source, FILE);
    assert.ok(found.length > 0);
    for (const error of found) assert.match(error, /^(blocklist-generator\.secret\.ts(:\d+:\d+)?|compiler): TS\d+$/);
  });
}
