// The time that the kubelet lays before each line, by which a log is taken up again.

/** RFC 3339 with up to nine digits of a second. */
const STAMPED = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d) /;

export interface Stamped {
  readonly stamp: string;
  readonly text: string;
}

/** Null for a line without one. */
export function stampOf(line: string): Stamped | null {
  const found = STAMPED.exec(line);
  return found === null ? null : { stamp: found[0].slice(0, -1), text: line.slice(found[0].length) };
}

/** Whether `a` is before `b`, to the nanosecond. */
export function isBefore(a: string, b: string): boolean {
  const [one, other] = [keyOf(a), keyOf(b)];
  return one[0] !== other[0] ? one[0] < other[0] : one[1] < other[1];
}

function keyOf(stamp: string): readonly [number, string] {
  const [, seconds, fraction = "", zone] = STAMPED.exec(`${stamp} `) ?? [];
  return [Date.parse(`${seconds}${zone}`), fraction.padEnd(9, "0")];
}
