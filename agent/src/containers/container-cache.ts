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

interface Kept {
  readonly facts: ContainerFacts;
  readonly bytes: number;
}

/** Least recently used goes first, of the kind of runtime that has more; when bytes are short, of those that take more than their share. */
export class ContainerCache {
  readonly #limits: ContainerCacheLimits;
  readonly #nowMs: () => number;
  readonly #containers = new Map<string, Kept>();
  readonly #unknownUntilMs = new Map<string, number>();
  #bytes = 0;
  #dockerCount = 0;

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
    if (facts.type === "docker") this.#dockerCount += 1;
    this.#bytes += bytes;
    // Whoever makes Docker containers without end, in a pod say, must not push out the pods; nor must long labels the short.
    while (this.#containers.size > this.#limits.maxContainers) {
      const docker = this.#dockerCount > this.#containers.size / 2;
      this.#drop(this.#oldest(({ facts: { type } }) => (type === "docker") === docker));
    }
    while (this.#bytes > this.#limits.maxBytes) {
      const share = this.#limits.maxBytes / this.#containers.size;
      this.#drop(this.#oldest((kept) => kept.bytes > share));
    }
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

  /** The least recently used of those that fit; there is one, as more than half are of one kind and one is above the mean. */
  #oldest(fits: (kept: Kept) => boolean): string {
    for (const [id, kept] of this.#containers) if (fits(kept)) return id;
    throw new Error("drop container: none fits");
  }

  #drop(id: string): void {
    const kept = this.#containers.get(id);
    if (kept === undefined) return;
    this.#containers.delete(id);
    this.#bytes -= kept.bytes;
    if (kept.facts.type === "docker") this.#dockerCount -= 1;
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
