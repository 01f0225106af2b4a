// Many config files to one frozen set of rules.
import { basename, dirname, join } from "node:path";
import type { AllowPattern, Rule, Rules } from "../types.js";
import type { ActionMode, ConfigFile } from "./parse.js";

/**
 * Merge files in their order.
 *
 * Strings equal after folding, with the same match mode and the same action, are one rule: the first. A string that one file
 * enforces and another audits stays twice, for either file to be taken away alone. Equal patterns are one.
 */
export function mergeRules(files: readonly ConfigFile[], defaultMode: ActionMode): Rules {
  const names = listNames(files.map(({ file }) => file));
  const strings: Rule[] = [];
  const allow: AllowPattern[] = [];
  const known = new Set<string>();
  const isNew = (key: string): boolean => known.size < known.add(key).size;
  for (const [i, file] of files.entries()) {
    const list = names[i]!;
    const action = file.mode ?? defaultMode;
    for (const [index, { value, mode, note }] of file.strings.entries()) {
      if (!isNew(`${action} ${mode} ${folded(value)}`)) continue;
      strings.push(
        note === undefined ? { value, mode, list, index, action } : { value, mode, list, index, action, note },
      );
    }
    for (const [index, source] of file.patterns.entries()) {
      if (isNew(`allow ${source}`)) allow.push({ source, list, index });
    }
  }
  return Object.freeze({ strings: Object.freeze(strings), allow: Object.freeze(allow) });
}

/** The matcher's folding, on text of one character a byte. */
function folded(value: Uint8Array): string {
  const text = Buffer.from(value.buffer, value.byteOffset, value.length).toString("latin1");
  return text.replace(/[A-Z]+/g, (capitals) => capitals.toLowerCase()).replace(/[\0\t-\r]/g, " ");
}

/** File names without `.json`; with their folders where two would be equal. */
function listNames(files: readonly string[]): string[] {
  const short = files.map((file) => basename(file, ".json"));
  return files.map((file, i) =>
    short.some((name, j) => name === short[i] && files[j] !== file) ? join(dirname(file), short[i]!) : short[i]!,
  );
}
