// Allow patterns in user space: those that are too large for the kernel's table, over RE2, in bounded time.
import { RE2JS } from "re2js";
import { parsePattern } from "./parse-pattern.js";
import { PatternError } from "./pattern-error.js";
import { INNER_NEWLINE, re2Source } from "./re2-source.js";
import { expandedSize, placesIn } from "./syntax-tree.js";

/**
 * Most work one pattern may do on one line, in parts of the pattern times bytes of the line. RE2 is linear in both, yet
 * where its automaton cannot be cached a part and a byte take 40 ns (re2js 2.10): 16 million are 0.7 s.
 */
export const MAX_WORK = 1 << 24;
/** When this much time has gone by on one line, no further pattern is begun. */
export const MAX_JUDGING_MS = 1000;

interface Compiled {
  readonly index: number;
  readonly regex: RE2JS;
  readonly size: number;
  /** Takes the line with its inner newlines renamed. */
  readonly renamed: boolean;
}

export interface AllowVerdict {
  /** The lowest index of the patterns that were found to match; -1 for none. */
  readonly index: number;
  /** Patterns that were not run, ascending: the line is too long for their size, or time was up. They spare nobody. */
  readonly unjudged: readonly number[];
}

/** A set of allow patterns, asked by index. */
export class AllowPatterns {
  readonly #compiled: readonly Compiled[];

  /**
   * @param patterns - All patterns, in the syntax of Python's `re`; see `parsePattern`.
   * @param indices - Which of them to compile, ascending; for example `CompiledAllow.deferred`. All by default.
   * @throws PatternError for the first of them that is malformed or not supported.
   */
  constructor(patterns: readonly string[], indices: Iterable<number> = patterns.keys()) {
    this.#compiled = [...indices].map((index) => compile(patterns[index]!, index));
  }

  /**
   * Match a quoted line, in any case.
   *
   * @param subject - What `quoteLine` gives for the path and the arguments.
   */
  judge(subject: Uint8Array, nowMs: () => number = () => performance.now()): AllowVerdict {
    if (this.#compiled.length === 0) return { index: -1, unjudged: [] };
    const plain = latin1(subject);
    const renamed = plain.replace(/\n(?!$)/g, INNER_NEWLINE);
    const unjudged: number[] = [];
    const deadlineMs = nowMs() + MAX_JUDGING_MS;
    for (const pattern of this.#compiled) {
      if (pattern.size * subject.length > MAX_WORK || nowMs() >= deadlineMs) unjudged.push(pattern.index);
      else if (pattern.regex.test(pattern.renamed ? renamed : plain)) return { index: pattern.index, unjudged };
    }
    return { index: -1, unjudged };
  }

  /** `judge(subject).index`. */
  firstMatch(subject: Uint8Array): number {
    return this.judge(subject).index;
  }
}

function compile(source: string, index: number): Compiled {
  const tree = parsePattern(source, index);
  const renamed = placesIn(tree).has("final-line-end");
  try {
    const regex = RE2JS.compile(`\\A(?:${re2Source(tree, renamed)})`);
    return { index, regex, size: expandedSize(tree), renamed };
  } catch (cause) {
    throw new PatternError(
      {
        patternIndex: index,
        offset: 0,
        problem: "the pattern is too large for RE2",
        hint: "split it in several patterns, or write smaller counts",
      },
      { cause },
    );
  }
}

/** Most arguments to hand to one call; the stack bounds them. */
const CHUNK = 8192;

/**
 * One character for each byte, with ASCII capitals made small. Not by a TextDecoder: its `latin1` is windows-1252, which
 * has other characters from 0x80 to 0x9f.
 */
function latin1(bytes: Uint8Array): string {
  const folded = bytes.map((byte) => (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte));
  let text = "";
  for (let at = 0; at < folded.length; at += CHUNK) text += String.fromCharCode(...folded.subarray(at, at + CHUNK));
  return text;
}
