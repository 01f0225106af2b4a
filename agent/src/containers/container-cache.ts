// Remembers containers, gone ones too, and for a moment which ids no runtime knew. A container id is random and never used
// again, so what is known of one never becomes wrong and needs no expiry; the limits are there for memory alone.
import type { ContainerFacts } from "./runtime.js";

export interface ContainerCacheLimits {
  readonly maxContainers: number;
  /** Of all texts in the cache, in UTF-16 units. */
  readonly maxLength: number;
  /** How long an id counts as unknown. Short: an exec may come before the runtime lists its container. */
  readonly unknownMs: number;
}

export const DEFAULT_CACHE_LIMITS: ContainerCacheLimits = {
  // A large node has 250 pods of about 2 containers; the rest is room for the dead.
  maxContainers: 2048,
  maxLength: 2 * 1024 * 1024,
  unknownMs: 1000,
};

/** Least recently used goes first. */
export class ContainerCache {
  readonly #limits: ContainerCacheLimits;
  readonly #nowMs: () => number;
  readonly #containers = new Map<string, ContainerFacts>();
  readonly #unknownUntilMs = new Map<string, number>();
  #length = 0;

  constructor(limits: ContainerCacheLimits = DEFAULT_CACHE_LIMITS, nowMs: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#nowMs = nowMs;
  }

  get size(): number {
    return this.#containers.size;
  }

  get(id: string): ContainerFacts | undefined {
    const facts = this.#containers.get(id);
    if (facts === undefined) return undefined;
    this.#containers.delete(id);
    this.#containers.set(id, facts);
    return facts;
  }

  /** Complete facts are never replaced by incomplete ones. */
  put(facts: ContainerFacts): void {
    const old = this.#containers.get(facts.id);
    if (old?.complete && !facts.complete) return;
    this.#drop(facts.id);
    this.#unknownUntilMs.delete(facts.id);
    this.#containers.set(facts.id, facts);
    this.#length += lengthOf(facts);
    for (const id of this.#containers.keys()) {
      if (this.#containers.size <= this.#limits.maxContainers && this.#length <= this.#limits.maxLength) break;
      this.#drop(id);
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

  #drop(id: string): void {
    const facts = this.#containers.get(id);
    if (facts === undefined) return;
    this.#containers.delete(id);
    this.#length -= lengthOf(facts);
  }
}

function lengthOf(facts: ContainerFacts): number {
  let length = facts.id.length + facts.image.length + (facts.imageDigest?.length ?? 0);
  for (const [key, value] of Object.entries(facts.labels)) length += key.length + value.length;
  return length;
}
