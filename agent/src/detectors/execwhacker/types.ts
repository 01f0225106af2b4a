// The words that execwhacker's folders share: its rules, what they say of a command line, and what became of a process.
import type { BannedString, Indexed } from "@cryptnono/matcher";
import type { ProcessFacts } from "../../types.js";
import type { NarrowScope } from "./narrow/scope.js";

/** A banned string with where it was written. Messages name it by `list[index]`, never by its value. */
export interface Rule extends BannedString {
  /** The config's name: its file name without `.json`, for example `encrypted-01`. */
  readonly list: string;
  /** Position in that file's `bannedCommandStrings`. */
  readonly index: number;
  /** `audit`: log `would-kill`, kill nothing. From the file's `mode`, else the command line's `--mode`. */
  readonly action: "enforce" | "audit";
  /** Which patterns spare it: `Rules.allowSets[allowSet - 1]`; none when it is 0. */
  readonly allowSet: number;
  /** Where it counts, a number of the matcher's `SCOPE`; absent: everywhere. From its own `scope`, else the file's. */
  readonly scope?: number;
  /** What a narrow one says. */
  readonly narrow?: NarrowScope;
  /** With a candidate beside the lists in force: which of the two has it alone. Both when absent, or without a candidate. */
  readonly only?: "in-force" | "candidate";
  /**
   * Of a rule of `wallets`: the coin whose addresses are looked for. `value` is the address that was found, and empty as long as
   * none was; `index` is its position in that file's `wallets`.
   */
  readonly wallet?: string;
  /** It is looked for in the environment too. */
  readonly environment?: true;
  readonly note?: string;
}

/** What stands in the environment, not on the command line. */
export interface InEnvironment {
  /** The variable's name, if that is known and looks like one. */
  readonly variable?: string;
}

/** An allow pattern with where it was written. */
export interface AllowPattern {
  readonly source: string;
  readonly list: string;
  readonly index: number;
  /** It spares nothing in force. */
  readonly only?: "candidate";
}

/** The candidate lists that stand beside those in force, all together one. */
export interface Candidate {
  readonly lists: readonly CandidateList[];
  /** Strings and patterns that are the candidate's alone: the last ones of the rules. */
  readonly strings: number;
  readonly patterns: number;
}

export interface CandidateList {
  readonly list: string;
  /** The list in force whose place it would take. */
  readonly replaces?: string;
  readonly revision?: string;
}

/** Everything that decides, merged from all config files, in their order. Frozen. */
export interface Rules {
  readonly strings: readonly Rule[];
  /** In the kernel's records they are numbered behind the strings. */
  readonly wallets?: readonly Rule[];
  readonly allow: readonly AllowPattern[];
  /** Which of `allow` spare a string, by its `allowSet` less one: strings that the same patterns spare are of one set. */
  readonly allowSets: readonly (readonly number[])[];
  /** By number less `NARROW.first`: scopes by namespaces, pods and labels; absent without any. */
  readonly narrow?: readonly NarrowScope[];
  /** Absent without one. Its strings are audited, and decide nothing. */
  readonly candidate?: Candidate;
}

/** Rules in force, their strings asked for one by one. */
export type RulesInForce = Omit<Rules, "strings"> & { readonly strings: Indexed<Rule> };

/** What the rules say of one command line. */
export type JudgeVerdict =
  | { readonly kind: "none" }
  | { readonly kind: "banned"; readonly rule: Rule; readonly environment?: InEnvironment }
  | {
      readonly kind: "spared";
      readonly rule: Rule;
      readonly allowedBy: AllowedBy;
      readonly environment?: InEnvironment;
    };

/** What happened to one process. The log line is made of this and nothing else. */
export interface Report {
  /** Which part of a detector found it: one of a closed set of names. */
  readonly source: string;
  readonly process: ProcessFacts;
  /** The rule whose string was found. */
  readonly rule: Rule | null;
  /** The matched text, when the rule is not known: it belonged to an earlier agent's list. */
  readonly matched?: Uint8Array;
  readonly outcome: Outcome;
  /** The cgroups whose reports are counted together, by some name of theirs. */
  readonly group?: string;
  /** Why it was not judged by its strings alone. */
  readonly because?: Because;
  /** Nanoseconds from the exec hook's entry (or the scan's first look) to the verdict's signal. */
  readonly latencyNs?: bigint;
  /** Byte offset of the match in the searched text, when known. */
  readonly matchOffset?: number;
  /** Where it was found, if not on the command line. */
  readonly environment?: InEnvironment;
}

/**
 * What kept a command line from being searched whole; or `arguments-changed`: someone else wrote to the arguments in the middle
 * of exec, so that what was judged is not what was to run.
 */
/** `container-unknown`: nobody could say whether a narrow scope holds there: it was taken not to. */
export type Because = "container-unknown" | "unreadable" | "over-long" | "arguments-changed";

export type Outcome =
  | { readonly action: "killed"; readonly by: "kernel" | "agent" }
  /** `candidate`: the lists in force let it live. */
  | { readonly action: "would-kill"; readonly by?: "candidate" }
  /**
   * The lists in force kill it, or would where they only log, and the candidate does not. `isUnknown`: that cannot be said, as not all
   * of the line is at hand.
   */
  | { readonly action: "would-live"; readonly isUnknown?: true }
  | { readonly action: "kill-failed"; readonly errno: number }
  | { readonly action: "missed-kill" }
  | { readonly action: "spared"; readonly allowedBy: AllowedBy }
  /** Not judged to the end: it could not be read or was too long, and the configured way is to let it go. */
  | { readonly action: "let-go" }
  | { readonly action: "observed"; readonly durationNs: bigint };

/** What spares a process in whose command line a banned string stands. */
export type AllowedBy = "is-substring" | "out-of-scope" | { readonly pattern: AllowPattern };
