// Rules as columns of numbers and one array of bytes: a hundred thousand objects take 40 MiB, a tenth of a second of each garbage
// collection, and a fifth of a second on their way from one thread to another. These take 4 MiB and no time.
import { type Indexed, type MatchMode, NARROW, SCOPE } from "@cryptnono/matcher";
import type { Rule, Rules, RulesInForce } from "../types.js";

type Rest = Pick<Rules, "wallets" | "candidate" | "narrow">;

export interface PackedRules extends Pick<Rules, "allow" | "allowSets" | "wallets" | "candidate" | "narrow"> {
  /** Values one after the other, and where each ends. */
  readonly values: Uint8Array;
  readonly ends: Uint32Array;
  /** By rule: its place in `lists`, its index there, its match mode and action, its allow set, its scope, which list has it alone, whether it is looked for in the environment, its place in `notes` plus 1. */
  readonly list: Uint32Array;
  readonly index: Uint32Array;
  readonly kind: Uint8Array;
  readonly allowSet: Uint32Array;
  readonly scope: Uint8Array;
  readonly environment: Uint8Array;
  readonly only: Uint8Array;
  readonly note: Uint32Array;
  /** By rule of several strings: those behind the first. */
  readonly also: ReadonlyMap<number, readonly Uint8Array[]>;
  readonly lists: readonly string[];
  readonly notes: readonly string[];
}

const MODES: readonly MatchMode[] = ["word", "anywhere", "exact-argument"];
const ACTIONS = ["enforce", "audit"] as const;

const ONLY = [undefined, "in-force", "candidate"] as const;

export function packRules({ strings, allow, allowSets, wallets, candidate, narrow }: Rules): PackedRules {
  const count = strings.length;
  const packed = {
    values: new Uint8Array(strings.reduce((sum, { value }) => sum + value.length, 0)),
    ends: new Uint32Array(count),
    list: new Uint32Array(count),
    index: new Uint32Array(count),
    kind: new Uint8Array(count),
    allowSet: new Uint32Array(count),
    scope: new Uint8Array(count),
    environment: new Uint8Array(count),
    only: new Uint8Array(count),
    note: new Uint32Array(count),
  };
  const others = new Map<number, readonly Uint8Array[]>();
  const lists = new Numbering();
  const notes = new Numbering();
  let end = 0;
  for (const [i, rule] of strings.entries()) {
    const { value, mode, list, index, action, allowSet, scope = SCOPE.any, only, environment, note, also } = rule;
    packed.values.set(value, end);
    end += value.length;
    packed.ends[i] = end;
    packed.list[i] = lists.of(list);
    packed.index[i] = index;
    packed.kind[i] = MODES.indexOf(mode) * ACTIONS.length + ACTIONS.indexOf(action);
    packed.allowSet[i] = allowSet;
    packed.scope[i] = scope;
    packed.environment[i] = Number(environment ?? false);
    packed.only[i] = ONLY.indexOf(only);
    if (note !== undefined) packed.note[i] = notes.of(note) + 1;
    if (also !== undefined) others.set(i, also);
  }
  return {
    ...packed,
    also: others,
    lists: lists.all(),
    notes: notes.all(),
    allow,
    allowSets,
    ...restOf({ wallets, candidate, narrow }),
  };
}

/** Each text's number, by its first time. */
class Numbering {
  readonly #numbers = new Map<string, number>();

  of(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    this.#numbers.set(text, this.#numbers.size);
    return this.#numbers.size - 1;
  }

  all(): string[] {
    return [...this.#numbers.keys()];
  }
}

/** Each rule is made anew when it is asked for. */
export function unpackRules(packed: PackedRules): RulesInForce {
  const strings: Indexed<Rule> = {
    length: packed.ends.length,
    at: (i) => (i >= 0 && i < packed.ends.length ? unpackOne(packed, i) : undefined),
  };
  return { strings, allow: packed.allow, allowSets: packed.allowSets, ...restOf(packed) };
}

/** What is as it is: wallets are few. */
function restOf({ wallets, candidate, narrow }: { [K in keyof Rest]?: Rest[K] | undefined }): Rest {
  return {
    ...(wallets === undefined ? {} : { wallets }),
    ...(candidate === undefined ? {} : { candidate }),
    ...(narrow === undefined ? {} : { narrow }),
  };
}

function unpackOne(packed: PackedRules, i: number): Rule {
  const { values, ends, list, index, kind, allowSet, scope, environment, note, lists, notes } = packed;
  const only = ONLY[packed.only[i]!];
  const also = packed.also.get(i);
  const rule = {
    value: values.subarray(i === 0 ? 0 : ends[i - 1], ends[i]),
    mode: MODES[Math.floor(kind[i]! / ACTIONS.length)]!,
    ...(also === undefined ? {} : { also }),
    list: lists[list[i]!]!,
    index: index[i]!,
    action: ACTIONS[kind[i]! % ACTIONS.length]!,
    allowSet: allowSet[i]!,
    ...(scope[i] === SCOPE.any ? {} : { scope: scope[i]! }),
    ...(scope[i]! < NARROW.first ? {} : { narrow: packed.narrow![scope[i]! - NARROW.first]! }),
    ...(environment[i] === 0 ? {} : { environment: true as const }),
    ...(only === undefined ? {} : { only }),
  };
  return note[i] === 0 ? rule : { ...rule, note: notes[note[i]! - 1]! };
}
