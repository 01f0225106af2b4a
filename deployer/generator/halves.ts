// Two halves of a corpus: on the one the rules are made, on the other they are measured. A line stays in its half for good.
import { hash } from "node:crypto";

/** `tuning`: look at it as much as you like. `held-out`: for figures alone. */
export type Half = "tuning" | "held-out";

/** The half of a line: one bit of the hash of its text, so that neither order nor neighbours change it. */
export function halfOf(text: string): Half {
  return (hash("sha256", text.trim(), "buffer")[0]! & 1) === 0 ? "tuning" : "held-out";
}
