// From candidates to the list: normalise, minimum length and rarity, benign lines, what another string covers, order.
import { MAX_STRING_BYTES, WORD } from "@cryptnono/matcher";
import { ListError } from "../errors.js";
import type { BenignLine } from "./benign-lines.js";
import { stringsOf, textOf } from "./several.js";
import { benignHitsOf, bytes, folded, MIN_STRING_BYTES, StringIndex } from "./string-index.js";
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
  for (const { rule, source, ...strings } of candidates) {
    if (!stringsOf(strings).some(isCiphertext)) continue;
    throw new ListError(`make the list: a candidate was never decrypted (rule ${rule}, source ${source})`, {
      hint: "put the string itself in the place of ENC[...]",
    });
  }
  // The reason may depend on the rule, so it is found before candidates with one value become one.
  const judged = candidates.map(normalise).map((candidate) => ({
    candidate,
    reason: settings.drop[textOf(candidate)] ?? tooOrdinary(candidate, settings),
  }));
  const acceptable = distinct(judged.filter(({ reason }) => reason === undefined).map(({ candidate }) => candidate));
  const accepted = new Set(acceptable.map(textOf));
  for (const { candidate, reason } of judged) {
    if (reason !== undefined && !accepted.has(textOf(candidate))) dropped.push({ ...candidate, reason });
  }
  const { harmless, overridden } = dropBenign(acceptable, settings, dropped);
  const kept = dropCovered(harmless, dropped);
  const keptTexts = new Set(kept.map(textOf));
  return {
    kept: kept.sort(byText),
    dropped: dropped.sort(byText),
    overridden: overridden.filter((override) => keptTexts.has(textOf(override))),
  };
}

function normalise(candidate: Candidate): Candidate {
  const [value, ...also] = stringsOf(candidate).map((text) => text.trim().toLowerCase());
  return { ...candidate, value: value!, ...(also.length === 0 ? {} : { also }) };
}

// Of candidates with one value `anywhere` covers `word`, then the first rule by name wins.
function distinct(candidates: readonly Candidate[]): Candidate[] {
  const byValue = new Map<string, Candidate>();
  const ordered = candidates.toSorted(
    (a, b) => compare(a.mode, b.mode) || compare(a.rule, b.rule) || compare(a.source, b.source),
  );
  for (const candidate of ordered) {
    if (!byValue.has(textOf(candidate))) byValue.set(textOf(candidate), candidate);
  }
  return [...byValue.values()];
}

function tooOrdinary(candidate: Candidate, { minBytes, shortRules }: SieveSettings): string | undefined {
  const { value, also, rule } = candidate;
  // Beside others a string may be as ordinary as it likes.
  if (also !== undefined) {
    const isShort = stringsOf(candidate).some((text) => bytes(text).length < MIN_STRING_BYTES);
    return isShort ? `one of several shorter than ${MIN_STRING_BYTES} bytes` : undefined;
  }
  const length = bytes(value).length;
  const least = shortRules.includes(rule) ? MIN_STRING_BYTES : Math.max(minBytes, MIN_STRING_BYTES);
  if (length < least) return `shorter than ${least} bytes`;
  if (length > MAX_STRING_BYTES) return `longer than ${MAX_STRING_BYTES} bytes`;
  if (new Set(value.replace(/[^a-z]/g, "")).size < 3) return "fewer than three different letters";
  if (candidate.scope === undefined && HOST_FILE.test(value))
    return "a host's file by itself, which administrators touch more than miners";
  return undefined;
}

function dropBenign(candidates: readonly Candidate[], { benign, keep }: SieveSettings, dropped: Dropped[]) {
  const index = new StringIndex(candidates);
  const hits = new Map<number, { place: string; count: number }>();
  for (const line of benign) {
    for (const found of benignHitsOf(index, candidates, line)) {
      const hit = hits.get(found);
      if (hit === undefined) hits.set(found, { place: line.place, count: 1 });
      else hit.count += 1;
    }
  }
  const overridden: Override[] = [];
  const harmless = candidates.filter((candidate, i) => {
    const hit = hits.get(i);
    if (hit === undefined) return true;
    const because = keep[textOf(candidate)];
    if (because !== undefined) overridden.push({ ...candidate, because, hits: hit.count });
    else {
      const others = hit.count > 1 ? ` and ${hit.count - 1} more` : "";
      dropped.push({ ...candidate, reason: `hits benign ${hit.place}${others}` });
    }
    return because !== undefined;
  });
  return { harmless, overridden };
}

// A string that holds another one, in a place where that one counts, is never the only one to hit; nor is a rule with such a string.
function dropCovered(candidates: readonly Candidate[], dropped: Dropped[]): Candidate[] {
  const index = new StringIndex(candidates);
  return candidates.filter((candidate, self) => {
    const cover = stringsOf(candidate)
      .map((value) => coverOf({ ...candidate, value }, self))
      .find((found) => found !== undefined);
    if (cover === undefined) return true;
    dropped.push({ ...candidate, reason: `contains ${cover}` });
    return false;
  });

  function coverOf(candidate: Candidate, self: number): string | undefined {
    const text = folded(bytes(candidate.value));
    const cover = index.occurrences(text).find(({ index: other, at }) => {
      const { value, mode, also, scope } = candidates[other]!;
      if (other === self || also !== undefined) return false;
      if (scope !== undefined && scope !== candidate.scope) return false;
      if (mode === "anywhere") return true;
      if (mode === "exact-argument") return false;
      // Beyond its own ends a `word` candidate has no word byte, an `anywhere` one may have any.
      const edge = candidate.mode === "anywhere" ? 1 : 0;
      const before = at === 0 ? edge : WORD[text.charCodeAt(at - 1)]!;
      const end = at + bytes(value).length;
      const after = end === text.length ? edge : WORD[text.charCodeAt(end)]!;
      return before === 0 && after === 0;
    });
    return cover && candidates[cover.index]!.value;
  }
}

function byText(a: Candidate, b: Candidate): number {
  return compare(textOf(a), textOf(b));
}

// By code units: the same on every machine, whatever its locale.
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
