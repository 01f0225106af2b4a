// The words that the agent's folders share. Each folder imports types from here and none from its neighbours.

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
