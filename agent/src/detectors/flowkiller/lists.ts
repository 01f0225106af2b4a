// Files of addresses to entries that know where they were written.
import { ConfigError, type ConfigProblem, readWhole, unreadable } from "../../config/index.js";
import { AddressError, type Network, parseNetwork } from "./address.js";
import { globFiles } from "./files.js";

/** A network and where it was written. */
export interface Entry extends Network {
  /** The file's path, or the setting's name. */
  readonly list: string;
  /** Of the file, from 1; of the setting, from 0. */
  readonly line: number;
}

/** `/ban-config/pools/addresses:17` */
export function placeOf({ list, line }: Pick<Entry, "list" | "line">): string {
  return list.startsWith("/") || list.includes(".") ? `${list}:${line}` : `${list}[${line}]`;
}

export interface ListOptions {
  /** Reads a whole file; throws errors with a `code`. */
  readonly readFile?: (file: string) => Uint8Array;
  /** Entries with a port are a mistake. */
  readonly withoutPorts?: boolean;
}

/** As many as were measured (docs/reference/performance.md), with some to spare; more is some other file. */
export const MAX_ENTRIES = 1_000_000;
const MAX_PROBLEMS = 100;

/**
 * Read every file that `globs` name, and the networks that stand in a setting of their own.
 *
 * @throws ConfigError with the problems of all of them, each with its file and line.
 */
export function readLists(
  globs: readonly string[],
  inline: { readonly setting: string; readonly networks: readonly string[] },
  options: ListOptions = {},
): Entry[] {
  const problems: ConfigProblem[] = [];
  const entries: Entry[] = [];
  for (const file of globFiles(globs)) {
    let text: string;
    try {
      text = Buffer.from((options.readFile ?? readWhole)(file)).toString();
    } catch (error) {
      problems.push(unreadable(file, error));
      continue;
    }
    const lines = text.split("\n");
    for (let i = 0; i < lines.length; i++) {
      const entry = lines[i]!.replace(/#.*/, "").trim();
      if (entry !== "") add(file, i + 1, `line ${i + 1}`, entry);
    }
  }
  for (const [i, text] of inline.networks.entries()) add(inline.setting, i, `${inline.setting}[${i}]`, text.trim());
  if (entries.length > MAX_ENTRIES) {
    problems.push({ file: "", place: "", expected: `at most ${MAX_ENTRIES} addresses`, got: String(entries.length) });
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return entries;

  function add(list: string, line: number, place: string, text: string): void {
    const file = list === inline.setting ? "" : list;
    try {
      const network = parseNetwork(text);
      if (options.withoutPorts && network.port !== 0)
        throw new AddressError("a network without a port: what is allowed is allowed whole", "one with a port");
      entries.push({ ...network, list, line });
    } catch (error) {
      if (!(error instanceof AddressError)) throw error;
      const { expected, got } = error;
      if (problems.length < MAX_PROBLEMS) problems.push({ file, place, expected, got });
    }
  }
}
