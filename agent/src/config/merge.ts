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
  const known = new Map<string, Set<string>>();
  const isNew = (kind: string, text: string): boolean => {
    const texts = known.get(kind) ?? new Set();
    known.set(kind, texts);
    return texts.size < texts.add(text).size;
  };
  for (const [i, file] of files.entries()) {
    const list = names[i]!;
    const action = file.mode ?? defaultMode;
    for (const [index, { value, text, mode, note }] of file.strings.entries()) {
      if (!isNew(`${action} ${mode}`, folded(text))) continue;
      strings.push(
        note === undefined ? { value, mode, list, index, action } : { value, mode, list, index, action, note },
      );
    }
    for (const [index, source] of file.patterns.entries()) {
      if (isNew("allow", source)) allow.push({ source, list, index });
    }
  }
  return Object.freeze({ strings: Object.freeze(strings), allow: Object.freeze(allow) });
}

/** The matcher's folding, which touches ASCII alone and so is the same on text as on its UTF-8. */
function folded(text: string): string {
  if (!/[A-Z\t-\r]/.test(text)) return text;
  return text.replace(/[A-Z]+/g, (capitals) => capitals.toLowerCase()).replace(/[\t-\r]/g, " ");
}

/** File names without `.json`; with their folders where two would be equal. */
function listNames(files: readonly string[]): string[] {
  const byName = new Map<string, Set<string>>();
  const short = files.map((file) => basename(file, ".json"));
  for (const [i, name] of short.entries()) byName.set(name, (byName.get(name) ?? new Set()).add(files[i]!));
  return files.map((file, i) => (byName.get(short[i]!)!.size > 1 ? join(dirname(file), short[i]!) : short[i]!));
}
