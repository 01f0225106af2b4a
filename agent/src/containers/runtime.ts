// What the look-up asks of a container runtime, whichever it is. cri.ts and docker.ts answer it.
import type { ContainerWords, RuntimeState } from "../types.js";
import type { RuntimeType } from "./container-id.js";

/** What is known of one container. Bounded by `boundFacts`. */
export interface ContainerFacts extends ContainerWords {
  /** False when a list or an event told it, which know less than a call for that one container. */
  readonly complete: boolean;
}

/** One runtime behind one socket. Each method fails with a `RuntimeError` only, within its `timeoutMs`. */
export interface Runtime {
  /** The containers that run now. */
  list(timeoutMs: number): Promise<readonly ContainerFacts[]>;
  /** One container in any state; null when the runtime says that it has none of that id. */
  inspect(id: string, timeoutMs: number): Promise<ContainerFacts | null>;
  /**
   * Tell of containers as they appear, until `signal` aborts or the stream ends. Fails with `unsupported` where the runtime
   * has no stream that may be read beside the kubelet.
   *
   * @param onContainer - `facts` is null when the event carries nothing but the id.
   */
  watch(onContainer: (id: string, facts: ContainerFacts | null) => void, signal: AbortSignal): Promise<void>;
  /** Drop the connection; the next call makes a new one. */
  reset(): void;
  close(): void;
}

/** @param envs - Names of the environment variables that are told. */
export type OpenRuntime = (type: RuntimeType, socketPath: string, envs: readonly string[]) => Promise<Runtime>;

/**
 * `absent`, `not-permitted`, `refused`: no connection. `unreachable`: a connection that broke. `timeout`: connected or
 * connecting, no answer in time. `unsupported`: what answers is no such runtime.
 */
export type RuntimeErrorKind =
  | "absent"
  | "not-permitted"
  | "refused"
  | "unreachable"
  | "timeout"
  | "unsupported"
  | "failed";

/** What a failed call says of the runtime's socket. */
export const STATE_OF_KIND: Readonly<Record<RuntimeErrorKind, Exclude<RuntimeState, "starting" | "answers">>> = {
  absent: "absent",
  "not-permitted": "not-permitted",
  refused: "refused",
  unreachable: "failing",
  timeout: "silent",
  unsupported: "not-a-runtime",
  failed: "failing",
};

/** A call to a runtime that gave no answer. */
export class RuntimeError extends Error {
  override readonly name = "RuntimeError";
  readonly kind: RuntimeErrorKind;

  constructor(kind: RuntimeErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** Any thrown value as a `RuntimeError`; one that is already is kept. */
export function asRuntimeError(error: unknown, kind: RuntimeErrorKind = "failed"): RuntimeError {
  if (error instanceof RuntimeError) return error;
  return new RuntimeError(kind, error instanceof Error ? error.message : String(error), { cause: error });
}

const KIND_OF_ERRNO: Readonly<Record<string, RuntimeErrorKind>> = {
  ENOENT: "absent",
  ENOTDIR: "absent",
  EACCES: "not-permitted",
  EPERM: "not-permitted",
  ECONNREFUSED: "refused",
  ECONNRESET: "unreachable",
  EPIPE: "unreachable",
};

/** A failed system call as a `RuntimeError`, by what it means for the socket; null for other errors. */
export function fromErrno(error: unknown): RuntimeError | null {
  const { code = "", syscall = "read" } = error as NodeJS.ErrnoException;
  const kind = KIND_OF_ERRNO[code];
  return kind === undefined ? null : new RuntimeError(kind, `${syscall} ${code}`, { cause: error });
}

/** Kubernetes limits names to 253 characters and image references are seldom longer than 300. */
const MAX_IMAGE_LENGTH = 512;
const MAX_LABELS = 64;
const MAX_KEY_LENGTH = 256;
const MAX_VALUE_LENGTH = 1024;
/** Of all labels of a container, keys and values, and of all its variables: as much as a log line shows. */
const MAX_WORDS_LENGTH = 4096;

/** Cut what is too long for a log line. Cut text ends in `…`; labels and variables beyond the limits are left out. */
export function boundFacts(facts: ContainerFacts): ContainerFacts {
  const { labels, image, envs } = facts;
  return {
    ...facts,
    labels: boundWords(labels),
    image: cut(image, MAX_IMAGE_LENGTH),
    ...(envs === undefined ? {} : { envs: boundWords(envs) }),
  };
}

function boundWords(words: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const kept: [string, string][] = [];
  let length = 0;
  for (const [key, value] of Object.entries(words).slice(0, MAX_LABELS)) {
    if (key.length > MAX_KEY_LENGTH) continue;
    const shown = cut(value, MAX_VALUE_LENGTH);
    length += key.length + shown.length;
    if (length > MAX_WORDS_LENGTH) break;
    kept.push([key, shown]);
  }
  // Not by assignment: a label may be called `__proto__`.
  return Object.fromEntries(kept);
}

function cut(text: string, length: number): string {
  // By way of bytes: a part of a string keeps the whole of it in memory.
  return text.length <= length ? text : `${Buffer.from(text.slice(0, length - 1), "utf16le").toString("utf16le")}…`;
}

/**
 * Count events and pause the stream when more come than `perTick` in `tickMs`, so that a runtime that floods is slowed by
 * the socket's own flow control and the agent's thread stays free.
 *
 * @returns To be called once per event.
 */
export function pacer(stream: { pause(): unknown; resume(): unknown }, perTick = 100, tickMs = 100): () => void {
  let count = 0;
  let sinceMs = performance.now();
  return () => {
    const nowMs = performance.now();
    if (nowMs - sinceMs >= tickMs) {
      sinceMs = nowMs;
      count = 0;
    }
    count += 1;
    if (count !== perTick) return;
    stream.pause();
    setTimeout(() => stream.resume(), tickMs);
  };
}
