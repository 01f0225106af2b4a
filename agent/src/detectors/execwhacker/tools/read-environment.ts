// An environment as people have it, to the text that is judged: variables, with a NUL between two.
import { readFileSync } from "node:fs";
import { AREA_PIECE_BYTES } from "@cryptnono/native";
import { UsageError } from "../../../errors.js";
import type { ProcFiles } from "../../../proc/index.js";
import { endOf } from "../scan/arguments.js";

/** As far as the scan reads. */
const MAX_BYTES = 8 * 2 ** 20;
const NUL = 0;
const LINE_FEED = 0x0a;

/** A file of variables: as `/proc/PID/environ` has them, each with its NUL, or one a line. @throws UsageError */
export function readEnvironmentFile(file: string): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const { code } = error as { readonly code?: unknown };
    if (typeof code !== "string") throw error;
    throw new UsageError(`read ${file}: ${code}`, "give a file of variables: NAME=value, one a line or with NULs");
  }
  if (!bytes.includes(NUL)) bytes = bytes.map((byte) => (byte === LINE_FEED ? NUL : byte));
  return bytes.subarray(0, endOf(bytes));
}

/** A running process's, as it is now. @throws errors with a `code` */
export async function readEnvironmentOf(pid: number, proc: ProcFiles): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for (let from = 0; from < MAX_BYTES; from += AREA_PIECE_BYTES) {
    const { bytes } = await proc.environment(pid, from, AREA_PIECE_BYTES, 0n);
    pieces.push(bytes);
    if (bytes.length < AREA_PIECE_BYTES) break;
  }
  const all = Buffer.concat(pieces);
  return all.subarray(0, endOf(all));
}
