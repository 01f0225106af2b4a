// `cryptnono compare`: what the logs of many agents say of each string, of those that are only logged above all: in how many pods,
// namespaces and for how many users it hits. A list in audit mode beside those in force tells what it alone would kill.
import { linesOf } from "./line-files.js";

export interface CompareOptions {
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
  readonly killed: number;
  readonly spared: number;
  readonly pods: number;
  readonly namespaces: number;
  readonly users: number;
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
      const tally = strings.get(key) ?? new StringTally();
      strings.set(key, tally);
      const { cmdline } = fields;
      tally.add(rule, deed, fields, options.showLines && typeof cmdline === "string" ? `${place}: ${cmdline}` : place);
    }
  }
  const all = [...strings.values()]
    .map((tally) => tally.result())
    .sort((a, b) => b.pods - a.pods || total(b) - total(a));
  const compared: Compared = { lines, otherLines, strings: all };
  const over = all.filter(({ wouldKill, pods }) => wouldKill > 0 && pods > options.mostPods);
  write(options.json ? `${JSON.stringify(compared, null, 2)}\n` : render(compared));
  return options.mostPods > 0 && over.length > 0 ? 3 : 0;
}

type Fields = Readonly<Record<string, unknown>>;
type What = "killed" | "wouldKill" | "spared";

const WHATS: Readonly<Record<string, What>> = {
  killed: "killed",
  "missed-kill": "killed",
  "kill-failed": "killed",
  "would-kill": "wouldKill",
  spared: "spared",
};

/** @returns null for a line that tells of no process, or of none that a string was found in. */
function deedOf({ action, count }: Fields): { readonly what: What; readonly count: number } | null {
  if (typeof action !== "string") return null;
  const what = WHATS[action.replace(/-summary$/, "")];
  if (what === undefined) return null;
  return { what, count: action.endsWith("-summary") && typeof count === "number" ? count : 1 };
}

function fieldsOf(bytes: Uint8Array): Fields | null {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(bytes).toString());
    return typeof parsed === "object" && parsed !== null && !Array.isArray(parsed) ? (parsed as Fields) : null;
  } catch {
    return null;
  }
}

class StringTally {
  readonly #counts: Record<What, number> = { killed: 0, wouldKill: 0, spared: 0 };
  readonly #pods = new Set<string>();
  readonly #namespaces = new Set<string>();
  readonly #users = new Set<string>();
  readonly #examples: string[] = [];
  #rule = "";
  #first = "";
  #last = "";

  add(rule: string, { what, count }: { readonly what: What; readonly count: number }, fields: Fields, example: string) {
    this.#rule = rule;
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
      pods: this.#pods.size,
      namespaces: this.#namespaces.size,
      users: this.#users.size,
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

function render({ lines, otherLines, strings }: Compared): string {
  const text = [
    `${lines} lines tell of ${strings.length} strings; ${otherLines} lines tell of none`,
    " would-kill   killed   spared     pods  namespaces    users  string",
  ];
  for (const { rule, wouldKill, killed, spared, pods, namespaces, users, examples } of strings) {
    const numbers = [
      pad(wouldKill, 11),
      pad(killed, 8),
      pad(spared, 8),
      pad(pods, 8),
      pad(namespaces, 11),
      pad(users, 8),
    ];
    text.push(`${numbers.join(" ")}  ${rule}`, ...examples.map((example) => `${" ".repeat(13)}${printable(example)}`));
  }
  return `${text.join("\n")}\n`;
}

function pad(count: number, width: number): string {
  return String(count).padStart(width);
}

/** A terminal must not obey what an argument holds. */
function printable(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (char) => `\\u{${char.codePointAt(0)!.toString(16)}}`);
}
