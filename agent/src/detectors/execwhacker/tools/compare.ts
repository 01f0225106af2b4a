// `cryptnono compare`: what the logs of many agents say of each string, of those that are only logged above all: in how many pods,
// namespaces and for how many users it hits. A candidate beside the lists in force tells what it alone would kill.
import { type BannedString, type MatchMode, MODE } from "@cryptnono/matcher";
import { type BenignLine, hitsByString, readBenignLines } from "./benign.js";
import { linesOf } from "./line-files.js";

export interface CompareOptions {
  /** Leave out strings of which no line is a candidate's. */
  readonly candidateOnly?: boolean;
  /** Files of command lines that are honest, and of miners'. */
  readonly knownGood?: readonly string[];
  readonly knownBad?: readonly string[];
  /** A string that is only logged may hit in as many pods; more make the status 3. */
  readonly mostPods: number;
  readonly json: boolean;
  /** Command lines may be printed, which hold strings. */
  readonly showLines: boolean;
}

/** What `--json` prints of each string, the ones in most pods first. */
export interface ComparedString {
  /** Where it is written, by the last line that says so. */
  readonly rule: string;
  /** Processes, those in summaries too. */
  readonly wouldKill: number;
  /** Of them, those that live by the lists in force. */
  readonly byCandidate: number;
  readonly killed: number;
  /** Of what the lists in force have found, what a candidate would let live; and of what that is not known. */
  readonly wouldLive: number;
  readonly unknown: number;
  readonly spared: number;
  readonly pods: number;
  readonly namespaces: number;
  readonly users: number;
  /** Lines of the files of known ones that hold it; absent without such files. */
  readonly knownGood?: number;
  readonly knownBad?: number;
  /** Timestamps of the first and the last line. */
  readonly first: string;
  readonly last: string;
  /** Where the first lines stand; with `--show-lines` what they say. */
  readonly examples: readonly string[];
}

export interface Compared {
  /** That tell of processes, and others. */
  readonly lines: number;
  readonly otherLines: number;
  readonly strings: readonly ComparedString[];
}

/** @returns the exit status: 3 when a string that is only logged hits in more pods than may be; else 0. */
export async function compare(
  files: readonly string[],
  options: CompareOptions,
  write: (text: string) => void = (text) => process.stdout.write(text),
): Promise<number> {
  const strings = new Map<string, StringTally>();
  let lines = 0;
  let otherLines = 0;
  for (const file of files.length === 0 ? ["-"] : files) {
    for await (const { bytes, place } of linesOf(file)) {
      const fields = fieldsOf(bytes);
      const deed = fields && deedOf(fields);
      const { rule, matched } = fields ?? {};
      if (fields === null || deed === null || typeof rule !== "string" || typeof matched !== "string") {
        otherLines += 1;
        continue;
      }
      lines += 1;
      // Numbers change with each new list: a string is the same by its text and mode.
      const key = `${String(fields["mode"] ?? "word")} ${matched}`;
      const tally = strings.get(key) ?? new StringTally(stringOf(fields, matched));
      strings.set(key, tally);
      const { cmdline } = fields;
      tally.add(rule, deed, fields, options.showLines && typeof cmdline === "string" ? `${place}: ${cmdline}` : place);
    }
  }
  const tallies = [...strings.values()].filter(({ isOfCandidate }) => isOfCandidate || !options.candidateOnly);
  addEvidence(tallies, "knownGood", options.knownGood ?? []);
  addEvidence(tallies, "knownBad", options.knownBad ?? []);
  const all = tallies.map((tally) => tally.result()).sort((a, b) => b.pods - a.pods || total(b) - total(a));
  const compared: Compared = { lines, otherLines, strings: all };
  const over = all.filter(({ wouldKill, pods }) => wouldKill > 0 && pods > options.mostPods);
  write(options.json ? `${JSON.stringify(compared, null, 2)}\n` : render(compared));
  return options.mostPods > 0 && over.length > 0 ? 3 : 0;
}

type Fields = Readonly<Record<string, unknown>>;
type What = "killed" | "wouldKill" | "wouldLive" | "unknown" | "spared";

const WHATS: Readonly<Record<string, What>> = {
  killed: "killed",
  "missed-kill": "killed",
  "kill-failed": "killed",
  "would-kill": "wouldKill",
  "would-live": "wouldLive",
  spared: "spared",
};

interface Deed {
  readonly what: What;
  readonly count: number;
  readonly byCandidate: boolean;
}

/** @returns null for a line that tells of no process, or of none that a string was found in. */
function deedOf({ action, count, candidate, unknown }: Fields): Deed | null {
  if (typeof action !== "string") return null;
  const what = WHATS[action.replace(/-summary$/, "")];
  if (what === undefined) return null;
  const isSummary = action.endsWith("-summary");
  return {
    what: what === "wouldLive" && unknown === true ? "unknown" : what,
    count: isSummary && typeof count === "number" ? count : 1,
    byCandidate: candidate === true,
  };
}

/** As the matcher takes it, by what the log says of it. */
function stringOf(fields: Fields, matched: string): BannedString | null {
  const { mode, match_offsets: offsets, coin } = fields;
  if (coin !== undefined) return null;
  const members = Array.isArray(offsets) ? matched.split(" + ") : [matched];
  // A rule of several strings one of which has a plus in it cannot be told apart.
  if (Array.isArray(offsets) && members.length !== offsets.length) return null;
  const [value = matched, ...also] = members;
  return {
    value: Buffer.from(value),
    mode: typeof mode === "string" && mode in MODE ? (mode as MatchMode) : "word",
    ...(also.length === 0 ? {} : { also: also.map((text) => Buffer.from(text)) }),
  };
}

/** How many lines of the files hold each string. */
function addEvidence(tallies: readonly StringTally[], which: Evidence, files: readonly string[]): void {
  if (files.length === 0) return;
  const known = tallies.filter(({ string }) => string !== null);
  const lines: BenignLine[] = files.flatMap(readBenignLines);
  const hits = hitsByString(
    known.map(({ string }) => string!),
    lines,
  );
  for (const [i, tally] of known.entries()) tally.evidence[which] = hits.get(i)?.count ?? 0;
}

type Evidence = "knownGood" | "knownBad";

function fieldsOf(bytes: Uint8Array): Fields | null {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(bytes).toString());
    return typeof parsed === "object" && parsed !== null && !Array.isArray(parsed) ? (parsed as Fields) : null;
  } catch {
    return null;
  }
}

class StringTally {
  /** null: it cannot be looked for elsewhere. */
  readonly string: BannedString | null;
  readonly evidence: Partial<Record<Evidence, number>> = {};
  isOfCandidate = false;
  #byCandidate = 0;
  readonly #counts: Record<What, number> = { killed: 0, wouldKill: 0, wouldLive: 0, unknown: 0, spared: 0 };
  readonly #pods = new Set<string>();
  readonly #namespaces = new Set<string>();
  readonly #users = new Set<string>();
  readonly #examples: string[] = [];
  #rule = "";
  #first = "";
  #last = "";

  constructor(string: BannedString | null) {
    this.string = string;
  }

  add(rule: string, { what, count, byCandidate }: Deed, fields: Fields, example: string) {
    this.#rule = rule;
    this.isOfCandidate ||= byCandidate;
    if (byCandidate && what === "wouldKill") this.#byCandidate += count;
    this.#counts[what] += count;
    const labels = (
      typeof fields["labels"] === "object" && fields["labels"] !== null ? fields["labels"] : {}
    ) as Fields;
    const namespace = labels["io.kubernetes.pod.namespace"];
    const pod = labels["io.kubernetes.pod.name"];
    // Without a pod's name it is a container's, or a cgroup's.
    const named =
      typeof pod === "string" ? `${String(namespace)}/${pod}` : (fields["container_id"] ?? fields["cgroup"]);
    keep(this.#pods, named);
    keep(this.#namespaces, namespace);
    // A number is a user's within its container alone.
    if (fields["uid"] !== undefined) keep(this.#users, `${String(named)} ${String(fields["uid"])}`);
    const { timestamp } = fields;
    if (typeof timestamp === "string") {
      if (this.#first === "" || timestamp < this.#first) this.#first = timestamp;
      if (timestamp > this.#last) this.#last = timestamp;
    }
    if (this.#examples.length < MAX_EXAMPLES) this.#examples.push(example);
  }

  result(): ComparedString {
    return {
      rule: this.#rule,
      ...this.#counts,
      byCandidate: this.#byCandidate,
      pods: this.#pods.size,
      namespaces: this.#namespaces.size,
      users: this.#users.size,
      ...this.evidence,
      first: this.#first,
      last: this.#last,
      examples: this.#examples,
    };
  }
}

const MAX_EXAMPLES = 3;
/** Beyond this many, how many there are does not matter. */
const MAX_KEPT = 100_000;

function keep(set: Set<string>, value: unknown): void {
  if (typeof value === "string" && set.size < MAX_KEPT) set.add(value);
}

function total({ wouldKill, killed, spared }: ComparedString): number {
  return wouldKill + killed + spared;
}

const COLUMNS: readonly (readonly [
  head: string,
  width: number,
  value: (string: ComparedString) => number | undefined,
])[] = [
  ["would-kill", 11, ({ wouldKill }) => wouldKill],
  ["candidate", 9, ({ byCandidate }) => byCandidate],
  ["would-live", 10, ({ wouldLive }) => wouldLive],
  ["unknown", 7, ({ unknown }) => unknown],
  ["killed", 8, ({ killed }) => killed],
  ["spared", 8, ({ spared }) => spared],
  ["pods", 8, ({ pods }) => pods],
  ["namespaces", 11, ({ namespaces }) => namespaces],
  ["users", 8, ({ users }) => users],
  ["known-good", 10, ({ knownGood }) => knownGood],
  ["known-bad", 9, ({ knownBad }) => knownBad],
];
/** What is shown only where it is not 0 or not said of all. */
const OPTIONAL = ["candidate", "would-live", "unknown", "known-good", "known-bad"];

function render({ lines, otherLines, strings }: Compared): string {
  const columns = COLUMNS.filter(
    ([head, , value]) => !OPTIONAL.includes(head) || strings.some((string) => isSaid(head, value(string))),
  );
  const text = [
    `${lines} lines tell of ${strings.length} strings; ${otherLines} lines tell of none`,
    `${columns.map(([head, width]) => head.padStart(width)).join(" ")}  string`,
  ];
  for (const string of strings) {
    const numbers = columns.map(([, width, value]) => String(value(string) ?? "-").padStart(width));
    text.push(
      `${numbers.join(" ")}  ${string.rule}`,
      ...string.examples.map((example) => `${" ".repeat(13)}${printable(example)}`),
    );
  }
  return `${text.join("\n")}\n`;
}

function isSaid(head: string, value: number | undefined): boolean {
  return head.startsWith("known") ? value !== undefined : (value ?? 0) > 0;
}

/** A terminal must not obey what an argument holds. */
function printable(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (char) => `\\u{${char.codePointAt(0)!.toString(16)}}`);
}
