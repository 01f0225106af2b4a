// The pattern compiler's word on one pattern, for the config's list of problems.
import { PatternError, parsePattern } from "@cryptnono/matcher";
import type { PatternFault } from "./config/index.js";

export function checkPattern(source: string): PatternFault | null {
  try {
    parsePattern(source, 0);
    return null;
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    return { expected: "a regular expression", got: `${error.problem} at offset ${error.offset}`, hint: error.hint };
  }
}
