// Flags whose value is a number. Each has a range, which its help states and its error repeats: a number that some later
// place cannot hold (a timer, a port, 32 bits of a map) is refused where it is read.
import { InvalidArgumentError, Option } from "commander";

/** The numbers that a flag takes: 0, if that has a meaning of its own, and `least` to `most`. */
export interface NumberRange {
  readonly least: number;
  readonly most: number;
  /** What 0 means, in the help's words. */
  readonly zero?: string;
  readonly powerOfTwo?: boolean;
}

/** Timers count milliseconds in 31 bits; what is longer fires at once, again and again. */
export const MOST_TIMER_SECONDS = 2_147_483;

/** @param description - Without the range, which is added. */
export function numberFlag(flags: string, description: string, range: NumberRange, preset: number): Option {
  return new Option(flags, `${description}; ${inWords(range, "; ")}`).argParser(numberIn(range)).default(preset);
}

/** The parser of such a flag's value. It throws commander's error for what is no whole number or not in the range. */
export function numberIn(range: NumberRange): (text: string) => number {
  const { least, most, zero, powerOfTwo = false } = range;
  return (text) => {
    const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (number === 0 && zero !== undefined) return 0;
    // A power of two is one bit; up to 2^30 bits are what JavaScript's operators see.
    if (number >= least && number <= most && (!powerOfTwo || (number & (number - 1)) === 0)) return number;
    throw new InvalidArgumentError(`It must be ${inWords(range, ", or ")}.`);
  };
}

function inWords({ least, most, zero, powerOfTwo = false }: NumberRange, or: string): string {
  const numbers = `${powerOfTwo ? "a power of two" : "a whole number"} from ${least} to ${most}`;
  return zero === undefined ? numbers : or === "; " ? `0: ${zero}; else ${numbers}` : `0 (${zero})${or}${numbers}`;
}
