// `cryptnono check`: what may be wrong with lists, said before they are in force. Needs no kernel and no privileges.
import {
  CompileError,
  compileAllow,
  compileTables,
  FINDING_LEVELS,
  type Finding,
  type FindingLevel,
  lintPatterns,
  lintStrings,
  type PatternCost,
  patternCost,
  SCOPE,
} from "@cryptnono/matcher";
import { ConfigError } from "../../../config/index.js";
import { environmentTables } from "../environment/index.js";
import { placeOfRule } from "../tell/index.js";
import type { Rule, Rules } from "../types.js";
import { lintByLines, readBenignLines } from "./benign.js";
import { type BothLists, loadBoth } from "./both-lists.js";

export interface CheckOptions {
  readonly config: readonly string[];
  /** Files of candidates. */
  readonly candidate?: readonly string[];
  readonly mode: "enforce" | "audit";
  readonly allowAcrossLists: boolean;
  /** Files of honest command lines. */
  readonly benign: readonly string[];
  readonly failOn: FindingLevel;
  readonly json: boolean;
  /** Strings, and lines that hold them, may be printed. */
  readonly showStrings: boolean;
}

/** A finding with where it is to be repaired. */
export interface PlacedFinding extends Omit<Finding, "index" | "other"> {
  readonly kind: "config" | "string" | "wallet" | "pattern";
  /** `encrypted-01[17]`; for what cannot be read the file and the place in it. */
  readonly place: string;
  /** The other string's. */
  readonly other?: string;
}

export interface Checked {
  readonly findings: readonly PlacedFinding[];
  readonly strings: number;
  readonly patterns: number;
  /** Null when the lists cannot be read. */
  readonly cost: Cost | null;
  /** All lists as they would be with the candidates, which have these names; absent without one. */
  readonly candidate?: Pick<Checked, "strings" | "patterns" | "cost"> & { readonly lists: readonly string[] };
}

export interface Cost {
  /** Bytes of the tables in the kernel. */
  readonly tableBytes: number;
  /** Of all patterns together. */
  readonly table: { readonly states: number; readonly bytes: number } | null;
  readonly bits: { readonly words: number; readonly edges: number } | null;
  /** By place: of each pattern alone. */
  readonly patterns: Readonly<Record<string, PatternCost>>;
}

/** @returns the exit status: 3 when something is found of the level that was asked for, or of a worse one; else 0. */
export function check(
  options: CheckOptions,
  write: (text: string) => void = (text) => process.stdout.write(text),
): number {
  const checked = examine(options);
  const shown = options.showStrings ? checked : { ...checked, findings: checked.findings.map(withoutExample) };
  write(options.json ? `${JSON.stringify(shown, null, 2)}\n` : render(shown));
  const worst = FINDING_LEVELS.indexOf(options.failOn);
  return checked.findings.some(({ level }) => FINDING_LEVELS.indexOf(level) <= worst) ? 3 : 0;
}

function examine(options: CheckOptions): Checked {
  let lists: BothLists;
  try {
    lists = loadBoth(options);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { findings: error.problems.map(unreadable), strings: 0, patterns: 0, cost: null };
  }
  const inForce = examineRules(lists.inForce, options);
  if (lists.candidate === null) return inForce;
  // As they would be if it were in force; of the others everything has been said.
  const names = lists.candidateLists.map(({ list }) => list);
  const isOfCandidate = ({ place }: PlacedFinding) => names.some((name) => place.startsWith(`${name}[`));
  const candidate = examineRules(lists.candidate, options);
  return {
    ...inForce,
    findings: [...inForce.findings, ...candidate.findings.filter(isOfCandidate)],
    candidate: { lists: names, strings: candidate.strings, patterns: candidate.patterns, cost: candidate.cost },
  };
}

function examineRules(rules: Rules, options: CheckOptions): Checked {
  const placeOf = (of: "strings" | "allow", index: number) => `${rules[of][index]!.list}[${rules[of][index]!.index}]`;
  const placed =
    (kind: "string" | "pattern") =>
    (finding: Finding): PlacedFinding => {
      const { index, other, ...rest } = finding;
      const place = placeOf(kind === "string" ? "strings" : "allow", index);
      return { kind, place, ...rest, ...(other === undefined ? {} : { other: placeOf("strings", other) }) };
    };
  const patterns = rules.allow.map(({ source }, index) => ({ source, spares: whoseStrings(rules, index) }));
  const alone = lintPatterns(patterns);
  const { cost, noRoom } = costOrNone(() => costOf(rules, placeOf));
  return {
    findings: [
      ...noRoom.map(placed("string")),
      ...(noRoom.length > 0 ? [] : lintStrings(rules.strings)).map(placed("string")),
      ...(noRoom.length > 0 ? [] : lintByLines(rules.strings, options.benign.flatMap(readBenignLines))).map(
        placed("string"),
      ),
      ...lintWallets(rules.wallets ?? []),
      ...lintEnvironment(rules),
      ...alone.map(placed("pattern")),
      ...withoutRoom(rules, new Set(alone.filter(({ code }) => code === "too-large").map(({ index }) => index))).map(
        placed("pattern"),
      ),
    ],
    strings: rules.strings.length,
    patterns: rules.allow.length,
    cost,
  };
}

function costOrNone(costOfAll: () => Cost): { readonly cost: Cost | null; readonly noRoom: readonly Finding[] } {
  try {
    return { cost: costOfAll(), noRoom: [] };
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    const problem = `the kernel has no room for it: ${error.problem}`;
    return { cost: null, noRoom: [{ level: "error", code: "too-large", index: error.index, problem }] };
  }
}

function unreadable({ file, place, expected, got, hint }: ConfigError["problems"][number]): PlacedFinding {
  const where = [file, place].filter((part) => part !== "").join(": ");
  return {
    kind: "config",
    level: "error",
    code: "unreadable",
    place: where,
    problem: `expected ${expected}, got ${got}`,
    ...(hint === undefined ? {} : { hint }),
  };
}

/** Honest lines have addresses: what kills for one wants a place where nobody has. */
function lintWallets(wallets: readonly Rule[]): PlacedFinding[] {
  const findings: PlacedFinding[] = [];
  const first = new Map<string, string>();
  for (const { list, index, wallet = "", action, scope = SCOPE.any } of wallets) {
    const place = `${list}.wallets[${index}]`;
    const coin = `${wallet} ${scope}`;
    const before = first.get(coin);
    first.set(coin, before ?? place);
    if (before !== undefined)
      findings.push({
        ...{ kind: "wallet", level: "warning", code: "same-coin", place, other: before },
        problem: "another rule has this coin in the same scope: one of the two says what happens",
        hint: "leave one of them",
      });
    if (action === "enforce" && scope !== SCOPE.containers)
      findings.push({
        ...{ kind: "wallet", level: "warning", code: "honest-addresses", place },
        problem: "kills on the node itself too, and wallets, nodes and explorers have addresses on their command lines",
        hint: 'leave it at "audit" until the log is known, or give it "scope": "containers"',
      });
  }
  return findings;
}

/** What a shell or a service of the node inherits kills it, and everything that it starts. */
function lintEnvironment({ strings, wallets = [] }: Rules): PlacedFinding[] {
  return [...strings, ...wallets]
    .filter(
      ({ environment, action, scope }) => environment === true && action === "enforce" && scope !== SCOPE.containers,
    )
    .map((rule) => ({
      ...{ kind: rule.wallet === undefined ? "string" : "wallet", level: "warning", code: "inherited" },
      place: placeOfRule(rule),
      problem:
        "kills on the node itself each program whose environment has it, and every program inherits its environment",
      hint: 'leave it at "audit" until the log is known, or give it "scope": "containers"',
    }));
}

function whoseStrings({ strings, wallets = [], allow, allowSets }: Rules, index: number): "nothing" | "own" | "others" {
  const lists = new Set(
    [...strings, ...wallets]
      .filter(({ allowSet }) => allowSet > 0 && allowSets[allowSet - 1]!.includes(index))
      .map(({ list }) => list),
  );
  if (lists.size === 0) return "nothing";
  return [...lists].some((list) => list !== allow[index]!.list) ? "others" : "own";
}

/** Patterns that fit alone, and not beside the others. */
function withoutRoom({ allow, allowSets }: Rules, alone: ReadonlySet<number>): Finding[] {
  const sources = allow.map(({ source }) => source);
  return compileAllow(sources, allowSets)
    .refused.filter(({ pattern }) => !alone.has(pattern))
    .map(({ pattern, expected, got, hint }) => ({
      level: "error",
      code: "too-large",
      index: pattern,
      problem: `the kernel has no room for it: expected ${expected}, got ${got}`,
      hint,
    }));
}

/** @throws CompileError for a string that the kernel has no room for. */
function costOf(rules: Rules, placeOf: (of: "allow", index: number) => string): Cost {
  const allow = compileAllow(
    rules.allow.map(({ source }) => source),
    rules.allowSets,
  );
  const { filters, cells, allow: automata } = compileTables(rules.strings, { allow });
  const environment = environmentTables(rules.strings, rules.wallets ?? [], {});
  const { table, nfa } = allow;
  const sum = (of: "words" | "edges") =>
    nfa?.blocks.reduce((all, block) => all + (of === "words" ? block.words : block.edges.length), 0) ?? 0;
  return {
    tableBytes: [filters, cells, automata, environment?.filters, environment?.cells].reduce(
      (sum, table) => sum + (table?.length ?? 0),
      0,
    ),
    table: table && { states: table.stateCount, bytes: table.next.byteLength },
    bits: nfa && { words: sum("words"), edges: sum("edges") },
    patterns: Object.fromEntries(rules.allow.map(({ source }, i) => [placeOf("allow", i), patternCost(source)])),
  };
}

function withoutExample(finding: PlacedFinding): PlacedFinding {
  if (finding.kind === "pattern") return finding;
  const { example: _, ...rest } = finding;
  return rest;
}

function render({ findings, strings, patterns, cost, candidate }: Checked): string {
  const lines = findings.flatMap(({ level, kind, code, place, problem, other, hint, example }) => [
    `${level} ${kind} ${place}: ${problem}${other === undefined ? "" : `: ${other}`} [${code}]`,
    ...(example === undefined || example === "" ? [] : [`  for example: ${printable(example)}`]),
    ...(hint === undefined ? [] : [`  hint: ${hint}`]),
  ]);
  for (const [place, { table, bits }] of Object.entries(cost?.patterns ?? {})) {
    // What is small is of no interest.
    if (bits !== null) lines.push(`cost pattern ${place}: walked as bits, ${bits.words} words and ${bits.edges} edges`);
    else if (table !== null && table.states > SMALL_STATES)
      lines.push(`cost pattern ${place}: ${table.states} states, ${table.bytes} bytes`);
  }
  const count = (level: FindingLevel) => findings.filter((finding) => finding.level === level).length;
  const found = FINDING_LEVELS.map(
    (level) => `${count(level)} ${level}${count(level) === 1 || level === "info" ? "" : "s"}`,
  );
  const inKernel = cost === null ? "" : `; ${Math.ceil(cost.tableBytes / 1024)} KiB in the kernel${automata(cost)}`;
  const beside =
    candidate === undefined
      ? []
      : [
          `with the candidate ${candidate.lists.join(", ")}: ${candidate.strings} strings, ${candidate.patterns} patterns`,
        ];
  return [...lines, `${strings} strings, ${patterns} patterns: ${found.join(", ")}${inKernel}`, ...beside, ""].join(
    "\n",
  );
}

const SMALL_STATES = 256;

function automata({ table, bits }: Cost): string {
  const states = table === null ? "" : `, a table of ${table.states} states in ${Math.ceil(table.bytes / 1024)} KiB`;
  return bits === null ? states : `${states}, ${bits.words} words of bits`;
}

/** A terminal must not obey what a pattern may match. */
function printable(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (char) => `\\u{${char.codePointAt(0)!.toString(16)}}`);
}
