// What the look-up asks of a container runtime, whichever it is. cri.ts and docker.ts answer it.
import type { RuntimeType } from "./container-id.js";

/** What is known of one container. Bounded by `boundFacts`, since all of it is written by whoever made the container. */
export interface ContainerFacts {
  readonly type: RuntimeType;
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The reference the operator wrote; the image's id only where no name is known. */
  readonly image: string;
  /** `sha256:` and 64 hexadecimal digits: the manifest's digest where the image was pulled, else the image's id. */
  readonly imageDigest?: string;
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

export type OpenRuntime = (type: RuntimeType, socketPath: string) => Promise<Runtime>;

/** `timeout`: connected or connecting, no answer in time. `unsupported`: what answers is no such runtime. */
export type RuntimeErrorKind = "unreachable" | "timeout" | "unsupported" | "failed";

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

/** Kubernetes limits names to 253 characters and image references are seldom longer than 300. */
const MAX_IMAGE_LENGTH = 512;
const MAX_LABELS = 64;
const MAX_LABEL_KEY_LENGTH = 256;
const MAX_LABEL_VALUE_LENGTH = 1024;
/** Of all labels of a container, keys and values. */
const MAX_LABELS_LENGTH = 8192;

/** Cut what is too long for a log line. Cut text ends in `…`; labels beyond the limits are left out. */
export function boundFacts(facts: ContainerFacts): ContainerFacts {
  const labels: Record<string, string> = Object.create(null);
  let length = 0;
  for (const [key, value] of Object.entries(facts.labels).slice(0, MAX_LABELS)) {
    if (key.length > MAX_LABEL_KEY_LENGTH) continue;
    const kept = cut(value, MAX_LABEL_VALUE_LENGTH);
    length += key.length + kept.length;
    if (length > MAX_LABELS_LENGTH) break;
    labels[key] = kept;
  }
  return { ...facts, labels: { ...labels }, image: cut(facts.image, MAX_IMAGE_LENGTH) };
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
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
