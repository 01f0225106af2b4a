// values-table.mjs [--check]: writes the table of values in cryptnono/README.md from cryptnono/values.schema.json.
// With --check it writes nothing and ends with 1 when the table is not what it would write.
import { readFileSync, writeFileSync } from "node:fs";

const here = (file) => new URL(`cryptnono/${file}`, import.meta.url);
const schema = JSON.parse(readFileSync(here("values.schema.json"), "utf8"));
const readme = readFileSync(here("README.md"), "utf8");

function* rows(at, path) {
  for (const [key, property] of Object.entries(at.properties ?? {})) {
    const one = { ...schema.definitions[property.$ref?.split("/").at(-1)], ...property };
    if (one.properties === undefined) yield `| \`${path}${key}\` | ${one.description.replaceAll("|", "\\|")} |`;
    else yield* rows(one, `${path}${key}.`);
  }
}

const table = ["| value | meaning |", "| --- | --- |", ...rows(schema, "")].join("\n");
const [start, end] = ["<!-- values -->\n", "\n<!-- /values -->"];
const before = readme.slice(0, readme.indexOf(start) + start.length);
const wanted = before + table + readme.slice(readme.indexOf(end));
if (process.argv.includes("--check")) {
  if (readme !== wanted) {
    console.error("cryptnono/README.md: the table of values is not the schema's; run node helm-charts/values-table.mjs");
    process.exit(1);
  }
} else writeFileSync(here("README.md"), wanted);
