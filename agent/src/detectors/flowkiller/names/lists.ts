// Files of names to entries that know where they were written: one a line, `#` begins a comment. A name stands for itself and all
// names below it.
import { ConfigError, type ConfigProblem, readWhole, unreadable } from "../../../config/index.js";
import { globFiles } from "../files.js";

/** A name and where it was written. */
export interface NameEntry {
  /** Small letters, without a dot at either end. */
  readonly name: string;
  /** The file's path, or the setting's name. */
  readonly list: string;
  /** Of the file, from 1; of the setting, from 0. */
  readonly line: number;
}

export interface NameListOptions {
  /** Reads a whole file; throws errors with a `code`. */
  readonly readFile?: (file: string) => Uint8Array;
}

/** NAME_LABELS of bpf/flowkiller/names.h. */
export const MAX_LABELS = 6;
export const MAX_NAMES = 200_000;
const MAX_PROBLEMS = 100;

const EXPECTED = `a name of 1 to ${MAX_LABELS} labels, such as pool.example`;

/**
 * Read every file that `globs` name, and the names that stand in a setting of their own. What stands twice counts once, where it
 * stood first.
 *
 * @throws ConfigError with the problems of all of them, each with its file and line.
 */
export function readNames(
  globs: readonly string[],
  inline: { readonly setting: string; readonly names: readonly string[] } = { setting: "", names: [] },
  { readFile = readWhole }: NameListOptions = {},
): NameEntry[] {
  const problems: ConfigProblem[] = [];
  const entries = new Map<string, NameEntry>();
  for (const file of globFiles(globs)) {
    let text: string;
    try {
      text = Buffer.from(readFile(file)).toString("latin1");
    } catch (error) {
      problems.push(unreadable(file, error));
      continue;
    }
    for (const [i, line] of text.split("\n").entries()) {
      const entry = line.replace(/#.*/, "").trim();
      if (entry !== "") add(file, file, i + 1, `line ${i + 1}`, entry);
    }
  }
  for (const [i, text] of inline.names.entries()) add("", inline.setting, i, `${inline.setting}[${i}]`, text.trim());
  if (entries.size > MAX_NAMES)
    problems.push({ file: "", place: "", expected: `at most ${MAX_NAMES} names`, got: String(entries.size) });
  if (problems.length > 0) throw new ConfigError(problems);
  return [...entries.values()];

  function add(file: string, list: string, line: number, place: string, text: string): void {
    const name = normalName(text);
    if (typeof name !== "string") {
      if (problems.length < MAX_PROBLEMS) problems.push({ file, place, expected: EXPECTED, got: name.problem });
    } else if (!entries.has(name)) {
      entries.set(name, { name, list, line });
    }
  }
}

/** As lists and the kernel have it. `*.` at the start is what a name means anyway. */
export function normalName(text: string): string | { readonly problem: string } {
  const name = text
    .toLowerCase()
    .replace(/^\*\./, "")
    .replace(/^\.|\.$/g, "");
  const labels = name.split(".");
  if (name.length > 253) return { problem: "one of more than 253 characters" };
  if (!labels.every((label) => /^[a-z0-9_-]{1,63}$/.test(label))) return { problem: "other characters" };
  if (/^[\d.]+$/.test(name)) return { problem: "an address" };
  if (labels.length > MAX_LABELS) return { problem: `one of ${labels.length} labels` };
  return name;
}

/** What the lists say of a name: the longest of its suffixes decides, and where both name the same one it is spared. */
export function findName<T extends Pick<NameEntry, "name">>(
  name: string,
  entries: ReadonlyMap<string, T>,
): T | undefined {
  const labels = name.toLowerCase().replace(/\.$/, "").split(".");
  for (let from = Math.max(0, labels.length - MAX_LABELS); from < labels.length; from++) {
    const found = entries.get(labels.slice(from).join("."));
    if (found !== undefined) return found;
  }
  return undefined;
}
