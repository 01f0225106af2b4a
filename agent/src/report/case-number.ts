// The number by which people speak of a process: whoever reads its line works out the same one as the agent.
import { createHash } from "node:crypto";

/** 16 bytes of what tells one process, or one line, from all others. */
export function caseKey(parts: readonly unknown[]): Uint8Array {
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

/** @param startTime - As the line has it, in `start_time`. */
export function caseNumber(node: string, pid: number, startTime: string): string {
  return numberOf(caseKey([node, pid, startTime]));
}
