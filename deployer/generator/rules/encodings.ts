// What a telltale word looks like inside a script that was encoded to be decoded and run.
import type { Candidate } from "../types.js";

/** Shortest base64 piece worth banning, in characters: nine case-folded ones meet chance once in 10^13. */
const MIN_PIECE = 9;

/**
 * `<rule>-base64`: the base64 of a word at each of the three places it can have in a byte stream. Only the characters that
 * depend on no neighbour are taken, so the piece stands in the base64 of any text that holds the word in this spelling.
 * Mode `anywhere`: base64 has word characters on both sides.
 */
export function base64Forms(candidates: readonly Candidate[]): Candidate[] {
  return candidates.flatMap((candidate) => {
    const word = Buffer.from(candidate.value);
    return [0, 1, 2]
      .map((shift) => {
        const whole = Buffer.concat([Buffer.alloc(shift), word])
          .toString("base64")
          .replace(/=+$/, "");
        // A character has six bits: the first that holds none of the shift's bits, up to the last that is whole.
        return whole.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + word.length) * 8) / 6));
      })
      .filter((piece) => piece.length >= MIN_PIECE)
      .map((value) => ({
        value,
        mode: "anywhere" as const,
        source: candidate.source,
        rule: `${candidate.rule}-base64`,
      }));
  });
}

/** `<rule>-hex`: the word as hexadecimal digits, as `xxd -r -p` and `printf '\x..'` without its marks take them. */
export function hexForm(candidates: readonly Candidate[]): Candidate[] {
  return candidates.map(({ value, source, rule }) => ({
    value: Buffer.from(value).toString("hex"),
    mode: "anywhere",
    source,
    rule: `${rule}-hex`,
  }));
}
