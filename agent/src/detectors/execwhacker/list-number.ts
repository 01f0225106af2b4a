// The number that a list has in the kernel's records, tallies and memory of what it spared. The same list has the same number
// in the next agent too, which then knows the strings and patterns that an earlier one's records name.
import { createHash } from "node:crypto";
import { version } from "../../version.js";

export interface ListNumber {
  /** One more file, in the order of the config. */
  add(file: string, bytes: Uint8Array): void;
  /** 32 bits, and not 0. */
  get(): number;
}

/** @param settings - What else decides which strings and patterns there are, and in which order. */
export function listNumber(settings: readonly unknown[]): ListNumber {
  // Versions may number alike lists otherwise.
  const hash = createHash("sha256").update(JSON.stringify([version(), ...settings]));
  return {
    add: (file, bytes) => void hash.update(`\0${file}\0${bytes.length}\0`).update(bytes),
    get: () => hash.digest().readUInt32LE(0) || 1,
  };
}
