// Positions as the states that the kernel walks: one that is only waited in becomes part of the state that it waits for.
import { AT_END, FINAL, type Positions } from "./positions.js";
import type { ByteSet } from "./syntax-tree.js";

/** An automaton's states, in the order of the positions that they come from. */
export interface States {
  /** The bytes at which a walk that is in the state stays there. */
  readonly stay: readonly ByteSet[];
  /** The bytes that lead to `follow`. */
  readonly read: readonly ByteSet[];
  readonly follow: readonly (readonly number[])[];
  /** The states that a walk begins in. */
  readonly first: readonly number[];
  /** Those in which it has matched, whatever comes; and those in which it has if the text ends. */
  readonly final: ReadonlySet<number>;
  readonly atEnd: ReadonlySet<number>;
}

const NO_BYTES: ByteSet = new Uint8Array(256);

/**
 * A walk that is at a position with a loop may stay there. Where that is all that the position does but lead to one other,
 * which is never reached without it, as `.` before `a` in `.*a`, the two are one state: it stays at any byte and reads `a`.
 */
export function statesOf({ sets, follow, first }: Positions): States {
  const before = sets.map(() => new Set<number>());
  for (const p of first) before[p]!.add(START);
  for (const [p, all] of follow.entries()) for (const q of all) before[q]!.add(p);
  const used = [...sets.keys()].filter((p) => [...before[p]!].some((q) => q !== p));
  /** By a position: the one that is waited in for it. */
  const waiting = new Map<number, number>();
  const waits = new Set<number>();
  for (const p of used) {
    const next = follow[p]!.filter((q) => q !== p);
    if (p === FINAL || next.length !== 1 || !follow[p]!.includes(p)) continue;
    const target = next[0]!;
    const isTaken = target === FINAL || target === AT_END || waits.has(target) || waiting.has(target) || waiting.has(p);
    if (isTaken || !isSame(before[p]!, before[target]!)) continue;
    waiting.set(target, p);
    waits.add(p);
  }
  const ends = [FINAL, AT_END];
  const kept = [...used.filter((p) => !waits.has(p) && !ends.includes(p)), ...ends.filter((p) => used.includes(p))];
  const numbers = new Map(kept.map((p, number) => [p, number]));
  const renumber = (all: readonly number[]) => all.flatMap((p) => numbers.get(p) ?? []);
  const stayOf = (p: number) => union(follow[p]!.includes(p) ? sets[p]! : NO_BYTES, sets[waiting.get(p) ?? AT_END]!);
  return {
    stay: kept.map(stayOf),
    read: kept.map((p) => (p === FINAL ? NO_BYTES : sets[p]!)),
    follow: kept.map((p) => renumber(follow[p]!.filter((q) => q !== p))),
    first: renumber(first),
    final: new Set(renumber([FINAL])),
    atEnd: new Set(renumber([AT_END])),
  };
}

const START = -1;

function union(a: ByteSet, b: ByteSet): ByteSet {
  return a.map((member, byte) => member | b[byte]!);
}

function isSame(a: ReadonlySet<number>, b: ReadonlySet<number>): boolean {
  return a.size === b.size && [...a].every((p) => b.has(p));
}
