// How good a list is, by rule: what it hits of the attack lines, and of the benign lines that it was not made with.
import type { AttackLine } from "./attack-lines.js";
import type { BenignLine } from "./benign-lines.js";
import { type Half, halfOf } from "./halves.js";
import { benignHitsOf, StringIndex, shellLine } from "./string-index.js";
import type { BannedList, Candidate } from "./types.js";

/** Lines of one half. */
export interface Share {
  readonly hit: number;
  readonly of: number;
}

/** Figures of one rule, or of all together. */
export interface Measure {
  /** `undefined` for the whole list. */
  readonly rule: string | undefined;
  readonly strings: number;
  /** Attack lines that the rule's strings hit. */
  readonly attack: Readonly<Record<Half, Share>>;
  /** Those of them that run or fetch a miner. */
  readonly runs: Readonly<Record<Half, Share>>;
  /** Attack lines of both halves that no other rule hits. */
  readonly alone: number;
  /**
   * Benign lines that the rule's strings hit: `list` by the list as it is, over all lines; `held-out` by the strings that
   * stay when only the tuning half of the benign lines is known, over the other half.
   */
  readonly benign: { readonly list: Share; readonly "held-out": Share };
}

/** Measure `list`, as a whole (first) and by rule. Overridden strings count as they stand in the list. */
export function measure(list: BannedList, attack: readonly AttackLine[], benign: readonly BenignLine[]): Measure[] {
  // What fell to benign lines comes back when those of the held-out half are unknown.
  const fallen = list.dropped.filter(({ reason }) => reason.startsWith("hits benign "));
  const strings: readonly Candidate[] = [...list.kept, ...fallen];
  const index = new StringIndex(strings);
  const all = (i: number) => i < list.kept.length;

  const attacks = attack.map(({ text, act }) => ({
    act,
    half: halfOf(text),
    found: index.banning(shellLine(text)).filter(all),
  }));
  const lines = benign
    .map((line) => ({ text: line.text, found: benignHitsOf(index, strings, line) }))
    .filter(({ found }) => found.length > 0)
    .map(({ text, found }) => ({ half: halfOf(text), found }));
  const known = new Set(lines.filter(({ half }) => half === "tuning").flatMap(({ found }) => found));
  const heldOut = benign.filter(({ text }) => halfOf(text) === "held-out").length;

  const figures = (rule: string | undefined): Measure => {
    const mine = (i: number) => rule === undefined || strings[i]!.rule === rule;
    const share = (half: Half, acts: string): Share => {
      const those = attacks.filter((line) => line.half === half && acts.includes(line.act));
      return { hit: those.filter(({ found }) => found.some(mine)).length, of: those.length };
    };
    return {
      rule,
      strings: list.kept.filter((_, i) => mine(i)).length,
      attack: { tuning: share("tuning", "run around"), "held-out": share("held-out", "run around") },
      runs: { tuning: share("tuning", "run"), "held-out": share("held-out", "run") },
      alone: attacks.filter(({ found }) => found.length > 0 && found.every(mine)).length,
      benign: {
        list: { hit: lines.filter(({ found }) => found.some((i) => all(i) && mine(i))).length, of: benign.length },
        "held-out": {
          hit: lines.filter(({ half, found }) => half === "held-out" && found.some((i) => !known.has(i) && mine(i)))
            .length,
          of: heldOut,
        },
      },
    };
  };
  const rules = [...new Set(strings.map(({ rule }) => rule))].sort();
  return [undefined, ...rules].map(figures);
}

/** Of 100 lines that the rule hits in the held-out halves, how many are attacks; `undefined` when it hits none. */
export function precision({ attack, benign }: Measure): number | undefined {
  const hits = attack["held-out"].hit + benign["held-out"].hit;
  return hits === 0 ? undefined : (100 * attack["held-out"].hit) / hits;
}
