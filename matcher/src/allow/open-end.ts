// Whether a pattern has no end: whoever knows a line that it matches may write more behind it.
import { Budget } from "./budget.js";
import { parsePattern } from "./parse-pattern.js";
import { AT_END, FINAL, positionsOf } from "./positions.js";
import { reduce } from "./reduce.js";

const MAX_POSITIONS = 2048;
const MAX_STEPS = 300_000;
/** What a line is made of, for the most part. */
const ORDINARY = Array.from({ length: 0x7f - 0x20 }, (_, i) => 0x20 + i);

/** True for a pattern that matches before the line's end, or with anything in front of it: `x`, `x.*`, `x.*$`. */
export function isOpenEnded(source: string): boolean {
  const made = positionsOf(parsePattern(source, 0), MAX_POSITIONS, new Budget(MAX_STEPS));
  if (made === undefined) return true; // as nobody can say
  const { sets, follow, first } = reduce(made);
  const reached = [first, ...follow.filter((_, position) => position !== FINAL)];
  if (reached.some((all) => all.includes(FINAL))) return true;
  return follow.some(
    (all, position) =>
      position !== FINAL &&
      all.includes(position) &&
      all.includes(AT_END) &&
      ORDINARY.every((byte) => sets[position]![byte] === 1),
  );
}
