// The oracle: the shortest search that is obviously right. The kernel's matcher, the table walk, the scan and `explain`
// are all held against it. Nothing here is fast.
import { joinArguments } from "./bytes.js";
import { counts } from "./counts.js";
import { FOLD, fold } from "./fold.js";
import { memberStrings } from "./members.js";
import { searchQuoted } from "./quoted.js";
import { ALL_SCOPES, isInScope } from "./scope.js";
import type { BannedString, CommandLine, Match } from "./types.js";

/**
 * Search `line` for every string.
 *
 * Two texts are searched, as one process has two faces: the executed path followed by `argv[1..]`, and `argv[0]` followed by
 * `argv[1..]`. Arguments are joined by NUL, which folds to a space. A rule of several strings counts when each of them, looked for
 * by itself, does; it is never a part of something longer.
 *
 * @returns The lowest index with an occurrence that counts; else the lowest index that occurs at all; else `none`.
 */
export function search(strings: readonly BannedString[], line: CommandLine): Match {
  const rest = line.args.slice(1);
  const joined = [joinArguments([line.path, ...rest]), ...(line.args.length > 0 ? [joinArguments(line.args)] : [])];
  const texts = joined.map((text) => ({ text, folded: fold(text) }));
  let substring = -1;
  for (const [index, string] of strings.entries()) {
    if (string.also !== undefined) {
      if (memberStrings(string).every((member) => search([member], line).kind === "banned"))
        return { kind: "banned", index };
      continue;
    }
    for (const { text, folded } of texts) {
      for (const at of occurrences(folded, string.value)) {
        if (counts(text, at, string)) return { kind: "banned", index };
        if (substring < 0) substring = index;
      }
    }
  }
  return substring < 0 ? { kind: "none" } : { kind: "is-substring", index: substring };
}

/** What becomes of a process; see {@link verdict}. */
export type Verdict = "killed" | "would-kill" | "spared-pattern" | "spared-scope" | "spared-substring" | "pass";

/**
 * The verdict on `line`: each string that stands in it by itself, an enforced one before an audited one.
 *
 * @param shown - What allow patterns see: the path, then the arguments that count.
 * @param isSpared - Whether a pattern that may spare the string of this number matches.
 * @param scopes - Those that hold where the process is.
 */
export function verdict(
  strings: readonly (BannedString & { readonly action?: "enforce" | "audit"; readonly scope?: number })[],
  line: CommandLine,
  shown: readonly Uint8Array[],
  isSpared: (index: number) => boolean,
  scopes = ALL_SCOPES,
): Verdict {
  const matches = strings.map((string) => search([string], line).kind);
  const quoted = searchQuoted(strings, shown);
  const counting = [...strings.keys()].filter((i) => isInScope(strings[i]!.scope, scopes));
  const standing = counting.filter((i) => matches[i] === "banned" || quoted.includes(i));
  const unspared = standing.filter((i) => !isSpared(i));
  if (unspared.some((i) => strings[i]!.action !== "audit")) return "killed";
  if (unspared.length > 0) return "would-kill";
  if (standing.length > 0) return "spared-pattern";
  if (matches.some((kind, i) => kind === "banned" && !counting.includes(i))) return "spared-scope";
  return matches.includes("is-substring") ? "spared-substring" : "pass";
}

function* occurrences(folded: Uint8Array, value: Uint8Array): Generator<number> {
  const first = FOLD[value[0]!]!;
  for (let at = folded.indexOf(first); at >= 0; at = folded.indexOf(first, at + 1)) {
    let i = 1;
    while (i < value.length && folded[at + i] === FOLD[value[i]!]) i++;
    if (i === value.length) yield at;
  }
}
