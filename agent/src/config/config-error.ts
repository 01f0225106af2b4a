// What is wrong with the configuration, all of it at once. Values never appear here: banned strings are secret, so a place is
// named by key and index, or by line and column.

/** One thing to repair. */
export interface ConfigProblem {
  /** The file as it was given on the command line; empty when the problem belongs to all files together. */
  readonly file: string;
  /** `bannedCommandStrings[17]`, `bannedCommandStrings[17].mode`, `line 3 column 9`, or empty for the whole file. */
  readonly place: string;
  readonly expected: string;
  readonly got: string;
  readonly hint?: string;
}

/** Thrown for a configuration that cannot be used; `problems` has every fault of every file, in the order of the files. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(sentence(problems));
    this.name = "ConfigError";
    this.problems = problems;
  }
}

/** A file with thousands of faults of one kind is understood from the first few. */
const MAX_SHOWN = 20;

function sentence(problems: readonly ConfigProblem[]): string {
  const shown = problems.slice(0, MAX_SHOWN).map(describe);
  const more = problems.length - shown.length;
  const head = problems.length === 1 ? "" : `read config: ${problems.length} problems\n`;
  return `${head}${shown.join("\n")}${more > 0 ? `\nand ${more} more` : ""}`;
}

function describe({ file, place, expected, got, hint }: ConfigProblem): string {
  const where = [`read config${file === "" ? "" : ` ${printable(file)}`}`, ...(place === "" ? [] : [place])].join(": ");
  return `${where}: expected ${expected}, got ${got}${hint === undefined ? "" : `\n  hint: ${hint}`}`;
}

/** A file name may hold anything but `/` and NUL; a terminal must not obey it. */
function printable(file: string): string {
  return file.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (char) => `\\u{${char.codePointAt(0)!.toString(16)}}`);
}
