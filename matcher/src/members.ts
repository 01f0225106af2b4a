// Rules of several strings, all of which must stand in the line. DESIGN.md says how they are found.
import { fold } from "./fold.js";
import type { BannedString, MatchMode } from "./types.js";

/** The strings of a rule in their order; of a string by itself that one. */
export function membersOf({ value, also = [] }: BannedString): readonly Uint8Array[] {
  return [value, ...also];
}

/** Each string by itself, with the rule's mode. */
export function memberStrings(rule: BannedString): BannedString[] {
  return membersOf(rule).map((value) => ({ value, mode: rule.mode }));
}

/** What a log line calls it: the strings as they are found, ` + ` between two. */
export function matchedText(rule: BannedString): Uint8Array {
  if (rule.also === undefined) return fold(rule.value);
  const members = membersOf(rule).map(fold);
  const text = new Uint8Array(members.reduce((sum, { length }) => sum + length, PLUS.length * (members.length - 1)));
  let at = 0;
  for (const [i, member] of members.entries()) {
    if (i > 0) {
      text.set(PLUS, at);
      at += PLUS.length;
    }
    text.set(member, at);
    at += member.length;
  }
  return text;
}

const PLUS = new TextEncoder().encode(" + ");

/** A string that rules want, and no rule's own: rules that want the same one share it. */
export interface Member {
  readonly value: Uint8Array;
  readonly mode: MatchMode;
}

/** A rule, by what it wants. */
export interface MemberRule {
  /** In the list. */
  readonly index: number;
  /** Numbers of its members; the first is told of. */
  readonly members: readonly number[];
}

/** The rules of a list, and the strings that they want, once each. */
export function numberMembers(list: readonly BannedString[]): {
  readonly members: readonly Member[];
  readonly rules: readonly MemberRule[];
} {
  const members: Member[] = [];
  const rules: MemberRule[] = [];
  const numbers = new Map<string, number>();
  for (let index = 0; index < list.length; index++) {
    const { mode, also } = list[index]!;
    if (also === undefined) continue;
    const wanted = membersOf(list[index]!).map((value) => {
      const key = `${mode} ${fold(value).join()}`;
      const number = numbers.get(key) ?? members.push({ value, mode }) - 1;
      numbers.set(key, number);
      return number;
    });
    rules.push({ index, members: wanted });
  }
  return { members, rules };
}
