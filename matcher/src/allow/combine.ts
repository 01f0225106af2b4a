// Several DFAs in one table, each with a start of its own.
import { commonClasses } from "./byte-classes.js";
import { columns, DEAD, type Dfa, NO_PATTERN } from "./dfa.js";

/** `a` and `b` side by side: the starts of `a`, then those of `b`. The dead state and each pattern's accepting one are shared. */
export function combine(a: Dfa, b: Dfa): Dfa {
  const classes = commonClasses(a.classes, b.classes);
  const width = columns({ classes });
  const accepts: number[] = [NO_PATTERN];
  const accepting = new Map<number, number>();
  const numbers = [a, b].map((dfa) =>
    Int32Array.from({ length: dfa.stateCount }, (_, state) => {
      const pattern = dfa.accepts[state]!;
      if (state === DEAD) return DEAD;
      const known = pattern === NO_PATTERN ? undefined : accepting.get(pattern);
      if (known !== undefined) return known;
      const number = accepts.push(pattern) - 1;
      if (pattern !== NO_PATTERN) accepting.set(pattern, number);
      return number;
    }),
  );
  const next = new Int32Array(accepts.length * width);
  for (const [i, dfa] of [a, b].entries()) {
    const sources = [...classes.representatives.map((byte) => dfa.classes.classOf[byte]!), columns(dfa) - 1];
    for (let state = 0; state < dfa.stateCount; state++) {
      const row = numbers[i]![state]! * width;
      for (const [column, source] of sources.entries()) {
        next[row + column] = numbers[i]![dfa.next[state * columns(dfa) + source]!]!;
      }
    }
  }
  return {
    classes,
    stateCount: accepts.length,
    starts: [a, b].flatMap(({ starts }, i) => starts.map((start) => numbers[i]![start]!)),
    next,
    accepts: Int32Array.from(accepts),
  };
}
