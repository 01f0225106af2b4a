// Published command lines that run miners: fixtures/attack-command-lines.jsonl, each with its source.
import { readFileSync } from "node:fs";
import { packageFile } from "../../../generator/package-file.js";

export function attackLines(): string[] {
  const file = packageFile("commands/generate/cryptnono_config/fixtures/attack-command-lines.jsonl");
  return readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { cmdline: string }).cmdline);
}
