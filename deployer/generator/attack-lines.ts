// Command lines that run, fetch or hide miners, from public material.
import { readFileSync } from "node:fs";
import { packageFile } from "./package-file.js";

/** A line of the attack corpus. */
export interface AttackLine {
  readonly text: string;
  readonly source: string;
  /** `run`: runs or fetches a miner. `around`: prepares, hides or clears the machine, as administrators do in the same words. */
  readonly act: "run" | "around";
}

/** Every line of the corpus. */
export function attackLines(): AttackLine[] {
  return readFileSync(packageFile("commands/generate/cryptnono_config/fixtures/attack-command-lines.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { cmdline: string; source: string; note: string })
    .map(({ cmdline, source, note }) => ({
      text: cmdline,
      source,
      act: /^kind=(prepare|evasion|cleanup)/.test(note) ? "around" : "run",
    }));
}
