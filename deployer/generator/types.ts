// The words that a banned-strings generator and the deployer share.
import type { MatchMode } from "@cryptnono/matcher";

/** A string that may come to be banned, and why it is here. */
export interface Candidate {
  /** As it will stand in the list: folded to small letters, no blank at either end. */
  readonly value: string;
  /** Strings that must stand in the line too, each by the same mode: a rule of several, written as `allOf`. */
  readonly also?: readonly string[];
  readonly mode: MatchMode;
  /** It counts in containers alone; everywhere when left out. For what the host's own administrators do. */
  readonly scope?: "containers";
  /** Who says so: repository and file, or the letters of `facts/README.md`. */
  readonly source: string;
  /** The rule that made it from the fact, for example `pool-domain`. */
  readonly rule: string;
}

/** A candidate that is not banned, and the reason. */
export interface Dropped extends Candidate {
  readonly reason: string;
}

/** A candidate that hits something benign and is banned all the same. */
export interface Override extends Candidate {
  /** The comment written beside the override. */
  readonly because: string;
  /** How many benign lines it hits. */
  readonly hits: number;
}

/** What a generator makes: the list, in its final order, and everything that fell out on the way. */
export interface BannedList {
  readonly kept: readonly Candidate[];
  readonly dropped: readonly Dropped[];
  readonly overridden: readonly Override[];
}

/** What the deployer hands to the generator. */
export interface Tools {
  /**
   * Check the list and write it, encrypted, to `configs.encrypted-02` of the values file. Under `--dry-run`, `--summary` and
   * `explain-string` it is only looked at.
   *
   * @throws ListError when the list must not be deployed.
   */
  write(valuesPath: string, list: BannedList): Promise<void>;
}

/** The one function that a generator exports as `generate`: it takes the values file's path and writes it. */
export type Generate = (valuesPath: string, tools: Tools) => void | Promise<void>;
