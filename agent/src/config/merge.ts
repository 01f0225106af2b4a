// Many config files to one frozen set of rules.
import { basename, dirname, join } from "node:path";
import { fold } from "@cryptnono/matcher";
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
  const strings = new Map<string, Rule>();
  const allow = new Map<string, AllowPattern>();
  for (const [i, file] of files.entries()) {
    const list = names[i]!;
    const action = file.mode ?? defaultMode;
    for (const [index, string] of file.strings.entries()) {
      const key = `${action} ${string.mode} ${Buffer.from(fold(string.value)).toString("latin1")}`;
      if (!strings.has(key)) strings.set(key, Object.freeze({ ...string, list, index, action }));
    }
    for (const [index, source] of file.patterns.entries()) {
      if (!allow.has(source)) allow.set(source, Object.freeze({ source, list, index }));
    }
  }
  return Object.freeze({
    strings: Object.freeze([...strings.values()]),
    allow: Object.freeze([...allow.values()]),
  });
}

/** File names without `.json`; with their folders where two would be equal. */
function listNames(files: readonly string[]): string[] {
  const short = files.map((file) => basename(file, ".json"));
  return files.map((file, i) =>
    short.some((name, j) => name === short[i] && files[j] !== file) ? join(dirname(file), short[i]!) : short[i]!,
  );
}
