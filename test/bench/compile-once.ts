// Compile one config's strings in a fresh process; prints {ms, bytes}.
import { readFileSync } from "node:fs";
import { compileTables } from "@cryptnono/matcher";

const { bannedCommandStrings } = JSON.parse(readFileSync(process.argv[2]!, "utf8")) as {
  readonly bannedCommandStrings: readonly string[];
};
const strings = bannedCommandStrings.map((text) => ({ value: Buffer.from(text), mode: "word" }) as const);
const startedMs = performance.now();
const { filters, cells, allow } = compileTables(strings);
const ms = performance.now() - startedMs;
process.stdout.write(JSON.stringify({ ms, bytes: filters.length + cells.length + allow.length }));
