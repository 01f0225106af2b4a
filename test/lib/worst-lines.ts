// Lists and lines that make the kernel's part work hard: what test/bench/worst-lines.ts climbs from, and the worst that it found.
import type { CompilableString } from "@cryptnono/matcher";
import { bannedStrings } from "../bench/strings.js";

/** The most that a line can have. */
export const WORST_LINE_BYTES = 5_900_000;

export function worstLists(): Readonly<Record<string, readonly CompilableString[]>> {
  const encode = (texts: readonly string[]) =>
    texts.map((text): CompilableString => ({ value: new TextEncoder().encode(text), mode: "word", action: "audit" }));
  return {
    "6,100 strings": encode(bannedStrings(6100)),
    "100,000 strings": encode(bannedStrings(100_000)),
    "two words, of 5 and 8 bytes": encode(["xmrig", "minerd-x"]),
    "of all lengths, with two of 3": encode([...bannedStrings(6000), "abc", "x1z"]),
    "a hundred that begin alike": encode(Array.from({ length: 100 }, (_, i) => `qqqqqqqqqqqq${1000 + i}`)),
  };
}

/** The piece again and again, to the end. */
export function fillWith(area: Uint8Array, piece: Uint8Array): void {
  for (let at = 0; at < area.length; at += piece.length) area.set(piece.subarray(0, area.length - at), at);
}
