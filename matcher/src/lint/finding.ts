// What is said of a string or a pattern of a list.

/**
 * - `error`: it breaks a machine, or does nothing of what it is written for.
 * - `warning`: most likely a mistake.
 * - `info`: harmless, and could be simpler.
 */
export type FindingLevel = "error" | "warning" | "info";

export const FINDING_LEVELS: readonly FindingLevel[] = ["error", "warning", "info"];

export interface Finding {
  readonly level: FindingLevel;
  /** A word for scripts. Closed: `STRING_CODES` and `PATTERN_CODES`. */
  readonly code: string;
  /** The string's or the pattern's position in the list that was asked about. */
  readonly index: number;
  /** Holds no string of the list; another one is named by {@link other}. */
  readonly problem: string;
  readonly hint?: string;
  /** Another string, which the problem is about too. */
  readonly other?: number;
  /** A line that shows it. It may hold the string. */
  readonly example?: string;
}
