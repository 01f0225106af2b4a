// Many config files to one frozen set of rules.
import { basename, dirname, join } from "node:path";
import { NARROW, SCOPE } from "@cryptnono/matcher";
import { ConfigError } from "../../../config/index.js";
import { type NarrowScope, narrowKey } from "../narrow/config.js";
import type { AllowPattern, Rule, Rules } from "../types.js";
import { MAX_WALLET_RULES } from "../wallets/index.js";
import { allowProblems, allowSetsOf, type PlacedPattern } from "./allow-sets.js";
import type { ActionMode, ConfigFile, ConfigScope, StringText } from "./parse.js";

export interface MergeOptions {
  /** A pattern that does not say whose strings it spares spares those of all files, not of its own alone. */
  readonly allowAcrossLists?: boolean;
  /** By file: what its list is called. Its file's name without `.json` when left out. */
  readonly lists?: readonly ListName[];
}

export interface ListName {
  /** By patterns that are for its strings. */
  readonly name: string;
  /** In messages and the log. */
  readonly shown: string;
}

/**
 * Merge files in their order.
 *
 * Strings equal after folding, with the same match mode, the same action, the same scope and the same patterns that spare them,
 * are one rule: the first. A string that one file enforces and another audits stays twice, for either file to be taken away alone. Equal
 * patterns of one file are one.
 *
 * @throws ConfigError for a list that a pattern names and that is not there.
 */
export function mergeRules(
  files: readonly ConfigFile[],
  defaultMode: ActionMode,
  { allowAcrossLists = false, lists }: MergeOptions = {},
): Rules {
  const names = lists?.map(({ name }) => name) ?? listNames(files.map(({ file }) => file));
  const shown = lists?.map((list) => list.shown) ?? names;
  const strings: Rule[] = [];
  const wallets: Rule[] = [];
  const placed: PlacedPattern[] = [];
  const allow: AllowPattern[] = [];
  const known = new Map<string, Set<string>>();
  const isNew = (kind: string, text: string): boolean => {
    const texts = known.get(kind) ?? new Set();
    known.set(kind, texts);
    return texts.size < texts.add(text).size;
  };
  const scopes = new Scopes();
  for (const [i, { patterns }] of files.entries()) {
    for (const [index, pattern] of patterns.entries()) {
      const ofLists = Array.isArray(pattern.for) ? pattern.for.map(({ name }) => name).join("\0") : pattern.for;
      if (!isNew(`allow ${i} ${ofLists}`, pattern.source)) continue;
      placed.push({ pattern, file: i });
      allow.push({ source: pattern.source, list: shown[i]!, index });
    }
  }
  const allowSets = allowSetsOf(files, names, placed, allowAcrossLists);
  const problems = allowProblems(files, names, allowSets);
  if (problems.length > 0) throw new ConfigError(problems);
  for (const [i, file] of files.entries()) {
    const list = shown[i]!;
    const action = file.mode ?? defaultMode;
    const allowSet = allowSets.ofFile[i]!;
    for (const [index, { value, text, also, mode, scope: own, environment = false, note }] of file.strings.entries()) {
      const scope = scopes.of(own ?? file.scope, file.file, `bannedCommandStrings[${index}].scope`);
      const key = also === undefined ? folded(text) : foldedAll([text, ...textsOf(also)]);
      if (!isNew(`${action} ${mode} ${allowSet} ${scope.scope} ${environment}`, key)) continue;
      const rule = {
        value,
        mode,
        ...(also === undefined ? {} : { also: also.map((other) => other.value) }),
        list,
        index,
        action,
        allowSet,
        ...scope,
        ...(environment ? { environment } : {}),
      };
      strings.push(note === undefined ? rule : { ...rule, note });
    }
    for (const [index, { coin, mode, scope: own, environment, note, action: wanted }] of (
      file.wallets ?? []
    ).entries()) {
      const scope = scopes.of(own ?? file.scope, file.file, `wallets[${index}].scope`);
      const effect = action === "audit" ? "audit" : wanted;
      if (!isNew(`wallet ${effect} ${mode} ${allowSet} ${scope.scope} ${environment}`, coin)) continue;
      if (wallets.length === MAX_WALLET_RULES) {
        const expected = `at most ${MAX_WALLET_RULES} rules about wallets, over all lists`;
        const hint = "name each coin in one file";
        throw new ConfigError([{ file: file.file, place: `wallets[${index}]`, expected, got: "one more", hint }]);
      }
      wallets.push({
        value: NOT_FOUND_YET,
        wallet: coin,
        mode,
        list,
        index,
        action: effect,
        allowSet,
        ...scope,
        ...(environment === true ? { environment } : {}),
        ...(note === undefined ? {} : { note }),
      });
    }
  }
  return Object.freeze({
    strings: Object.freeze(strings),
    ...(wallets.length === 0 ? {} : { wallets: Object.freeze(wallets) }),
    allow: Object.freeze(allow),
    allowSets: Object.freeze(allowSets.sets),
    ...(scopes.narrow.length === 0 ? {} : { narrow: Object.freeze(scopes.narrow) }),
  });
}

/** Scopes by their numbers: those of the matcher, and behind them the narrow ones that there are. */
export class Scopes {
  readonly narrow: NarrowScope[];
  readonly #numbers: Map<string, number>;

  constructor(narrow: readonly NarrowScope[] = []) {
    this.narrow = [...narrow];
    this.#numbers = new Map(narrow.map((scope, i) => [narrowKey(scope), NARROW.first + i]));
  }

  /** @throws ConfigError for one more than there is room for. */
  of(scope: ConfigScope = "any", file = "", place = "scope"): Pick<Rule, "scope" | "narrow"> {
    if (typeof scope === "string") return scope === "any" ? {} : { scope: SCOPE[scope] };
    const key = narrowKey(scope);
    const known = this.#numbers.get(key);
    if (known !== undefined) return { scope: known, narrow: this.narrow[known - NARROW.first]! };
    if (this.narrow.length === NARROW.most) {
      const expected = `at most ${NARROW.most} different scopes by namespaces, pods and labels, over all lists`;
      throw new ConfigError([{ file, place, expected, got: "one more", hint: "let strings share one" }]);
    }
    const number = NARROW.first + this.narrow.push(scope) - 1;
    this.#numbers.set(key, number);
    return { scope: number, narrow: scope };
  }
}

const NOT_FOUND_YET = new Uint8Array(0);

/** The matcher's folding, which touches ASCII alone and so is the same on text as on its UTF-8. */
function folded(text: string): string {
  if (!/[A-Z\t-\r]/.test(text)) return text;
  return text.replace(/[A-Z]+/g, (capitals) => capitals.toLowerCase()).replace(/[\t-\r]/g, " ");
}

/** Of a rule of several strings, in whatever order they are written. No string holds a NUL. */
function foldedAll(texts: readonly string[]): string {
  return texts.map(folded).sort().join("\0");
}

function textsOf(strings: readonly StringText[]): string[] {
  return strings.map(({ text }) => text);
}

/** File names without `.json`; with their folders where two would be equal. */
export function listNames(files: readonly string[]): string[] {
  const byName = new Map<string, Set<string>>();
  const short = files.map((file) => basename(file, ".json"));
  for (const [i, name] of short.entries()) byName.set(name, (byName.get(name) ?? new Set()).add(files[i]!));
  return files.map((file, i) => (byName.get(short[i]!)!.size > 1 ? join(dirname(file), short[i]!) : short[i]!));
}
