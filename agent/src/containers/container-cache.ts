// Remembers containers, gone ones too, and for a moment which ids no runtime knew. A container id is random and never used
// again, so what is known of one never becomes wrong and needs no expiry; the limits are there for memory alone.
import type { ContainerFacts } from "./runtime.js";

export interface ContainerCacheLimits {
  readonly maxContainers: number;
  /** Of all that is kept, texts and what holds them. */
  readonly maxBytes: number;
  /** How long an id counts as unknown. Short: an exec may come before the runtime lists its container. */
  readonly unknownMs: number;
}

export const DEFAULT_CACHE_LIMITS: ContainerCacheLimits = {
  // A large node has 250 pods of about 2 containers; the rest is room for the dead.
  maxContainers: 2048,
  // A pod's container takes 1.5 KB with the usual names, so that all of them fit.
  maxBytes: 4 * 1024 * 1024,
  unknownMs: 1000,
};

/** Least recently used goes first; when bytes are short, of those that take more than their share. */
export class ContainerCache {
  readonly #limits: ContainerCacheLimits;
  readonly #nowMs: () => number;
  readonly #containers = new Map<string, { readonly facts: ContainerFacts; readonly bytes: number }>();
  readonly #unknownUntilMs = new Map<string, number>();
  #bytes = 0;

  constructor(limits: ContainerCacheLimits = DEFAULT_CACHE_LIMITS, nowMs: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#nowMs = nowMs;
  }

  get size(): number {
    return this.#containers.size;
  }

  /** As reckoned by {@link bytesOf}. */
  get bytes(): number {
    return this.#bytes;
  }

  get(id: string): ContainerFacts | undefined {
    const kept = this.#containers.get(id);
    if (kept === undefined) return undefined;
    this.#containers.delete(id);
    this.#containers.set(id, kept);
    return kept.facts;
  }

  /** Complete facts are never replaced by incomplete ones. */
  put(facts: ContainerFacts): void {
    const old = this.#containers.get(facts.id);
    if (old?.facts.complete && !facts.complete) return;
    this.#drop(facts.id);
    this.#unknownUntilMs.delete(facts.id);
    const bytes = bytesOf(facts);
    this.#containers.set(facts.id, { facts, bytes });
    this.#bytes += bytes;
    while (this.#containers.size > this.#limits.maxContainers) this.#drop(this.#oldest(0));
    // Whoever makes containers with long labels must not push out all others. One at least takes more than the mean.
    while (this.#bytes > this.#limits.maxBytes) this.#drop(this.#oldest(this.#limits.maxBytes / this.#containers.size));
  }

  markUnknown(id: string): void {
    this.#unknownUntilMs.delete(id);
    this.#unknownUntilMs.set(id, this.#nowMs() + this.#limits.unknownMs);
    if (this.#unknownUntilMs.size <= this.#limits.maxContainers) return;
    for (const oldest of this.#unknownUntilMs.keys()) {
      this.#unknownUntilMs.delete(oldest);
      break;
    }
  }

  isUnknown(id: string): boolean {
    const untilMs = this.#unknownUntilMs.get(id);
    if (untilMs === undefined) return false;
    if (this.#nowMs() < untilMs) return true;
    this.#unknownUntilMs.delete(id);
    return false;
  }

  /** The least recently used of more than `share` bytes. */
  #oldest(share: number): string {
    for (const [id, { bytes }] of this.#containers) if (bytes > share) return id;
    throw new Error("drop container: none takes more than the mean");
  }

  #drop(id: string): void {
    const kept = this.#containers.get(id);
    if (kept === undefined) return;
    this.#containers.delete(id);
    this.#bytes -= kept.bytes;
  }
}

/** V8's strings, objects and their places in a map, about (node 20: measured 0.4 to 0.5 KB for a container without labels). */
const CONTAINER_BYTES = 512;
const WORD_BYTES = 64;

/** What `facts` takes in memory: a text takes a byte a character, or two when one of them is beyond Latin-1. */
function bytesOf({ id, image, imageDigest = "", labels, envs = {} }: ContainerFacts): number {
  let bytes = CONTAINER_BYTES + 2 * (id.length + image.length + imageDigest.length);
  for (const words of [labels, envs]) {
    for (const [key, value] of Object.entries(words)) bytes += WORD_BYTES + 2 * (key.length + value.length);
  }
  return bytes;
}
