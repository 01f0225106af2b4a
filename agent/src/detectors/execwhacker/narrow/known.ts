// What the kernel is told of containers' cgroups: which narrow scopes hold there.
import { NARROW } from "@cryptnono/matcher";
import { type Layout, type SensorMap, structLayout } from "@cryptnono/native";
import type { Held } from "./held.js";

/** bpf/execwhacker/maps.bpf.h */
export const NARROW_CGROUPS = "narrow_cgroups";

/** Of one container: whoever may make cgroups within it must not take the others' room. */
const MOST_OF_ONE = 16;
/** After this long a cgroup that was only ever asked for is forgotten, and asked for again. */
const ASKED_MS = 600_000;
/** The same of one that could not be judged. */
const UNJUDGED_MS = 10_000;

interface Entry {
  readonly container: string;
  readonly untilMs: number;
}

export class KnownCgroups {
  readonly #map: () => Pick<SensorMap, "set" | "delete">;
  readonly #layout: Layout;
  readonly #nowMs: () => number;
  readonly #entries = new Map<bigint, Entry>();
  readonly #counts = new Map<string, number>();
  /** Cgroups for which there was no room. */
  noRoom = 0;

  constructor(
    map: () => Pick<SensorMap, "set" | "delete">,
    layout: Layout,
    nowMs: () => number = () => performance.now(),
  ) {
    this.#map = map;
    this.#layout = layout;
    this.#nowMs = nowMs;
  }

  get size(): number {
    return this.#entries.size;
  }

  /**
   * @param key - The cgroup's, `narrow_key` of bpf/execwhacker/narrow.bpf.h.
   * @param generation - The list's, whose numbers `held` has.
   * @param isOutermost - It is the container's own, and stays known while it is there.
   */
  tell(key: bigint, { scopes, isJudged, id = "" }: Held, generation: number, isOutermost: boolean): void {
    if (key === 0n) return;
    const isNew = !this.#entries.has(key);
    const ofOne = this.#counts.get(id) ?? 0;
    if (isNew && (this.#entries.size >= NARROW.cgroups || (!isOutermost && ofOne >= MOST_OF_ONE))) {
      this.noRoom++;
      return;
    }
    const { offsets, size } = structLayout(this.#layout, "narrow_cgroup");
    const value = new Uint8Array(size);
    const view = new DataView(value.buffer);
    const bits = scopes.reduce((sum, scope) => sum | (1 << scope), isJudged ? 0 : NARROW.unjudged);
    view.setUint32(offsets["generation"]!, generation, true);
    view.setUint32(offsets["scopes"]!, bits, true);
    try {
      this.#map().set(keyBytes(key), value);
    } catch {
      this.noRoom++; // or no memory: the next exec there asks again
      return;
    }
    const lasts = isJudged ? (isOutermost ? Number.POSITIVE_INFINITY : ASKED_MS) : UNJUDGED_MS;
    if (isNew) this.#counts.set(id, ofOne + 1);
    this.#entries.set(key, { container: this.#entries.get(key)?.container ?? id, untilMs: this.#nowMs() + lasts });
  }

  /** Forget what is no more, and what is to be asked again. @param alive - Containers' own cgroups; null: not known. */
  keep(alive: ReadonlySet<bigint> | null): void {
    const nowMs = this.#nowMs();
    for (const [key, { container, untilMs }] of this.#entries) {
      const isGone = untilMs === Number.POSITIVE_INFINITY && alive !== null && !alive.has(key);
      if (!isGone && untilMs > nowMs) continue;
      this.#map().delete(keyBytes(key));
      this.#entries.delete(key);
      const left = this.#counts.get(container)! - 1;
      if (left === 0) this.#counts.delete(container);
      else this.#counts.set(container, left);
    }
  }
}

function keyBytes(key: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, key, true);
  return bytes;
}
