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
  return list.startsWith(SETTINGS) ? `${list}[${line}]` : `${list}:${line}`;
}

const SETTINGS = "FlowKiller.";

/** Entries in their order, packed: a hundred thousand objects would be 60 MB, and several lists are remembered. */
export class Entries {
  #addresses = new Uint8Array(16 * 256);
  #bits = new Uint8Array(256);
  #ports = new Uint16Array(256);
  #lines = new Uint32Array(256);
  #lists = new Uint16Array(256);
  readonly #names: string[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add({ address, bits, port }: Network, list: string, line: number): void {
    if (this.#length === this.#bits.length) this.#resize(2 * this.#length);
    if (this.#names.at(-1) !== list) this.#names.push(list);
    const i = this.#length++;
    this.#addresses.set(address, 16 * i);
    this.#bits[i] = bits;
    this.#ports[i] = port;
    this.#lines[i] = line;
    this.#lists[i] = this.#names.length - 1;
  }

  /** Give back the room that was not needed. */
  done(): this {
    this.#resize(Math.max(1, this.#length));
    return this;
  }

  /** The bytes are the list's own. */
  network(i: number): Network {
    return { address: this.#addresses.subarray(16 * i, 16 * i + 16), bits: this.#bits[i]!, port: this.#ports[i]! };
  }

  at(i: number): Entry | null {
    if (i < 0 || i >= this.#length) return null;
    return { ...this.network(i), list: this.#names[this.#lists[i]!]!, line: this.#lines[i]! };
  }

  get hasPorts(): boolean {
    return this.#ports.subarray(0, this.#length).some((port) => port !== 0);
  }

  #resize(to: number): void {
    const moved = <A extends Uint8Array | Uint16Array | Uint32Array>(from: A, made: A): A => {
      made.set(from.subarray(0, Math.min(from.length, made.length)));
      return made;
    };
    this.#addresses = moved(this.#addresses, new Uint8Array(16 * to));
    this.#bits = moved(this.#bits, new Uint8Array(to));
    this.#ports = moved(this.#ports, new Uint16Array(to));
    this.#lines = moved(this.#lines, new Uint32Array(to));
    this.#lists = moved(this.#lists, new Uint16Array(to));
  }
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
): Entries {
  const problems: ConfigProblem[] = [];
  const entries = new Entries();
  for (const file of globFiles(globs)) {
    let text: string;
    try {
      text = Buffer.from((options.readFile ?? readWhole)(file)).toString();
    } catch (error) {
      problems.push(unreadable(file, error));
      continue;
    }
    let from = 0;
    for (let line = 1; from <= text.length; line++) {
      const end = text.indexOf("\n", from) < 0 ? text.length : text.indexOf("\n", from);
      const whole = text.slice(from, end);
      const entry = (whole.includes("#") ? whole.slice(0, whole.indexOf("#")) : whole).trim();
      if (entry !== "") add(file, line, () => `line ${line}`, entry);
      from = end + 1;
    }
  }
  for (const [i, text] of inline.networks.entries())
    add(inline.setting, i, () => `${inline.setting}[${i}]`, text.trim());
  if (entries.length > MAX_ENTRIES) {
    problems.push({ file: "", place: "", expected: `at most ${MAX_ENTRIES} addresses`, got: String(entries.length) });
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return entries.done();

  function add(list: string, line: number, place: () => string, text: string): void {
    const file = list === inline.setting ? "" : list;
    try {
      const network = parseNetwork(text);
      if (options.withoutPorts && network.port !== 0)
        throw new AddressError("a network without a port: what is allowed is allowed whole", "one with a port");
      entries.add(network, list, line);
    } catch (error) {
      if (!(error instanceof AddressError)) throw error;
      const { expected, got } = error;
      if (problems.length < MAX_PROBLEMS) problems.push({ file, place: place(), expected, got });
    }
  }
}
