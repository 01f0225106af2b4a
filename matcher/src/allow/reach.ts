// What a pattern is good for: whether any line matches it, and whether any does not. Its automaton and that of the lines' shape,
// walked side by side.
import { isEnd, LINE_START, type LineShape, nextShape, shapeKey, shapeName } from "./line-shape.js";
import { hasMatched, matchesAtEnd, type PatternWalk, type Standing } from "./pattern-walk.js";

/** `undefined`: not found out within the bound of work. */
export interface Reach {
  /** A shortest beginning of a line that matches, whatever comes behind or at its end; null when no line does. */
  readonly matching: Uint8Array | null | undefined;
  /** A line that does not match is there. */
  readonly sparesEverything: boolean | undefined;
}

/** Pairs of standing and shape that are looked at. An ordinary pattern has as many as it has letters. */
const MAX_PAIRS = 20_000;

interface Pair {
  readonly standing: Standing;
  readonly shape: LineShape;
  readonly byte: number;
  readonly before: Pair | null;
}

export function reachOf(walk: PatternWalk): Reach {
  const bytes = representatives(walk);
  const seen = new Set<string>();
  const pairs: Pair[] = [];
  add({ standing: walk.start, shape: LINE_START, byte: 0, before: null });
  let matching: Uint8Array | undefined;
  let leavesOut = false;
  for (let i = 0; i < pairs.length && (matching === undefined || !leavesOut); i++) {
    if (i >= MAX_PAIRS) return { matching, sparesEverything: leavesOut ? false : undefined };
    const pair = pairs[i]!;
    const { standing, shape } = pair;
    if (hasMatched(standing) || (isEnd(shape) && matchesAtEnd(standing))) matching ??= textOf(pair);
    else if (standing.length === 0 || isEnd(shape)) leavesOut = true;
    if (hasMatched(standing) || standing.length === 0) continue;
    for (const byte of bytes) {
      const next = nextShape(shape, byte);
      if (next !== undefined) add({ standing: walk.step(standing, byte), shape: next, byte, before: pair });
    }
  }
  return { matching: matching ?? null, sparesEverything: !leavesOut };

  function add(pair: Pair): void {
    const key = `${pair.standing.join()} ${shapeName(pair.shape)}`;
    if (seen.has(key)) return;
    seen.add(key);
    pairs.push(pair);
  }
}

/** One byte of each kind that the pattern or the lines' shape tells apart; a letter or digit where there is one. */
function representatives({ sets }: PatternWalk): number[] {
  const keys = Array.from({ length: 256 }, (_, byte) => shapeKey(byte));
  for (const [number, set] of sets.entries()) {
    for (let byte = 0; byte < 256; byte++) if (set[byte] === 1) keys[byte] += `,${number}`;
  }
  const byKey = new Map<string, number>();
  for (const byte of BY_LOOKS) if (!byKey.has(keys[byte]!)) byKey.set(keys[byte]!, byte);
  return [...byKey.values()];
}

/** Capitals are not asked for: matching is without case. NUL stands in no line. */
const BY_LOOKS = Array.from({ length: 255 }, (_, i) => i + 1)
  .filter((byte) => byte < 0x41 || byte > 0x5a)
  .sort((a, b) => looks(a) - looks(b) || a - b);

function looks(byte: number): number {
  if (byte >= 0x61 && byte <= 0x7a) return 0;
  if (byte >= 0x30 && byte <= 0x39) return 1;
  return byte >= 0x20 && byte < 0x7f ? 2 : 3;
}

function textOf(last: Pair): Uint8Array {
  const bytes: number[] = [];
  for (let pair: Pair = last; pair.before !== null; pair = pair.before) bytes.push(pair.byte);
  return Uint8Array.from(bytes.reverse());
}
