// Fewer positions for the same texts: those that no walk tells apart become one.
import { AT_END, FINAL, type Positions } from "./positions.js";
import type { ByteSet } from "./syntax-tree.js";

/** More rounds would find a little more in some patterns; each costs as much as reading the automaton once. */
const MAX_ROUNDS = 64;

/**
 * Merge positions that are alike in two of three things: the bytes they read, what may follow them, what they may follow.
 * - The same bytes, the same that follows: what leads to one may lead to the other.
 * - The same bytes, the same in front: they are always reached together, so one with all that follows either.
 * - The same in front, the same that follows: one that reads the bytes of either.
 */
export function reduce(positions: Positions): Positions {
  let graph = withoutUseless(toGraph(positions));
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const before = graph.sets.length;
    graph = merge(graph, (p) => `${setKey(graph.sets[p]!)}>${join(graph.follow[p]!)}`);
    graph = merge(graph, (p) => `${setKey(graph.sets[p]!)}<${join(graph.before[p]!)}`);
    graph = merge(graph, (p) => `${join(graph.before[p]!)}>${join(graph.follow[p]!)}`);
    if (graph.sets.length === before) break;
  }
  const { sets, follow, before } = graph;
  const first = [...sets.keys()].filter((p) => before[p]!.has(START));
  return { sets, follow: follow.map((all) => [...all].sort((a, b) => a - b)), first };
}

/** In front of the positions that may read the first byte. */
const START = -1;

interface Graph {
  readonly sets: readonly ByteSet[];
  readonly follow: readonly Set<number>[];
  readonly before: readonly Set<number>[];
}

function toGraph({ sets, follow, first }: Positions): Graph {
  const before = sets.map(() => new Set<number>());
  for (const p of first) before[p]!.add(START);
  for (const [p, all] of follow.entries()) for (const q of all) before[q]!.add(p);
  return { sets, follow: follow.map((all) => new Set(all)), before };
}

/** Without the positions that lead to no match. */
function withoutUseless({ sets, follow, before }: Graph): Graph {
  const useful = new Set<number>([FINAL, AT_END]);
  const waiting = [FINAL, AT_END];
  for (let p = waiting.pop(); p !== undefined; p = waiting.pop()) {
    for (const q of before[p]!) {
      if (q === START || useful.has(q)) continue;
      useful.add(q);
      waiting.push(q);
    }
  }
  const kept = [...sets.keys()].filter((p) => useful.has(p));
  const numbers = new Map(kept.map((p, number) => [p, number]));
  numbers.set(START, START);
  const renumber = (all: Iterable<number>) => new Set([...all].flatMap((p) => numbers.get(p) ?? []));
  return {
    sets: kept.map((p) => sets[p]!),
    follow: kept.map((p) => renumber(follow[p]!)),
    before: kept.map((p) => renumber(before[p]!)),
  };
}

/** Positions with the same key become one. FINAL and AT_END mean something by their numbers and stay. */
function merge({ sets, follow, before }: Graph, keyOf: (position: number) => string): Graph {
  const numbers = new Map<string, number>();
  const merged: ByteSet[] = [];
  const numberOf = sets.map((set, p) => {
    const key = p === FINAL || p === AT_END ? `${p}` : keyOf(p);
    const known = numbers.get(key);
    if (known === undefined) {
      numbers.set(key, merged.length);
      return merged.push(set) - 1;
    }
    const whole = merged[known]!;
    if (whole !== set) merged[known] = whole.map((member, byte) => member | set[byte]!);
    return known;
  });
  if (merged.length === sets.length) return { sets, follow, before };
  const renumber = (from: readonly Set<number>[]) => {
    const to = merged.map(() => new Set<number>());
    for (const [p, all] of from.entries()) {
      for (const q of all) to[numberOf[p]!]!.add(q === START ? START : numberOf[q]!);
    }
    return to;
  };
  return { sets: merged, follow: renumber(follow), before: renumber(before) };
}

const keys = new WeakMap<ByteSet, string>();
function setKey(set: ByteSet): string {
  const known = keys.get(set);
  if (known !== undefined) return known;
  const key = String.fromCharCode(...set);
  keys.set(set, key);
  return key;
}

function join(all: ReadonlySet<number>): string {
  return [...all].sort((a, b) => a - b).join();
}
