// The matcher's vocabulary. Everything is bytes: a command line is not text in any encoding.

/**
 * How an occurrence of a banned string must stand to count.
 * - `word`: the bytes on either side are not word bytes (ASCII letters, digits, `_`); the contract's rule and the default.
 * - `anywhere`: any occurrence.
 * - `exact-argument`: the occurrence is a whole argument (or the whole executed path, or the whole `argv[0]`).
 * - `exact-value`: what `exact-argument` is in an environment: a whole variable, or all of it behind an equals sign.
 */
export type MatchMode = "word" | "anywhere" | "exact-argument" | "exact-value";

/** A banned string as the matcher takes it. `value` is 1 to {@link MAX_STRING_BYTES} bytes, in any case, any bytes but NUL. */
export interface BannedString {
  readonly value: Uint8Array;
  readonly mode: MatchMode;
  /**
   * Strings that must stand in the line too, each by the same mode: it is then a rule of several, `value` the first of them. Each
   * has {@link MIN_MEMBER_BYTES} or more. A rule is found in path and arguments alone, not in the quoted line.
   */
  readonly also?: readonly Uint8Array[];
}

/** What is asked for one by one: an array, or something smaller that makes its items when they are asked for. */
export type Indexed<T> = Pick<readonly T[], "length" | "at">;

/** Longest banned string, in bytes. */
export const MAX_STRING_BYTES = 512;

/** Shortest string of a rule of several, in bytes: a shorter one is looked for at each place of every line (DESIGN.md, filter C). */
export const MIN_MEMBER_BYTES = 5;

/** What was executed: the bytes the kernel holds, without the NULs that end them. */
export interface CommandLine {
  /** The path given to execve (`bprm->filename`), or what `/proc/PID/exe` names for a process found by a scan. */
  readonly path: Uint8Array;
  /** The new image's argument area: `args[0]` is `argv[0]`. May be empty. */
  readonly args: readonly Uint8Array[];
}

/**
 * The matcher's answer on one command line.
 * - `banned`: string `index` occurs and one occurrence counts.
 * - `is-substring`: string `index` occurs, and no string has an occurrence that counts.
 * - `none`.
 */
export type Match = { readonly kind: "banned" | "is-substring"; readonly index: number } | { readonly kind: "none" };
