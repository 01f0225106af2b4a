// The words that the agent's folders share. Each folder imports types from here and none from its neighbours.
import type { BannedString, Indexed } from "@cryptnono/matcher";

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
  readonly note?: string;
}

/** An allow pattern with where it was written. */
export interface AllowPattern {
  readonly source: string;
  readonly list: string;
  readonly index: number;
}

/** Everything that decides, merged from all config files, in their order. Frozen. */
export interface Rules {
  readonly strings: readonly Rule[];
  readonly allow: readonly AllowPattern[];
  /** Which of `allow` spare a string, by its `allowSet` less one: strings that the same patterns spare are of one set. */
  readonly allowSets: readonly (readonly number[])[];
}

/** Rules in force, their strings asked for one by one. */
export type RulesInForce = Omit<Rules, "strings"> & { readonly strings: Indexed<Rule> };

/** What the rules say of one command line. */
export type JudgeVerdict =
  | { readonly kind: "none" }
  | { readonly kind: "banned"; readonly rule: Rule }
  | {
      readonly kind: "spared";
      readonly rule: Rule;
      readonly allowedBy: AllowedBy;
    };

/** What a process is, as the kernel saw it at exec or as a scan read it from /proc. */
export interface ProcessFacts {
  /** Thread group id in the initial pid namespace. */
  readonly pid: number;
  readonly ppid: number;
  readonly uid: number;
  /** Nanoseconds since boot. */
  readonly startTimeNs: bigint;
  /** The path given to execve; for a scan what /proc/PID/exe names. */
  readonly path: Uint8Array;
  /** The interpreter that really runs, when `path` is a script. */
  readonly interpreter?: Uint8Array;
  /** The path of the file that runs, when `path` is no script's and does not say it: it is a link, not absolute or not plain. */
  readonly exe?: Uint8Array;
  /** Behind the path among the arguments stands the `argv[0]` that was given (binfmt_misc's flag P). */
  readonly keepsArgv0?: boolean;
  /** The argument area as far as it was captured; `args[0]` is `argv[0]`. The last one may be cut. */
  readonly args: readonly Uint8Array[];
  /** Length of the whole argument area in bytes. More than what `args` holds means it was cut. */
  readonly argsBytes: number;
  /** What stands around the match, when it lies beyond what `args` holds; `offset` counts from `argv[0]`'s start. */
  readonly context?: { readonly offset: number; readonly bytes: Uint8Array };
  /** The new image's short name, at most 15 bytes. */
  readonly comm: Uint8Array;
  /** The parent's short name. */
  readonly parentComm: Uint8Array;
  readonly cgroup: CgroupIdentity;
  /** What the kernel did beyond the cmdline: pid namespace inode number and cgroup v2 id; absent for a scan. */
  readonly pidNamespace?: number;
  readonly cgroupId?: bigint;
}

/**
 * Where a process stood in the cgroup trees. `kernel`: one path per hierarchy, root first; one that does not begin with `/`
 * is nested so deep that its outermost names were not reached. `proc`: /proc/PID/cgroup.
 */
export type CgroupIdentity =
  | { readonly source: "kernel"; readonly paths: readonly string[] }
  | { readonly source: "proc"; readonly lines: string };

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
}

/**
 * What kept a command line from being searched whole; or `arguments-changed`: someone else wrote to the arguments in the middle
 * of exec, so that what was judged is not what was to run.
 */
export type Because = "unreadable" | "over-long" | "arguments-changed";

export type Outcome =
  | { readonly action: "killed"; readonly by: "kernel" | "agent" }
  | { readonly action: "would-kill" }
  | { readonly action: "kill-failed"; readonly errno: number }
  | { readonly action: "missed-kill" }
  | { readonly action: "spared"; readonly allowedBy: AllowedBy }
  /** Not judged to the end: it could not be read or was too long, and the configured way is to let it go. */
  | { readonly action: "let-go" }
  | { readonly action: "observed"; readonly durationNs: bigint };

/** What spares a process in whose command line a banned string stands. */
export type AllowedBy = "is-substring" | { readonly pattern: AllowPattern };

/** What a runtime knows of a container. All of it is written by whoever made the container, and bounded. */
export interface ContainerWords {
  readonly type: "cri" | "docker";
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The reference the operator wrote, with its tag; a digest only when no name is known. */
  readonly image: string;
  readonly imageDigest?: string;
  /** Those of the chosen environment variables that the container's specification sets. */
  readonly envs?: Readonly<Record<string, string>>;
}

/** A container within the one that is named. Whoever owns that one may have made the name: a hint, never an identity. */
export type InnerContainer = ContainerWords | { readonly type?: undefined; readonly id: string };

/** What a container look-up found. */
export type ContainerResult =
  /** No container: a process of the host. No look-up was made and there is nothing to report. */
  | { readonly kind: "host" }
  | (ContainerWords & { readonly kind: "container"; readonly inner?: InnerContainer })
  | {
      readonly kind: "failed";
      readonly why: LookupFailure;
      readonly reason: string;
      readonly cgroupLine: string;
      readonly id?: string;
      readonly inner?: InnerContainer;
    };

/** What a runtime's socket is good for: `starting` before the first try has ended. */
export type RuntimeState =
  | "starting"
  | "answers"
  | "absent"
  | "not-permitted"
  | "refused"
  | "silent"
  | "not-a-runtime"
  | "failing";

/** Why a container could not be named: the state of the runtime to be asked, or one of three more. */
export type LookupFailure =
  | Exclude<RuntimeState, "starting" | "answers">
  /** The runtimes that answer have no such container. */
  | "not-known"
  /** Its cgroup is no known runtime's, or below one that was handed to someone. */
  | "foreign"
  /** More look-ups wait than may. */
  | "too-many";

/** One runtime's socket. */
export interface RuntimeStatus {
  readonly type: "cri" | "docker";
  readonly socketPath: string;
  readonly state: RuntimeState;
  /** The error's words, where there is one. */
  readonly detail?: string;
}

/** Never rejects, never takes longer than its bound: failure is a result. */
export interface ContainerLookup {
  lookup(cgroup: CgroupIdentity): Promise<ContainerResult>;
  /** Each socket, in the order it is asked. */
  runtimes(): readonly RuntimeStatus[];
  /** The agent ends: from now on nothing waits for longer than a moment. */
  hurry(): void;
  close(): Promise<void>;
}

/** What a detector's programs count, summed over CPUs, by the names of its `enum counter`. Each only grows. */
export type Counters = Readonly<Record<string, bigint>>;
