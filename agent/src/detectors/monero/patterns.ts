// The command lines that are allowed to compute what they like: test suites of mathematical libraries, above all. Asked when there is
// a verdict, which is rare.
import { basename } from "node:path";
import {
  type CompiledAllow,
  compileAllow,
  DEFAULT_MAX_ALLOW_BYTES,
  matchArguments,
  PatternError,
  parsePattern,
} from "@cryptnono/matcher";
import { ConfigError, ConfigFields, type ConfigProblem, kind, readWhole, unreadable } from "../../config/index.js";

/** A pattern with where it was written. */
export interface AllowPattern {
  readonly source: string;
  /** The file's name without `.json`. */
  readonly list: string;
  readonly index: number;
}

export interface AllowPatterns {
  readonly patterns: readonly AllowPattern[];
  /** The first pattern that matches, or null. @param line - The path of the file that runs, then the arguments that count. */
  allows(line: readonly Uint8Array[]): AllowPattern | null;
}

const KEY = "allowedCommandPatterns";
const SHAPE = `{"${KEY}": ["..."]}`;
/** As in every list of allow patterns. */
const MAX_PATTERN_BYTES = 8192;
/** The one set that all of them are. */
const SET = 1;

/** @throws ConfigError with the problems of all files. */
export function readPatterns(files: readonly string[]): AllowPatterns {
  const problems: ConfigProblem[] = [];
  const patterns = files.flatMap((file) => {
    const parser = new PatternsFile(file);
    try {
      return parser.parse(readWhole(file));
    } catch (error) {
      problems.push(unreadable(file, error));
      return [];
    } finally {
      problems.push(...parser.problems);
    }
  });
  if (problems.length > 0) throw new ConfigError(problems);
  if (patterns.length === 0) return { patterns, allows: () => null };
  const compiled = compile(patterns);
  return {
    patterns,
    allows(line) {
      const index = matchArguments(compiled, line, SET, DEFAULT_MAX_ALLOW_BYTES);
      return index < 0 ? null : patterns[index]!;
    },
  };
}

function compile(patterns: readonly AllowPattern[]): CompiledAllow {
  const compiled = compileAllow(
    patterns.map(({ source }) => source),
    [[...patterns.keys()]],
  );
  const problems = compiled.refused.map(({ pattern, expected, got, hint }) => {
    const { list, index } = patterns[pattern]!;
    return { file: list, place: `${KEY}[${index}]`, expected, got, hint };
  });
  if (problems.length > 0) throw new ConfigError(problems);
  return compiled;
}

class PatternsFile extends ConfigFields {
  parse(bytes: Uint8Array): AllowPattern[] {
    const root = this.tree(bytes, SHAPE);
    if (root === null || root.type === "null") return [];
    if (root.type !== "object") {
      this.problem(this.position(root.at), "an object", kind(root), SHAPE);
      return [];
    }
    const list = basename(this.file, ".json");
    let index = 0;
    return this.list(this.members(root.members, [KEY], "").get(KEY), KEY, (node, place) => {
      const own = index++;
      if (node.type !== "string") {
        this.problem(place, "a string", kind(node));
        return undefined;
      }
      if (this.utf8(node.value, place, MAX_PATTERN_BYTES) === undefined || this.isEncrypted(node.value, place))
        return undefined;
      try {
        parsePattern(node.value, 0);
      } catch (error) {
        if (!(error instanceof PatternError)) throw error;
        this.problem(place, "a regular expression", `${error.problem} at offset ${error.offset}`, error.hint);
        return undefined;
      }
      return { source: node.value, list, index: own };
    });
  }
}
