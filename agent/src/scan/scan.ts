// The search among processes that are running already: those older than the sensor, and those that rewrote their arguments.
import type { CommandLine } from "@cryptnono/matcher";
import type { Killer } from "../kill/index.js";
import {
  hasEnded,
  isDead,
  MAX_CMDLINE_BYTES,
  type ProcFiles,
  type ProcStat,
  parseStat,
  ticksToNs,
} from "../proc/index.js";
import type { JudgeVerdict, Outcome, ProcessFacts, Report, Source } from "../types.js";
import { splitArguments } from "./arguments.js";
import { type HonestLine, honestLines } from "./honest-names.js";

export interface ScanDependencies {
  readonly proc: ProcFiles;
  readonly judge: (line: CommandLine) => JudgeVerdict;
  readonly kill: Killer;
  /** Takes over the look-up of the container and the log. */
  readonly report: (report: Report) => void;
  /** Whether this was not said of this process before; for what is no event but a state. */
  readonly isFirst: (report: Report) => boolean;
  readonly count: ScanCounts;
  readonly selfPid?: number;
  readonly nowNs?: () => bigint;
}

/** The part of the metrics that a scan feeds. */
export interface ScanCounts {
  scanned(): void;
  decided(
    source: Source,
    decision: "killed" | "missed" | "kill-failed" | "would-kill" | "is-substring" | "allowed-pattern" | "no-match",
  ): void;
  scanFailed(why: "vanished" | "unreadable" | "stuck"): void;
}

const SOURCE: Source = "psutil.process_iter";
/** A process that rewrites its arguments all the time is judged by what was read last. */
const MAX_READS = 3;

/**
 * Judge every process once, and kill what is banned. Other work of the agent goes on between any two processes. A process that
 * cannot be read is counted, and the scan goes on.
 *
 * @param isStopped - Asked before each process.
 * @throws What was no fault of reading, once all other processes have been judged.
 */
export async function scanProcesses(
  dependencies: ScanDependencies,
  isStopped: () => boolean = () => false,
): Promise<void> {
  const { proc, count, selfPid = process.pid } = dependencies;
  let fault: unknown = null;
  for (const pid of proc.pids()) {
    if (isStopped()) return;
    if (pid === selfPid) continue;
    try {
      await scanProcess(pid, dependencies);
    } catch (error) {
      const why = reasonOf(error);
      if (why === null) fault ??= error;
      else count.scanFailed(why);
    }
  }
  if (fault !== null) throw fault;
}

async function scanProcess(pid: number, dependencies: ScanDependencies): Promise<void> {
  const { proc, judge, count, nowNs = process.hrtime.bigint } = dependencies;
  const startNs = nowNs();
  const stat = readStat(pid, proc);
  if (stat === null || stat.isKernelThread || isDead(stat)) return;
  // A process goes on when its first thread has ended, but only the others still have memory and executable.
  const task = hasEnded(stat) ? liveThread(pid, proc) : pid;
  const exe = readExe(task, proc);
  let area = await proc.cmdline(task);
  count.scanned();
  for (let reads = 1; ; reads++) {
    const args = splitArguments(area);
    // A process that hides its executable is judged by the name it gives itself.
    const path = exe ?? args[0] ?? new Uint8Array(0);
    const verdict = judge({ path, args });
    if (verdict.kind === "none") {
      count.decided(SOURCE, "no-match");
      return;
    }
    const finding = await underItsNames(task, path, args, verdict, dependencies);
    const again = await proc.cmdline(task);
    if (reads < MAX_READS && Buffer.compare(again, area) !== 0) {
      area = again;
      continue;
    }
    conclude(pid, stat, { ...finding, isCut: area.length >= MAX_CMDLINE_BYTES }, startNs, dependencies);
    return;
  }
}

interface Finding {
  readonly line: HonestLine;
  /** All of the process's arguments, `argv[0]` first. */
  readonly args: readonly Uint8Array[];
  readonly verdict: Exclude<JudgeVerdict, { kind: "none" }>;
  readonly isCut?: boolean;
}

/** A banned process is spared when it is under any of its true names; the first of them is shown. */
async function underItsNames(
  pid: number,
  path: Uint8Array,
  args: readonly Uint8Array[],
  verdict: Finding["verdict"],
  { proc, judge }: ScanDependencies,
): Promise<Finding> {
  const lines = await honestLines(pid, path, args, proc);
  if (verdict.kind === "banned") {
    for (const line of lines) {
      const other = judge(line);
      if (other.kind === "spared" && other.allowedBy !== "is-substring") return { line, args, verdict: other };
    }
  }
  return { line: lines[0] ?? { path, args }, args, verdict };
}

function conclude(
  pid: number,
  stat: ProcStat,
  finding: Finding,
  startNs: bigint,
  dependencies: ScanDependencies,
): void {
  const { count, isFirst, nowNs = process.hrtime.bigint } = dependencies;
  const facts = factsOf(pid, stat, finding, dependencies.proc);
  const outcome = outcomeOf(facts, finding.verdict, dependencies.kill);
  const latencyNs = nowNs() - startNs;
  count.decided(SOURCE, decisionOf(outcome));
  const report: Report = { source: SOURCE, process: facts, rule: finding.verdict.rule, outcome, latencyNs };
  const isState = outcome.action === "spared" || outcome.action === "would-kill";
  if (!isState || isFirst(report)) dependencies.report(report);
}

function outcomeOf({ pid, startTimeNs }: ProcessFacts, verdict: Finding["verdict"], kill: Killer): ScanOutcome {
  if (verdict.kind === "spared") return { action: "spared", allowedBy: verdict.allowedBy };
  if (verdict.rule.action === "audit") return { action: "would-kill" };
  const result = kill(pid, startTimeNs);
  if (result.kind === "killed") return { action: "killed", by: "agent" };
  if (result.kind === "missed") return { action: "missed-kill" };
  return { action: "kill-failed", errno: result.kind === "failed" ? result.errno : EPERM };
}

type ScanOutcome = Exclude<Outcome, { readonly action: "let-go" | "observed" }>;

/** Refused by the agent's own law. */
const EPERM = 1;

function decisionOf(outcome: ScanOutcome): Parameters<ScanCounts["decided"]>[1] {
  if (outcome.action === "missed-kill") return "missed";
  if (outcome.action !== "spared") return outcome.action;
  return outcome.allowedBy === "is-substring" ? "is-substring" : "allowed-pattern";
}

function factsOf(pid: number, stat: ProcStat, { line, args, isCut }: Finding, proc: ProcFiles): ProcessFacts {
  const uid = /^Uid:\s+(\d+)/m.exec(readText(pid, "status", proc))?.[1];
  const shownBytes = args.reduce((sum, { length }) => sum + length + 1, 0);
  return {
    pid,
    ppid: stat.ppid,
    uid: Number(uid ?? 0),
    startTimeNs: ticksToNs(stat.startTicks),
    path: line.path,
    ...(line.interpreter === undefined ? {} : { interpreter: line.interpreter }),
    args,
    argsBytes: isCut === true ? shownBytes + 1 : shownBytes,
    comm: stat.comm,
    parentComm: parentComm(stat.ppid, proc),
    cgroup: { source: "proc", lines: readText(pid, "cgroup", proc) },
  };
}

/** Facts that only adorn the report: without them it is still worth having, above all its kill. */
function readText(pid: number, name: "status" | "cgroup", proc: ProcFiles): string {
  try {
    return Buffer.from(proc.read(pid, name)).toString();
  } catch {
    return "";
  }
}

function parentComm(ppid: number, proc: ProcFiles): Uint8Array {
  try {
    return parseStat(proc.read(ppid, "stat"))?.comm ?? new Uint8Array(0);
  } catch {
    return new Uint8Array(0);
  }
}

function readStat(pid: number, proc: ProcFiles): ProcStat | null {
  return parseStat(proc.read(pid, "stat"));
}

function liveThread(pid: number, proc: ProcFiles): number {
  return (
    proc.threads(pid).find((thread) => {
      const stat = readStat(thread, proc);
      return stat !== null && !hasEnded(stat);
    }) ?? pid
  );
}

const DELETED = " (deleted)";

function readExe(pid: number, proc: ProcFiles): Uint8Array | null {
  try {
    const exe = proc.link(pid, "exe");
    const isDeleted = Buffer.from(exe.subarray(-DELETED.length)).toString("latin1") === DELETED;
    return isDeleted ? exe.subarray(0, -DELETED.length) : exe;
  } catch {
    return null;
  }
}

function reasonOf(error: unknown): "vanished" | "unreadable" | "stuck" | null {
  const code = error instanceof Error && "code" in error ? error.code : null;
  if (code === null) return null;
  if (code === "ENOENT" || code === "ESRCH") return "vanished";
  return code === "STUCK" ? "stuck" : "unreadable";
}
