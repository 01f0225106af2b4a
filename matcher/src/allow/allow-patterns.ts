// Allow patterns in user space: those that are too large for the kernel's table, over RE2, in time linear in the line.
import { RE2JS } from "re2js";
import { parsePattern } from "./parse-pattern.js";
import { PatternError } from "./pattern-error.js";
import { INNER_NEWLINE, re2Source } from "./re2-source.js";
import { placesIn } from "./syntax-tree.js";

interface Compiled {
  readonly index: number;
  readonly regex: RE2JS;
  readonly renamed: boolean;
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
   * @returns The lowest index of the patterns that match; -1 for none.
   */
  firstMatch(subject: Uint8Array): number {
    if (this.#compiled.length === 0) return -1;
    const plain = latin1(subject);
    const renamed = plain.replace(/\n(?!$)/g, INNER_NEWLINE);
    return this.#compiled.find((pattern) => pattern.regex.test(pattern.renamed ? renamed : plain))?.index ?? -1;
  }
}

function compile(source: string, index: number): Compiled {
  const tree = parsePattern(source, index);
  const renamed = placesIn(tree).has("final-line-end");
  try {
    return { index, renamed, regex: RE2JS.compile(`\\A(?:${re2Source(tree, renamed)})`) };
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
