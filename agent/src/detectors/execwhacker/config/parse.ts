// One config file's bytes to its checked content. Nothing after this checks the config again.
import {
  type BannedString,
  fold,
  MAX_STRING_BYTES,
  type MatchMode,
  MIN_MEMBER_BYTES,
  quotedPiece,
  SCOPE,
} from "@cryptnono/matcher";
import { ConfigError, ConfigFields, type JsonNode, kind, type Place } from "../../../config/index.js";
import { type NarrowScope, parseNarrow } from "../narrow/config.js";
import { COIN_NAMES, type Coin } from "../wallets/index.js";

/** What one file says. Values are UTF-8 bytes as written, not folded. */
export interface ConfigFile {
  /** As it was given on the command line. */
  readonly file: string;
  readonly mode?: ActionMode;
  /** Of its strings that have none of their own. */
  readonly scope?: ConfigScope;
  readonly strings: readonly ConfigString[];
  readonly patterns: readonly ConfigPattern[];
  readonly wallets?: readonly ConfigWallet[];
  /** It decides nothing, and is compared with the lists in force. */
  readonly candidate?: ConfigCandidate;
}

/** What a candidate says of itself. */
export interface ConfigCandidate {
  /** The list in force whose place it would take; none: it would stand beside them. */
  readonly replaces?: string;
  /** Tells one state of it from another, in the log and the metrics. */
  readonly revision?: string;
}

/** A coin whose wallets' addresses are looked for. */
export interface ConfigWallet {
  readonly coin: Coin;
  readonly mode: "word" | "exact-argument";
  /** What a find leads to; where the file's mode is `audit` nothing kills. */
  readonly action: ActionMode;
  readonly scope?: ConfigScope;
  readonly environment?: boolean;
  readonly note?: string;
}

export interface ConfigPattern {
  readonly source: string;
  /** The lists whose strings it spares, by their names; its own file's when left out. */
  readonly for?: "all" | readonly ListName[];
  readonly note?: string;
}

/** A list's name as a pattern gives it, not looked up yet, and where: `allowedCommandPatterns[2].for[0]`. */
export interface ListName {
  readonly name: string;
  readonly place: string;
}

/** `enforce` kills; `audit` only logs what would be killed. */
export type ActionMode = "enforce" | "audit";

/** Where a string counts. */
export type ScopeName = keyof typeof SCOPE;
export type ConfigScope = ScopeName | NarrowScope;

export interface ConfigString {
  readonly value: Uint8Array;
  /** The same as text. */
  readonly text: string;
  readonly mode: MatchMode;
  readonly scope?: ConfigScope;
  /** Of `allOf`: the strings behind the first, which is `value`. */
  readonly also?: readonly StringText[];
  /** It is looked for in the environment too. */
  readonly environment?: boolean;
  readonly note?: string;
}

export type StringText = Pick<ConfigString, "value" | "text">;

export interface ParseOptions {
  /** Says what is wrong with an allow pattern, or null: the pattern compiler's word, so that its faults are listed too. */
  readonly checkPattern?: (source: string) => PatternFault | null;
  /** It is a candidate, whatever is written in it. */
  readonly isCandidate?: boolean;
}

/** The problems of a candidate: the lists in force have no part in them. */
export class CandidateError extends ConfigError {}

/** The words for an allow pattern that cannot be used. They may quote the pattern: patterns are not secret. */
export interface PatternFault {
  readonly expected: string;
  readonly got: string;
  readonly hint?: string;
}

/** Longest allow pattern, in UTF-8 bytes; far above any in use, it bounds the pattern compiler's work. */
export const MAX_PATTERN_BYTES = 8192;

/** Longest note, in UTF-8 bytes: it goes into every log line of its string. */
export const MAX_NOTE_BYTES = 1024;

/**
 * Parse one config file.
 *
 * @throws ConfigError with every problem of the file; CandidateError if it is known to be a candidate.
 */
export function parseConfigFile(file: string, bytes: Uint8Array, options: ParseOptions = {}): ConfigFile {
  const parser = new FileParser(file, options);
  const content = parser.parse(bytes);
  const { problems, isCandidate } = parser;
  if (problems.length > 0) throw isCandidate ? new CandidateError(problems) : new ConfigError(problems);
  return content;
}

const FILE_KEYS = [
  ...(["bannedCommandStrings", "allowedCommandPatterns", "wallets", "mode", "scope"] as const),
  ...(["candidate", "replaces", "revision"] as const),
] as const;
const WALLET_KEYS = ["coin", "mode", "action", "scope", "environment", "note"] as const;
const WALLET_MODES = ["word", "exact-argument"] as const;
const STRING_KEYS = ["value", "allOf", "mode", "scope", "environment", "note"] as const;
const PATTERN_KEYS = ["pattern", "for", "note"] as const;
const MATCH_MODES: readonly MatchMode[] = ["word", "anywhere", "exact-argument"];
const SCOPES = Object.keys(SCOPE) as ScopeName[];
const ACTION_MODES: readonly ActionMode[] = ["enforce", "audit"];
const LIST_NAME = /^[^\p{C}]{1,256}$/u;
/** It goes into log lines and metrics. */
const REVISION = /^[\w.-]{1,64}$/;
/** Most strings of one rule. */
export const MAX_MEMBERS = 8;
/** What folding turns into spaces, and nothing else. */
const BLANK = /^[ \t-\r]*$/;
const SHAPE = '{"bannedCommandStrings": [...], "allowedCommandPatterns": [...], "mode": "enforce" or "audit"}';

class FileParser extends ConfigFields {
  readonly #options: ParseOptions;
  isCandidate: boolean;
  #fileScope: ConfigScope | undefined;

  constructor(file: string, options: ParseOptions) {
    super(file);
    this.#options = options;
    this.isCandidate = options.isCandidate ?? false;
  }

  parse(bytes: Uint8Array): ConfigFile {
    const empty: ConfigFile = { file: this.file, strings: [], patterns: [] };
    const root = this.tree(bytes, SHAPE);
    // `null` is what a chart writes for a list that was taken away.
    if (root === null || root.type === "null") return empty;
    if (root.type !== "object") {
      this.problem(this.position(root.at), "an object", kind(root), SHAPE);
      return empty;
    }
    const members = this.members(root.members, FILE_KEYS, "");
    const candidate = this.#candidate(members);
    const mode = this.oneOf(members.get("mode"), "mode", ACTION_MODES);
    const scope = this.#scope(members.get("scope"), "scope");
    this.#fileScope = scope;
    const wallets = this.list(members.get("wallets"), "wallets", (node, place) => this.#wallet(node, place));
    return {
      file: this.file,
      ...(wallets.length === 0 ? {} : { wallets }),
      ...(mode === undefined ? {} : { mode }),
      ...(scope === undefined ? {} : { scope }),
      ...(candidate === undefined ? {} : { candidate }),
      strings: this.list(members.get("bannedCommandStrings"), "bannedCommandStrings", (node, place) =>
        this.#bannedString(node, place),
      ),
      patterns: this.list(members.get("allowedCommandPatterns"), "allowedCommandPatterns", (node, place) =>
        this.#pattern(node, place),
      ),
    };
  }

  /** Where strings count: a word, or patterns for namespaces, pods and labels. */
  #scope(node: JsonNode | undefined, place: string): ConfigScope | undefined {
    if (node?.type === "object") return parseNarrow(this, node, place);
    return this.oneOf(node, place, SCOPES);
  }

  /** What a narrow scope is not for. */
  #checkNarrow(own: ConfigScope | undefined, place: Place, string: ConfigString | null, environment: boolean): void {
    if (typeof (own ?? this.#fileScope) !== "object") return;
    const hint = 'give it "scope": "containers" or "any"';
    if (environment)
      this.problem(
        place(),
        "no narrow scope beside environment",
        "both",
        "environments are searched by the kernel alone",
      );
    if (string !== null && quotedPiece(plain(string)) !== null)
      this.problem(place(), "no narrow scope for a string with an apostrophe", "one", hint);
  }

  #candidate(members: ReadonlyMap<(typeof FILE_KEYS)[number], JsonNode>): ConfigCandidate | undefined {
    const node = members.get("candidate");
    if (node !== undefined && node.type !== "boolean") this.problem("candidate", "true or false", kind(node));
    if (node?.type === "boolean" && node.value) this.isCandidate = true;
    const replaces = this.#word(members.get("replaces"), "replaces", LIST_NAME, "the name of a list in force");
    const revision = this.#word(
      members.get("revision"),
      "revision",
      REVISION,
      "1 to 64 letters, digits, `.`, `_` or `-`",
    );
    if (!this.isCandidate) {
      for (const key of ["replaces", "revision"] as const)
        if (members.has(key)) this.problem(key, 'it beside "candidate": true', "it in a list in force", "remove it");
      return undefined;
    }
    if (members.has("wallets"))
      this.problem(
        "wallets",
        "none in a candidate",
        "some",
        "leave them in the list in force, where they are audited first",
      );
    return {
      ...(replaces === undefined ? {} : { replaces }),
      ...(revision === undefined ? {} : { revision }),
    };
  }

  #word(node: JsonNode | undefined, place: string, form: RegExp, expected: string): string | undefined {
    if (node === undefined) return undefined;
    if (node.type === "string" && form.test(node.value)) return node.value;
    this.problem(place, expected, node.type === "string" ? "something else" : kind(node));
    return undefined;
  }

  #wallet(node: JsonNode, placeOf: Place): ConfigWallet | undefined {
    const place = placeOf();
    if (node.type === "string") {
      const coin = this.oneOf(node, place, COIN_NAMES);
      return coin === undefined ? undefined : { coin, mode: "word", action: "audit" };
    }
    if (node.type !== "object") {
      this.problem(place, "a coin's name or {coin, mode, action, scope, note}", kind(node));
      return undefined;
    }
    const members = this.members(node.members, WALLET_KEYS, place);
    if (members.get("coin") === undefined) this.problem(`${place}.coin`, "a coin's name", "no such key");
    const coin = this.oneOf(members.get("coin"), `${place}.coin`, COIN_NAMES);
    const mode = this.oneOf(members.get("mode"), `${place}.mode`, WALLET_MODES) ?? "word";
    const action = this.oneOf(members.get("action"), `${place}.action`, ACTION_MODES) ?? "audit";
    const scope = this.#scope(members.get("scope"), `${place}.scope`);
    const environment = this.#environment(members.get("environment"), place);
    const note = this.#note(members.get("note"), `${place}.note`);
    if (coin === undefined) return undefined;
    this.#checkNarrow(scope, placeOf, null, environment.environment === true);
    return {
      ...{ coin, mode, action },
      ...(scope === undefined ? {} : { scope }),
      ...environment,
      ...(note === undefined ? {} : { note }),
    };
  }

  #bannedString(node: JsonNode, placeOf: Place): ConfigString | undefined {
    if (node.type === "string") {
      const simple = this.#stringValue(node.value, placeOf, "word");
      if (simple !== undefined) this.#checkNarrow(undefined, placeOf, simple, false);
      return simple;
    }
    const place = placeOf();
    if (node.type !== "object") {
      this.problem(place, "a string, {value, mode, scope, note} or {allOf, mode, scope, note}", kind(node));
      return undefined;
    }
    const members = this.members(node.members, STRING_KEYS, place);
    const mode = this.oneOf(members.get("mode"), `${place}.mode`, MATCH_MODES) ?? "word";
    const scope = this.#scope(members.get("scope"), `${place}.scope`);
    const environment = this.#environment(members.get("environment"), place);
    const note = this.#note(members.get("note"), `${place}.note`);
    const value = members.get("value");
    const allOf = members.get("allOf");
    if (allOf !== undefined && value !== undefined) {
      this.problem(place, "one of value and allOf", "both", "a rule of several strings has all of them in allOf");
      return undefined;
    }
    if (allOf === undefined && value?.type !== "string") {
      const hint = value?.type === "array" ? "strings that must all stand in the line are given by allOf" : undefined;
      this.problem(`${place}.value`, "a string", value === undefined ? "no such key" : kind(value), hint);
      return undefined;
    }
    const string =
      value?.type === "string"
        ? this.#stringValue(value.value, () => `${place}.value`, mode)
        : this.#allOf(allOf!, `${place}.allOf`, mode);
    if (string === undefined) return undefined;
    this.#checkNarrow(scope, placeOf, string, environment.environment === true);
    return {
      ...string,
      ...(scope === undefined ? {} : { scope }),
      ...environment,
      ...(note === undefined ? {} : { note }),
    };
  }

  /** Strings that must all stand in the line. */
  #allOf(node: JsonNode, place: string, mode: MatchMode): ConfigString | undefined {
    const items = node.type === "array" ? node.items : [];
    if (items.length < 2 || items.length > MAX_MEMBERS) {
      const hint = items.length === 1 ? "a string by itself is given by value" : undefined;
      const got = node.type === "array" ? `${items.length}` : kind(node);
      this.problem(place, `an array of 2 to ${MAX_MEMBERS} strings`, got, hint);
      return undefined;
    }
    const known = new Map<string, string>();
    const strings = items.map((item, i) => {
      const where = `${place}[${i}]`;
      if (item.type !== "string") {
        this.problem(where, "a string", kind(item));
        return undefined;
      }
      const string = this.#stringValue(item.value, () => where, mode);
      if (string === undefined) return undefined;
      const key = fold(string.value).join();
      const same = known.get(key);
      known.set(key, where);
      if (string.value.length < MIN_MEMBER_BYTES)
        this.problem(
          where,
          `at least ${MIN_MEMBER_BYTES} bytes`,
          `${string.value.length}`,
          "a shorter one would be looked for at each place of every line: give it the word beside it",
        );
      else if (same !== undefined)
        this.problem(
          where,
          "another string",
          `the same as ${same}`,
          "case and kinds of white space make no difference",
        );
      else return string;
      return undefined;
    });
    const [first, ...others] = strings;
    if (first === undefined || others.includes(undefined)) return undefined;
    return { ...first, also: others.map((other) => ({ value: other!.value, text: other!.text })) };
  }

  #stringValue(text: string, place: Place, mode: MatchMode): ConfigString | undefined {
    const value = this.utf8(text, place, MAX_STRING_BYTES);
    if (value === undefined || this.isEncrypted(text, place)) return undefined;
    if (BLANK.test(text)) {
      this.problem(
        place,
        "a string with a visible character",
        "white space alone",
        "it would match every argument's end",
      );
      return undefined;
    }
    if (mode === "anywhere" && value.length === 1 && value[0] === 0x2f) {
      this.problem(
        place,
        "a string that does not match everything",
        "`/` with mode anywhere",
        "every path holds a `/`",
      );
      return undefined;
    }
    return { value, text, mode };
  }

  #pattern(node: JsonNode, placeOf: Place): ConfigPattern | undefined {
    if (node.type === "string") {
      const source = this.#patternSource(node.value, placeOf);
      return source === undefined ? undefined : { source };
    }
    const place = placeOf();
    if (node.type !== "object") {
      this.problem(place, "a string or {pattern, for, note}", kind(node));
      return undefined;
    }
    const members = this.members(node.members, PATTERN_KEYS, place);
    const lists = this.#lists(members.get("for"), `${place}.for`);
    const note = this.#note(members.get("note"), `${place}.note`);
    const value = members.get("pattern");
    if (value?.type !== "string") {
      this.problem(`${place}.pattern`, "a string", value === undefined ? "no such key" : kind(value));
      return undefined;
    }
    const source = this.#patternSource(value.value, () => `${place}.pattern`);
    if (source === undefined) return undefined;
    return { source, ...(lists === undefined ? {} : { for: lists }), ...(note === undefined ? {} : { note }) };
  }

  #patternSource(source: string, place: Place): string | undefined {
    if (this.utf8(source, place, MAX_PATTERN_BYTES) === undefined) return undefined;
    if (this.isEncrypted(source, place)) return undefined;
    if (BLANK.test(source)) {
      this.problem(place, "a pattern", "white space alone", "patterns spare what they match: remove it");
      return undefined;
    }
    const fault = this.#options.checkPattern?.(source) ?? null;
    if (fault !== null) {
      this.problem(place, fault.expected, fault.got, fault.hint);
      return undefined;
    }
    return source;
  }

  /** Whose strings a pattern spares. Whether there are such lists is known once all files are read. */
  #lists(node: JsonNode | undefined, place: string): "all" | ListName[] | undefined {
    if (node === undefined) return undefined;
    if (node.type === "string" && node.value === "all") return "all";
    if (node.type !== "array" || node.items.length === 0) {
      const got = node.type === "array" ? "none" : node.type === "string" ? "another word" : kind(node);
      this.problem(place, '"all" or an array of list names', got, "a list's name is its file's, without .json");
      return undefined;
    }
    const names: ListName[] = [];
    for (const [i, item] of node.items.entries()) {
      if (item.type === "string") names.push({ name: item.value, place: `${place}[${i}]` });
      else this.problem(`${place}[${i}]`, "a list's name", kind(item));
    }
    return names;
  }

  #environment(node: JsonNode | undefined, place: string): Pick<ConfigString, "environment"> {
    const environment = this.boolean(node, `${place}.environment`) ?? false;
    return environment ? { environment } : {};
  }

  #note(node: JsonNode | undefined, place: string): string | undefined {
    if (node === undefined) return undefined;
    if (node.type !== "string") {
      this.problem(place, "a string", kind(node));
      return undefined;
    }
    if (this.isEncrypted(node.value, place)) return undefined;
    const bytes = Buffer.byteLength(node.value);
    if (bytes <= MAX_NOTE_BYTES) return node.value;
    this.problem(place, `at most ${MAX_NOTE_BYTES} bytes`, `${bytes}`);
    return undefined;
  }
}

function plain({ value, mode, also }: ConfigString): BannedString {
  return { value, mode, ...(also === undefined ? {} : { also: also.map((other) => other.value) }) };
}
