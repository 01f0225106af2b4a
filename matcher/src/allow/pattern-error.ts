// The one error of this folder: an allow pattern that cannot be used, with its place and what to write instead.

/** What is wrong with a pattern. Sentences are lower case without a full stop and hold nothing of the pattern's text. */
export interface PatternProblem {
  /** Position of the pattern in the list given to the compiler. */
  readonly patternIndex: number;
  /** Where in the pattern, in UTF-16 code units from 0. */
  readonly offset: number;
  readonly problem: string;
  /** What to write instead. */
  readonly hint: string;
}

/** An allow pattern is malformed, or asks for what no automaton can do. */
export class PatternError extends Error implements PatternProblem {
  override readonly name = "PatternError";
  readonly patternIndex: number;
  readonly offset: number;
  readonly problem: string;
  readonly hint: string;

  constructor({ patternIndex, offset, problem, hint }: PatternProblem, options?: ErrorOptions) {
    super(`parse allow pattern ${patternIndex} at offset ${offset}: ${problem}`, options);
    this.patternIndex = patternIndex;
    this.offset = offset;
    this.problem = problem;
    this.hint = hint;
  }
}
