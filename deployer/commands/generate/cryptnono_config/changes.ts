// What a new list changes in the old one, and how that is told: numbers, and the strings only when asked for.
import { type Measure, precision, type Share } from "../../../generator/measure.js";
import { BY_HAND } from "../../../generator/rules/plain.js";
import { textOf } from "../../../generator/several.js";
import type { BannedList, Candidate, Dropped } from "../../../generator/types.js";
import { type Entry, stringsOfEntry, textOfEntry } from "../../../sops/values-file.js";

/** The differences between the list in the values file and the one just made. */
export interface Changes {
  readonly added: readonly Candidate[];
  readonly kept: readonly Candidate[];
  /** What the file has and the new list has not, with the reason when the generator still knows the string. */
  readonly removed: readonly { readonly value: string; readonly reason: string }[];
  /** Same strings, other order. */
  readonly reordered: boolean;
}

/** The list as the values file has it: the default mode is not written. */
export function toEntries(list: readonly Candidate[]): Entry[] {
  return list.map(({ value, also, mode, scope }) => {
    const how = { ...(mode === "word" ? {} : { mode }), ...(scope === undefined ? {} : { scope }) };
    if (also !== undefined) return { allOf: [value, ...also], ...how };
    return Object.keys(how).length === 0 ? value : { value, ...how };
  });
}

/** Compare the entries in the file with the list just made. */
export function compareLists(old: readonly Entry[], { kept: list, dropped }: BannedList): Changes {
  const before = new Set(old.map(key));
  const entries = toEntries(list);
  const after = new Set(entries.map(key));
  const reasons = new Map(
    dropped.map(({ reason, ...strings }) => [
      textOf(strings),
      reason.replace(/^contains .*/, "covered by another string"),
    ]),
  );
  const added = list.filter((_, i) => !before.has(key(entries[i]!)));
  const kept = list.filter((_, i) => before.has(key(entries[i]!)));
  const removed = old
    .filter((entry) => !after.has(key(entry)))
    .map(textOfEntry)
    .map((value) => ({ value, reason: reasons.get(value) ?? "no rule makes it any more" }));
  const same = old.length === entries.length && old.every((entry, i) => key(entry) === key(entries[i]!));
  return { added, kept, removed, reordered: !same && added.length + removed.length === 0 };
}

/** Whether anything has to be written. */
export function isChange({ added, removed, reordered }: Changes): boolean {
  return added.length + removed.length > 0 || reordered;
}

/** `encrypted-02: 3 added, 1 removed, 6120 kept`. */
export function oneLine(name: string, { added, removed, kept, reordered }: Changes): string {
  return `${name}: ${added.length} added, ${removed.length} removed, ${kept.length} kept${reordered ? ", order changed" : ""}`;
}

/** The numbers by rule and by source, why candidates fell out, and the overrides. */
export function summary({ added, kept, removed }: Changes, list: BannedList): string[] {
  const by = (noun: "rule" | "source") => {
    const counts = new Map<string, [number, number]>();
    for (const [column, group] of [added, kept].entries()) {
      for (const candidate of group) {
        const row = counts.get(candidate[noun]) ?? [0, 0];
        row[column]! += 1;
        counts.set(candidate[noun], row);
      }
    }
    const rows = [...counts].sort((a, b) => b[1][0] + b[1][1] - a[1][0] - a[1][1] || (a[0] < b[0] ? -1 : 1));
    return [`   added     kept  ${noun}`, ...rows.map(([name, [plus, same]]) => `${pad(plus)} ${pad(same)}  ${name}`)];
  };
  return [
    ...by("rule"),
    ...by("source"),
    ` removed           reason`,
    ...tally(removed.map(({ reason }) => reason.replace(/^(hits benign [^:]*):.*/, "$1"))),
    ` dropped           reason`,
    ...tally(
      list.dropped.map(({ reason }) =>
        reason.replace(/^contains .*/, "covered by another string").replace(/^(hits benign [^:]*):.*/, "$1"),
      ),
    ),
    ` benign lines hit  override`,
    ...list.overridden.map(({ hits, rule, because }) => `${pad(hits)}           ${rule}: ${because}`),
  ];
}

/** The figures as a table, the whole list first: see docs/howto/regenerate-banned-strings.md for the columns. */
export function table(measures: readonly Measure[]): string[] {
  const share = ({ hit, of }: Share) => `${hit}/${of}`.padStart(9);
  const rows = measures.map((row) => {
    const exact = precision(row);
    return [
      pad(row.strings),
      share(row.attack.tuning),
      share(row.attack["held-out"]),
      share(row.runs["held-out"]),
      pad(row.alone),
      pad(row.benign.list.hit),
      pad(row.benign["held-out"].hit),
      (exact === undefined ? "-" : `${exact.toFixed(1)} %`).padStart(9),
      ` ${row.rule ?? "all rules"}`,
    ].join(" ");
  });
  return [
    " strings    tuning  held out      runs    alone   benign   unseen precision  attack lines, benign lines hit by rule",
    ...rows,
  ];
}

/** The same as data, with the numbers of what changes: strings are in neither. */
export function data({ added, removed, kept }: Changes, measures: readonly Measure[]): string {
  const rules = measures.map((row) => ({ ...row, rule: row.rule ?? null, precision: precision(row) ?? null }));
  return JSON.stringify({ added: added.length, removed: removed.length, kept: kept.length, rules }, null, 2);
}

/** What somebody wrote into the generator to have it banned, and is not, without another string in its place. */
export function droppedByHand({ dropped }: BannedList): readonly Dropped[] {
  return dropped.filter(({ rule, reason }) => rule === BY_HAND && !/^contains /.test(reason));
}

/** The strings themselves, one a line, each with its rule or reason: `+` added, `-` removed, `!` by hand and dropped. */
export function strings({ added, removed }: Changes, list: BannedList): string[] {
  return [
    ...added.map(
      ({ mode, rule, source, ...strings }) => `+ ${JSON.stringify(textOf(strings))} ${mode} ${rule} ${source}`,
    ),
    ...removed.map(({ value, reason }) => `- ${JSON.stringify(value)} ${reason}`),
    ...droppedByHand(list).map(({ reason, ...strings }) => `! ${JSON.stringify(textOf(strings))} ${reason}`),
  ];
}

function tally(reasons: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts]
    .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
    .map(([reason, n]) => `${pad(n)}           ${reason}`);
}

function key(entry: Entry): string {
  const { mode = "word", scope = "any" } = typeof entry === "string" ? {} : entry;
  return `${mode} ${scope}\0${stringsOfEntry(entry).join("\0")}`;
}

function pad(count: number): string {
  return String(count).padStart(8);
}
