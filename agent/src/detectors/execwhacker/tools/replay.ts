// `cryptnono replay`: command lines, or what was logged, judged by one set of lists or by two: what changes, by string and pattern.
import { type Account, accountsOf, matchedText, type Place } from "@cryptnono/matcher";
import { UsageError } from "../../../errors.js";
import { placeOfRule as place } from "../tell/index.js";
import type { JudgeVerdict, Rule, Rules } from "../types.js";
import { compileAccountable } from "./accountable.js";
import { loadBoth } from "./both-lists.js";
import { type FileLine, linesOf } from "./line-files.js";
import { type PodOptions, podOf, scopesAt } from "./pod.js";
import { type AskedLine, type Logged, readRecorded } from "./read-line.js";

export interface ReplayOptions extends PodOptions {
  readonly config: readonly string[];
  /** Files of candidates: the lists as they are and as they would be with these are compared. */
  readonly candidate?: readonly string[];
  /** The lists to compare with; none: what the log lines themselves say. */
  readonly before: readonly string[];
  readonly mode: "enforce" | "audit";
  readonly allowAcrossLists: boolean;
  /** Where lines run that do not say so themselves. */
  readonly place?: Place;
  readonly json: boolean;
  /** Lines may be printed, which hold strings. */
  readonly showLines: boolean;
}

/** What becomes of a process, by weight. */
export const FATES = ["lives", "would-kill", "killed"] as const;
export type Fate = (typeof FATES)[number];

/** What `--json` prints. */
export interface Replayed {
  /** That were judged; of those, that the log has a part of only. */
  readonly lines: number;
  readonly cut: number;
  /** Of the log, without a command line; they may tell of many processes. */
  readonly withoutLine: number;
  /** By fate: lines. `before` has those of which it is known. */
  readonly now: Readonly<Record<Fate, number>>;
  readonly before: Readonly<Record<Fate, number>>;
  readonly changes: readonly Change[];
  /** Those that kill, or would, other lines than before: how many before and now. */
  readonly strings: readonly Shift[];
  /** The same of patterns: lines that would have died, or been logged, without one. */
  readonly patterns: readonly Shift[];
}

export interface Change {
  readonly from: Fate;
  readonly to: Fate;
  readonly count: number;
  /** Where the first ones stand. */
  readonly places: readonly string[];
  readonly lines?: readonly string[];
}

export interface Shift {
  /** Its place in the lists of now; null: it is in none. */
  readonly now: string | null;
  readonly before: string | null;
  readonly linesNow: number;
  readonly linesBefore: number;
}

/** @returns the exit status: 3 when a line's fate changes, else 0. */
export async function replay(
  files: readonly string[],
  options: ReplayOptions,
  write: (text: string) => void = (text) => process.stdout.write(text),
): Promise<number> {
  const { inForce, candidate } = loadBoth(options);
  if (candidate !== null && options.before.length > 0)
    throw new UsageError("replay: both a candidate and lists of before", "give one of --candidate and --before");
  const now = await fatesBy(candidate ?? inForce, options.place, options);
  const older =
    candidate !== null
      ? inForce
      : options.before.length === 0
        ? null
        : loadBoth({ ...options, config: options.before }).inForce;
  const before = older === null ? null : await fatesBy(older, options.place, options);
  const tally = new Tally(options.showLines);
  for (const file of files.length === 0 ? ["-"] : files) {
    for await (const line of linesOf(file)) {
      const asked = readRecorded(line.bytes);
      if (asked === null) tally.withoutLine();
      else tally.add(line, asked, before === null ? fateLogged(asked.logged) : before(asked), now(asked));
    }
  }
  const replayed = tally.result();
  write(options.json ? `${JSON.stringify(replayed, null, 2)}\n` : render(replayed));
  return replayed.changes.length > 0 ? 3 : 0;
}

/** A line's fate, with who brought it about. */
export interface Judged {
  readonly fate: Fate;
  /** By what makes it the same in two sets: its place. */
  readonly strings: ReadonlyMap<string, string>;
  readonly patterns: ReadonlyMap<string, string>;
}

const NOBODY: ReadonlyMap<string, string> = new Map();
/** Lines repeat: accounts of the last ones are kept. */
const REMEMBERED = 4096;

/** @returns the fate of a line under `rules`; `unknown` is where it runs if it does not say so. */
export async function fatesBy(
  rules: Rules,
  unknown: Place = "containers",
  pod: PodOptions = {},
): Promise<(asked: AskedLine) => Judged> {
  const { judge, list, inEnvironment } = compileAccountable(rules);
  const account = accountsOf(list);
  const known = new Map<string, Judged>();
  return (asked) => {
    const { line, names, environment, place: where = unknown } = asked;
    const scopes = scopesAt(rules, where, podOf(asked.pod, pod));
    const verdict = judge(asked, scopes);
    if (verdict.kind === "none" || (verdict.kind === "spared" && typeof verdict.allowedBy === "string"))
      return { fate: "lives", strings: NOBODY, patterns: NOBODY };
    const key = [Buffer.from(`${scopes}`), environment ?? "", line.path, ...line.args, ...names.flat()]
      .map((part) => Buffer.from(part).toString("latin1"))
      .join("\0");
    const judged =
      known.get(key) ??
      judgedBy(verdict, [...account(line, names, scopes).strings, ...inEnvironment(asked, scopes).strings], rules);
    if (known.size < REMEMBERED) known.set(key, judged);
    return judged;
  };
}

function judgedBy(verdict: JudgeVerdict, strings: Account["strings"], rules: Rules): Judged {
  const fate = fateOf(verdict);
  const counted = strings.filter(({ counts, isOutOfScope }) => counts && !isOutOfScope);
  const deciding = counted
    .filter(({ sparedBy, index }) => sparedBy < 0 && (fate !== "killed" || rules.strings[index]!.action === "enforce"))
    .map(({ index }) => rules.strings[index]!);
  const sparing = counted.flatMap(({ sparedBy }) => (sparedBy < 0 || fate !== "lives" ? [] : [rules.allow[sparedBy]!]));
  // A wallet decides by itself, and is no string of the list.
  if (verdict.kind === "banned" && verdict.rule.wallet !== undefined) deciding.push(verdict.rule);
  if (verdict.kind === "spared" && verdict.rule.wallet !== undefined && typeof verdict.allowedBy === "object")
    sparing.push(verdict.allowedBy.pattern);
  return {
    fate,
    strings: new Map(deciding.map((rule) => [keyOfRule(rule), place(rule)])),
    patterns: new Map(sparing.map((pattern) => [pattern.source, place(pattern)])),
  };
}

function fateOf(verdict: JudgeVerdict): Fate {
  if (verdict.kind !== "banned") return "lives";
  return verdict.rule.action === "audit" ? "would-kill" : "killed";
}

/** @returns null when the log says nothing of it. */
function fateLogged(logged: Logged | undefined): Judged | null {
  const fate = logged && FATE_OF_ACTION[logged.action];
  if (logged === undefined || fate === undefined) return null;
  const { rule, matched, mode, allowedBy, allowedRule } = logged;
  const isString = fate !== "lives" && rule !== undefined && matched !== undefined;
  const pattern = allowedBy?.startsWith(PATTERN_PREFIX) === true ? allowedBy.slice(PATTERN_PREFIX.length) : undefined;
  return {
    fate,
    strings: isString ? new Map([[`${mode ?? "word"} ${matched}`, rule]]) : NOBODY,
    patterns: pattern === undefined ? NOBODY : new Map([[pattern, allowedRule ?? "the log"]]),
  };
}

const PATTERN_PREFIX = "allowed-pattern:";
const FATE_OF_ACTION: Readonly<Record<string, Fate>> = {
  killed: "killed",
  "missed-kill": "killed",
  "kill-failed": "killed",
  "would-kill": "would-kill",
  spared: "lives",
  observed: "lives",
};

/** Numbers change with each new list: a string is the same by its text and mode. */
function keyOfRule(rule: Rule): string {
  return `${rule.mode} ${Buffer.from(matchedText(rule)).toString()}`;
}

class Tally {
  readonly #showLines: boolean;
  readonly #now = emptyFates();
  readonly #before = emptyFates();
  readonly #changes = new Map<string, { from: Fate; to: Fate; count: number; places: string[]; lines: string[] }>();
  readonly #strings = new Shifts();
  readonly #patterns = new Shifts();
  #lines = 0;
  #cut = 0;
  #withoutLine = 0;

  constructor(showLines: boolean) {
    this.#showLines = showLines;
  }

  withoutLine(): void {
    this.#withoutLine += 1;
  }

  add({ bytes, place: where }: FileLine, { isCut }: AskedLine, before: Judged | null, now: Judged): void {
    this.#lines += 1;
    if (isCut === true) this.#cut += 1;
    this.#now[now.fate] += 1;
    if (before === null) return;
    this.#before[before.fate] += 1;
    this.#strings.add(before.strings, now.strings);
    this.#patterns.add(before.patterns, now.patterns);
    if (before.fate === now.fate) return;
    const key = `${before.fate} ${now.fate}`;
    const change = this.#changes.get(key) ?? { from: before.fate, to: now.fate, count: 0, places: [], lines: [] };
    this.#changes.set(key, change);
    change.count += 1;
    if (change.places.length >= MAX_SHOWN) return;
    change.places.push(where);
    change.lines.push(Buffer.from(bytes).toString());
  }

  result(): Replayed {
    const worst = ({ from, to }: Change) => FATES.indexOf(from) - FATES.indexOf(to);
    return {
      lines: this.#lines,
      cut: this.#cut,
      withoutLine: this.#withoutLine,
      now: this.#now,
      before: this.#before,
      changes: [...this.#changes.values()]
        .map(({ lines, ...change }) => (this.#showLines ? { ...change, lines } : change))
        .sort((a, b) => worst(a) - worst(b)),
      strings: this.#strings.changed(),
      patterns: this.#patterns.changed(),
    };
  }
}

const MAX_SHOWN = 10;

function emptyFates(): Record<Fate, number> {
  return { lives: 0, "would-kill": 0, killed: 0 };
}

class Shifts {
  readonly #known = new Map<
    string,
    { now: string | null; before: string | null; linesNow: number; linesBefore: number; differs: boolean }
  >();

  add(before: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>): void {
    for (const key of new Set([...before.keys(), ...now.keys()])) {
      const shift = this.#known.get(key) ?? { now: null, before: null, linesNow: 0, linesBefore: 0, differs: false };
      this.#known.set(key, shift);
      const [placeBefore, placeNow] = [before.get(key), now.get(key)];
      if (placeBefore !== undefined) [shift.before, shift.linesBefore] = [placeBefore, shift.linesBefore + 1];
      if (placeNow !== undefined) [shift.now, shift.linesNow] = [placeNow, shift.linesNow + 1];
      shift.differs ||= (placeBefore === undefined) !== (placeNow === undefined);
    }
  }

  /** Those with other lines than before, the largest difference first. */
  changed(): Shift[] {
    return [...this.#known.values()]
      .filter(({ differs }) => differs)
      .map(({ differs: _, ...shift }) => shift)
      .sort((a, b) => Math.abs(b.linesNow - b.linesBefore) - Math.abs(a.linesNow - a.linesBefore));
  }
}

function render({ lines, cut, withoutLine, now, before, changes, strings, patterns }: Replayed): string {
  const known = FATES.reduce((sum, fate) => sum + before[fate], 0);
  const fates = (of: Readonly<Record<Fate, number>>) => FATES.map((fate) => `${of[fate]} ${WORDS[fate]}`).join(", ");
  const text = [`${lines} lines: ${fates(now)}`];
  if (known > 0) text.push(`before: ${fates(before)}${known < lines ? `; of ${lines - known} nothing is known` : ""}`);
  if (cut > 0) text.push(`of ${cut} the log has a part only: what it left out was not judged`);
  if (withoutLine > 0) text.push(`${withoutLine} lines of the log have no command line, and were not judged`);
  for (const { from, to, count, places, lines: shown } of changes) {
    text.push("", `${count} ${count === 1 ? "line" : "lines"}: ${WORDS[from]} before, ${WORDS[to]} now`);
    for (const [i, where] of places.entries())
      text.push(`  ${where}${shown === undefined ? "" : `: ${printable(shown[i]!)}`}`);
    if (count > places.length) text.push(`  and ${count - places.length} more`);
  }
  text.push(...shifts("string", "it decides", strings), ...shifts("pattern", "it spares", patterns));
  return `${text.join("\n")}\n`;
}

const WORDS: Readonly<Record<Fate, string>> = { lives: "live", "would-kill": "would be logged", killed: "die" };

function shifts(noun: string, what: string, all: readonly Shift[]): string[] {
  if (all.length === 0) return [];
  const rows = all.slice(0, MAX_ROWS).map(({ now, before, linesNow, linesBefore }) => {
    const was =
      before === now
        ? now
        : before === null
          ? `${now}, new here`
          : now === null
            ? `${before} of before`
            : `${now}, ${before} before`;
    return `${String(linesBefore).padStart(8)} ${String(linesNow).padStart(8)}  ${noun} ${was}`;
  });
  const more = all.length > MAX_ROWS ? [`and ${all.length - MAX_ROWS} more`] : [];
  return ["", `  before      now  lines that ${what}`, ...rows, ...more];
}

const MAX_ROWS = 40;

/** A terminal must not obey what an argument holds. */
function printable(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (char) => `\\u{${char.codePointAt(0)!.toString(16)}}`);
}
