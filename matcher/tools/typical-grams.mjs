// Writes src/typical-grams.ts: the groups of four bytes that stand most often in honest command lines, by the deployer's corpora.
//   node matcher/tools/typical-grams.mjs
import { readFileSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

const COUNT = 4000;
const read = (file) => readFileSync(new URL(`../../deployer/corpora/${file}`, import.meta.url));
const lines = `${gunzipSync(read("command-lines.txt.gz"))}\n${read("science.txt")}`
  .split("\n")
  .filter((line) => !line.startsWith("# "));
const counts = new Map();
for (const line of lines) {
  // What is not plain ASCII, or would need an escape below, is rare anyway.
  const text = line.toLowerCase().replace(/[^ !#-\[\]-_a-~]/g, "\0");
  for (let i = 0; i + 4 <= text.length; i++) {
    const gram = text.slice(i, i + 4);
    if (!gram.includes("\0")) counts.set(gram, (counts.get(gram) ?? 0) + 1);
  }
}
const grams = [...counts]
  .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
  .slice(0, COUNT)
  .map(([gram]) => gram)
  .join("");
const rows = grams.match(/.{1,112}/g).map((row) => `  "${row}",`);
writeFileSync(
  new URL("../src/typical-grams.ts", import.meta.url),
  `// Written by tools/typical-grams.mjs from the deployer's corpora of honest command lines; not to be edited.

/** The ${COUNT} most frequent groups of four bytes in honest command lines, folded, the most frequent first. */
export const TYPICAL_GRAMS: string = [
${rows.join("\n")}
].join("");
`,
);
