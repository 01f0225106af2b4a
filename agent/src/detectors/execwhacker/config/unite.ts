// One set of rules out of two: the lists in force, and the same as they would be with the candidates. The kernel searches once for
// the strings of both, and takes those that are the candidate's alone for no more than a note.
import { fold, MAX_ALLOW_SETS } from "@cryptnono/matcher";
import { ConfigError } from "../../../config/index.js";
import type { AllowPattern, Rule, Rules } from "../types.js";
import { Scopes } from "./merge.js";
import type { CandidateRules } from "./merge-candidate.js";

/**
 * Strings of the lists in force keep their numbers and sets; behind them come those that only the candidate has. Equal are two
 * that are found alike and that the same patterns spare: what a find leads to is not compared.
 *
 * @throws ConfigError when patterns make more sets than there can be.
 */
export function unite(inForce: Rules, { rules, lists }: CandidateRules): Rules {
  const allow = [...inForce.allow];
  const patternOf = numberPatterns(rules.allow, allow);
  const sets = [...inForce.allowSets];
  const keyOfSet = (set: readonly number[]) => set.toSorted((a, b) => a - b).join();
  const ofForce = new Map(inForce.allowSets.map((set, i) => [keyOfSet(set), i + 1]));
  const ofCandidate = rules.allowSets.map((set) => [...new Set(set.map((pattern) => patternOf[pattern]!))]);
  /** By its content: the number of a set for the candidate's own strings. They share none with others. */
  const own = new Map<string, number>();
  const known = new Map<string, number[]>();
  for (const [index, rule] of inForce.strings.entries()) {
    const key = keyOf(rule, rule.allowSet);
    known.set(key, [...(known.get(key) ?? []), index]);
  }
  const shared = new Set<number>();
  const strings: Rule[] = [];
  const scopes = new Scopes(inForce.narrow);
  for (const candidates of rules.strings) {
    // By one numbering.
    const rule = candidates.narrow === undefined ? candidates : { ...candidates, ...scopes.of(candidates.narrow) };
    const set = rule.allowSet === 0 ? [] : ofCandidate[rule.allowSet - 1]!;
    const content = keyOfSet(set);
    const same = content === "" ? 0 : ofForce.get(content);
    const found = same === undefined ? undefined : known.get(keyOf(rule, same));
    if (found !== undefined) {
      for (const index of found) shared.add(index);
      continue;
    }
    const number = own.get(content) ?? sets.push(set);
    own.set(content, number);
    strings.push({ ...rule, allowSet: number, action: "audit", only: "candidate" });
  }
  if (sets.length >= MAX_ALLOW_SETS) throw new ConfigError([tooManySets(sets.length)]);
  const candidate = { lists, strings: strings.length, patterns: allow.length - inForce.allow.length };
  const marked = inForce.strings.map((rule, index): Rule => (shared.has(index) ? rule : { ...rule, only: "in-force" }));
  return Object.freeze({
    ...inForce,
    strings: Object.freeze([...marked, ...strings]),
    allow: Object.freeze(allow),
    allowSets: Object.freeze(sets),
    candidate,
    ...(scopes.narrow.length === 0 ? {} : { narrow: Object.freeze(scopes.narrow) }),
  });
}

/** What of a string says where it is found, and what spares it. */
function keyOf({ value, also = [], mode, scope }: Rule, allowSet: number): string {
  const texts = [value, ...also].map((bytes) => Buffer.from(fold(bytes).buffer).toString("latin1"));
  return `${mode} ${scope ?? ""} ${allowSet} ${texts.sort().join("\0")}`;
}

/** By the candidate's numbers, those in `allow`, to which those that are not there are added. */
function numberPatterns(patterns: readonly AllowPattern[], allow: AllowPattern[]): number[] {
  const places = new Map(allow.map(({ list, index }, i) => [`${index} ${list}`, i]));
  const sources = new Map(allow.map(({ source }, i) => [source, i]));
  return patterns.map((pattern) => {
    const known = places.get(`${pattern.index} ${pattern.list}`) ?? sources.get(pattern.source);
    if (known !== undefined) return known;
    const number = allow.push({ ...pattern, only: "candidate" }) - 1;
    sources.set(pattern.source, number);
    return number;
  });
}

function tooManySets(sets: number): ConfigError["problems"][number] {
  return {
    file: "",
    place: "allowedCommandPatterns",
    expected: `at most ${MAX_ALLOW_SETS - 1} different sets of patterns, over all lists and the candidate's`,
    got: `${sets}`,
    hint: "give the candidate the patterns of the list that it replaces, or fewer of its own",
  };
}
