// Which lines tell of the same process, and the number by which people speak of it.
import { createHash } from "node:crypto";
import type { Sighting } from "../types.js";

/** The same for each line of one process, or for each copy of one summary: 16 bytes. */
export function keyOf(sighting: Sighting): Uint8Array {
  const { node, pid, startTime, at, cmdline, action, count, matched, rule, containerId, namespace, pod, container } =
    sighting;
  // A line without a start time, as earlier versions write them, is the same only when it says the same.
  const parts =
    pid !== null && startTime !== null
      ? [node, pid, startTime]
      : [node, pid, at, action, count, cmdline, matched, rule, containerId, namespace, pod, container];
  return createHash("sha256").update(JSON.stringify(parts)).digest().subarray(0, 16);
}

/** Without I, L, O and U, which are misread. */
const DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** 40 bits, as `K7QM-2XPD`. Two of a million processes share one with a chance of 2 in 5. */
export function numberOf(key: Uint8Array): string {
  let text = "";
  let bits = 0n;
  for (const byte of key.subarray(0, 5)) bits = (bits << 8n) | BigInt(byte);
  for (let i = 7; i >= 0; i--) text += DIGITS[Number((bits >> BigInt(5 * i)) & 31n)];
  return `${text.slice(0, 4)}-${text.slice(4)}`;
}
