// From candidates to the list: normalise, minimum length and rarity, benign lines, what another string covers, order.
import { MAX_STRING_BYTES, WORD } from "@cryptnono/matcher";
import { ListError } from "../errors.js";
import type { BenignLine } from "./benign-lines.js";
import { bytes, folded, hitsOf, MIN_STRING_BYTES, StringIndex } from "./string-index.js";
import type { BannedList, Candidate, Dropped, Override } from "./types.js";

/** Files and switches of a host, with nothing beside them that says what for. */
const HOST_FILE =
  /^(\/(boot|dev|etc|lib|lib64|proc|run|sys|usr|var)\/\S+|\/root\/\.ssh\/\S*|(vm|kernel|fs)\.\w[\w.]*(=\d*)?|msr allow_writes=on)$/;

/** What the generator decides. */
export interface SieveSettings {
  /** Shortest string in bytes, at least 5. */
  readonly minBytes: number;
  /** Rules whose strings may be shorter than `minBytes`, down to 5: the name of a program says a lot in little. */
  readonly shortRules: readonly string[];
  readonly benign: readonly BenignLine[];
  /** Strings banned although they hit a benign line, each with the reason. */
  readonly keep: Readonly<Record<string, string>>;
  /** Strings not banned although nothing benign is hit, each with the reason. */
  readonly drop: Readonly<Record<string, string>>;
}

/** Whether it is what sops makes of a value. */
export function isCiphertext(value: string): boolean {
  return /^\s*enc\[/i.test(value);
}

/**
 * The list that the candidates make. The same candidates give the same list, in whatever order they come.
 *
 * @throws ListError for a candidate that is still encrypted: dropped for its length it would be missed by nobody.
 */
export function sieve(candidates: readonly Candidate[], settings: SieveSettings): BannedList {
  const dropped: Dropped[] = [];
  for (const { value, rule, source } of candidates) {
    if (!isCiphertext(value)) continue;
    throw new ListError(`make the list: a candidate was never decrypted (rule ${rule}, source ${source})`, {
      hint: "put the string itself in the place of ENC[...]",
    });
  }
  // The reason may depend on the rule, so it is found before candidates with one value become one.
  const judged = candidates.map(normalise).map((candidate) => ({
    candidate,
    reason: settings.drop[candidate.value] ?? tooOrdinary(candidate, settings),
  }));
  const acceptable = distinct(judged.filter(({ reason }) => reason === undefined).map(({ candidate }) => candidate));
  const accepted = new Set(acceptable.map(({ value }) => value));
  for (const { candidate, reason } of judged) {
    if (reason !== undefined && !accepted.has(candidate.value)) dropped.push({ ...candidate, reason });
  }
  const { harmless, overridden } = dropBenign(acceptable, settings, dropped);
  const kept = dropCovered(harmless, dropped);
  const keptValues = new Set(kept.map(({ value }) => value));
  return {
    kept: kept.sort((a, b) => compare(a.value, b.value)),
    dropped: dropped.sort((a, b) => compare(a.value, b.value)),
    overridden: overridden.filter(({ value }) => keptValues.has(value)),
  };
}

function normalise(candidate: Candidate): Candidate {
  return { ...candidate, value: candidate.value.trim().toLowerCase() };
}

// Of candidates with one value `anywhere` covers `word`, then the first rule by name wins.
function distinct(candidates: readonly Candidate[]): Candidate[] {
  const byValue = new Map<string, Candidate>();
  const ordered = candidates.toSorted(
    (a, b) => compare(a.mode, b.mode) || compare(a.rule, b.rule) || compare(a.source, b.source),
  );
  for (const candidate of ordered) {
    if (!byValue.has(candidate.value)) byValue.set(candidate.value, candidate);
  }
  return [...byValue.values()];
}

function tooOrdinary({ value, rule }: Candidate, { minBytes, shortRules }: SieveSettings): string | undefined {
  const length = bytes(value).length;
  const least = shortRules.includes(rule) ? MIN_STRING_BYTES : Math.max(minBytes, MIN_STRING_BYTES);
  if (length < least) return `shorter than ${least} bytes`;
  if (length > MAX_STRING_BYTES) return `longer than ${MAX_STRING_BYTES} bytes`;
  if (new Set(value.replace(/[^a-z]/g, "")).size < 3) return "fewer than three different letters";
  if (HOST_FILE.test(value)) return "a host's file by itself, which administrators touch more than miners";
  return undefined;
}

function dropBenign(candidates: readonly Candidate[], { benign, keep }: SieveSettings, dropped: Dropped[]) {
  const index = new StringIndex(candidates);
  const hits = new Map<number, { place: string; count: number }>();
  for (const { text, place } of benign) {
    for (const found of hitsOf(index, text)) {
      const hit = hits.get(found);
      if (hit === undefined) hits.set(found, { place, count: 1 });
      else hit.count += 1;
    }
  }
  const overridden: Override[] = [];
  const harmless = candidates.filter((candidate, i) => {
    const hit = hits.get(i);
    if (hit === undefined) return true;
    const because = keep[candidate.value];
    if (because !== undefined) overridden.push({ ...candidate, because, hits: hit.count });
    else {
      const others = hit.count > 1 ? ` and ${hit.count - 1} more` : "";
      dropped.push({ ...candidate, reason: `hits benign ${hit.place}${others}` });
    }
    return because !== undefined;
  });
  return { harmless, overridden };
}

// A string that holds another one, in a place where that one counts, is never the only one to hit.
function dropCovered(candidates: readonly Candidate[], dropped: Dropped[]): Candidate[] {
  const index = new StringIndex(candidates);
  return candidates.filter((candidate, self) => {
    const text = folded(bytes(candidate.value));
    const cover = index.occurrences(text).find(({ index: other, at }) => {
      if (other === self) return false;
      const { value, mode } = candidates[other]!;
      if (mode === "anywhere") return true;
      if (mode === "exact-argument") return false;
      // Beyond its own ends a `word` candidate has no word byte, an `anywhere` one may have any.
      const edge = candidate.mode === "anywhere" ? 1 : 0;
      const before = at === 0 ? edge : WORD[text.charCodeAt(at - 1)]!;
      const end = at + bytes(value).length;
      const after = end === text.length ? edge : WORD[text.charCodeAt(end)]!;
      return before === 0 && after === 0;
    });
    if (cover === undefined) return true;
    dropped.push({ ...candidate, reason: `contains ${candidates[cover.index]!.value}` });
    return false;
  });
}

// By code units: the same on every machine, whatever its locale.
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
