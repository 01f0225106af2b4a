// Execs in containers of which the kernel was not told which narrow scopes hold there: it let them go and asks. Judged here, by
// what the kernel saw, and killed by pidfd.
import { isPlainPath, scopesIn } from "@cryptnono/matcher";
import type { Killer } from "../../../kill/index.js";
import { decisionOf, outcomeOf, type Standing } from "../agent-outcome.js";
import type { Decision } from "../metrics.js";
import type { ExecRecord } from "../record.js";
import type { CompiledRules } from "../rules.js";
import { ruleByNumber, weightOf } from "../rules.js";
import { linesUnder } from "../scan/names.js";
import type { JudgeVerdict, Report } from "../types.js";
import type { Held } from "./held.js";

export interface AskedParts {
  /** Those that hold in the record's container; the kernel is told too. Never rejects. */
  readonly held: (record: ExecRecord, list: CompiledRules) => Promise<Held>;
  /** What is in force. */
  readonly list: () => CompiledRules | null;
  readonly kill: Killer;
  readonly tell: (report: Report, sinceMs: number) => void;
  readonly decided: (decision: Decision) => void;
  /** A look at the process itself, for a line that the record does not hold whole. Never rejects. */
  readonly look: (pid: number) => Promise<void>;
  readonly judged: (as: AskedOutcome) => void;
}

export type AskedOutcome = "in-scope" | "out-of-scope" | "unknown" | "put-off";

/** That wait for their containers' names. What is more is judged by the sweep, a second after its start. */
const MOST_WAITING = 1024;

export class AskedExecs {
  readonly #parts: AskedParts;
  #waiting = 0;

  constructor(parts: AskedParts) {
    this.#parts = parts;
  }

  /** @param report - Of the record, whose outcome is not known yet. */
  async onAsked(record: ExecRecord, report: Omit<Report, "outcome">, sinceMs: number): Promise<void> {
    const { held: ask, list: inForce, judged, look } = this.#parts;
    const list = inForce();
    if (this.#waiting >= MOST_WAITING) {
      judged("put-off");
      return;
    }
    this.#waiting++;
    const held = list === null || list.generation !== record.generation ? null : await ask(record, list);
    this.#waiting--;
    // Another list is in force: by that one.
    if (held === null || list === null || list !== inForce()) return look(record.process.pid);
    judged(held.isJudged ? (held.scopes.length > 0 ? "in-scope" : "out-of-scope") : "unknown");
    const verdict = judgeRecord(record, list, held);
    if (verdict === null) return look(record.process.pid);
    if (verdict.kind !== "none") this.#conclude(record, report, verdict, held, sinceMs);
    else this.#parts.decided("no-match");
  }

  #conclude(
    { process: { pid, startTimeNs } }: ExecRecord,
    report: Omit<Report, "outcome">,
    verdict: Standing,
    { isJudged }: Held,
    sinceMs: number,
  ): void {
    const { kill, tell, decided } = this.#parts;
    const outcome = outcomeOf(verdict, () => kill(pid, startTimeNs));
    const isUnjudged = !isJudged && outcome.action === "spared" && outcome.allowedBy === "out-of-scope";
    const latencyNs = BigInt(Math.round((performance.now() - sinceMs) * 1e6));
    const { matched: _, ...rest } = report;
    const same = verdict.rule.list === report.rule?.list && verdict.rule.index === report.rule.index;
    const { matchOffset, ...elsewhere } = rest;
    tell(
      {
        ...(same ? rest : elsewhere),
        rule: verdict.rule,
        outcome,
        latencyNs,
        ...(isUnjudged ? { because: "container-unknown" as const } : {}),
      },
      sinceMs,
    );
    decided(decisionOf(outcome));
  }
}

/** @returns null when the record does not say enough. */
export function judgeRecord(record: ExecRecord, list: CompiledRules, held: Held): JudgeVerdict | null {
  const { process, changed, match } = record;
  const { path, exe, args, argsBytes } = process;
  const scopes = scopesIn("containers", held.scopes);
  const told = match === null ? null : ruleByNumber(list.rules, match.stringId);
  const isTold = told !== null && told.scope !== undefined && held.scopes.includes(told.scope);
  const isDeadly = isTold && told.action === "enforce" && !list.list.demoted.has(match!.stringId);
  // No pattern is asked about arguments that are not those that were to run.
  if (isDeadly && (changed || told.allowSet === 0))
    return { kind: "banned", rule: told.wallet === undefined ? told : { ...told, value: match!.bytes } };
  if (args.reduce((sum, { length }) => sum + length + 1, 0) < argsBytes) return null;
  const names = [...linesUnder(path, args), ...(exe === undefined ? [] : [[exe, ...args.slice(1)]])];
  const paths = [path, ...(exe === undefined || isPlainPath(path) ? [] : [exe])];
  const verdicts = paths.map((one) => list.judge({ path: one, args }, { names, scopes }));
  return verdicts.reduce((best, verdict) => (weightOf(verdict) > weightOf(best) ? verdict : best));
}
