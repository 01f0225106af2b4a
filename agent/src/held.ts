// Processes that the kernel stopped at exec for user space to judge: read from /proc, judged, then killed or let run on.
import { constants } from "node:os";
import type { HeldProcess } from "@cryptnono/native";
import type { Killer, PidfdCalls } from "./kill/index.js";
import { isDead, nsToTicks, type ProcFiles, parseStat } from "./proc/index.js";
import { contractLine, type Decision } from "./report/index.js";
import { type CompiledRules, type ExecRecord, splitArea } from "./sensor/index.js";
import type { Outcome, ProcessFacts, Report, Rule, Source } from "./types.js";

export interface HeldDependencies {
  readonly proc: ProcFiles;
  readonly kill: Killer;
  readonly pidfd: PidfdCalls;
  /** The rules in force. */
  readonly rules: () => CompiledRules;
  readonly decided: (source: Source, decision: Decision) => void;
  /** The kernel need not remember it any more. */
  readonly release: (pid: number) => void;
}

/**
 * Judges one held process; resolves with what is to be told of it. `rule` is what the kernel found before it held, if it
 * found anything and the list is still known.
 */
export type HeldJudge = (held: HeldProcess, record: ExecRecord | null, rule: Rule | null) => Promise<Report | null>;

const SOURCE: Source = "execwhacker.bpf";

/**
 * @returns a judge that leaves no process stopped: what cannot be read is killed, as a banned string may stand in it.
 */
export function createHeldJudge(dependencies: HeldDependencies): HeldJudge {
  const { proc, kill, pidfd, rules, decided, release } = dependencies;

  return async (held, record, rule) => {
    try {
      if (!isSame(held)) return gone(record, rule);
      return await judge(held, record);
    } catch {
      return unread(record, rule, end(held));
    } finally {
      release(held.pid);
    }
  };

  /** It ended before its verdict, killed by someone else: a miss if a banned string was found. */
  function gone(record: ExecRecord | null, rule: Rule | null): Report | null {
    if (record === null || record.match === null) return null;
    decided(SOURCE, "missed");
    return unread(record, rule, { action: "missed-kill" });
  }

  /** What is told when the process itself could not be asked: the kernel's word. */
  function unread(record: ExecRecord | null, rule: Rule | null, outcome: Outcome): Report | null {
    if (record === null) return null;
    const matched = rule === null && record.match !== null ? { matched: record.match.bytes } : {};
    return { source: SOURCE, process: record.process, rule, ...matched, outcome };
  }

  async function judge(held: HeldProcess, record: ExecRecord | null): Promise<Report | null> {
    const { pid } = held;
    const area = await proc.cmdline(pid);
    // It has not run yet, so each argument still ends with its NUL.
    const args = splitArea(area.subarray(0, -1));
    const known = record === null ? null : factsOf(record);
    const path = known?.path ?? proc.link(pid, "exe");
    const shown = known === null ? args.slice(1) : contractLine({ ...known, args }).slice(1);
    const verdict = rules().judge({ path, args }, shown);
    if (verdict.kind === "none") {
      resume(held);
      decided(SOURCE, "no-match");
      return null;
    }
    const isDeadly = verdict.kind === "banned" && verdict.rule.action === "enforce";
    const outcome = isDeadly ? end(held) : letRun(held, verdict);
    if (known === null) return null;
    // What the kernel captured was cut; this is whole.
    const { context: _, ...facts } = known;
    return { source: SOURCE, process: { ...facts, args, argsBytes: area.length }, rule: verdict.rule, outcome };
  }

  /** Of an exec at which its program was skipped, the kernel tells no more than the process; the rest is in /proc. */
  function factsOf({ process }: ExecRecord): ProcessFacts {
    if (process.path.length > 0) return process;
    const lines = Buffer.from(proc.read(process.pid, "cgroup")).toString();
    return { ...process, path: proc.link(process.pid, "exe"), cgroup: { source: "proc", lines } };
  }

  function end({ pid, startTimeNs }: HeldProcess): Outcome {
    const result = kill(pid, startTimeNs);
    if (result.kind === "killed") {
      decided(SOURCE, "killed");
      return { action: "killed", by: "agent" };
    }
    if (result.kind === "missed") {
      decided(SOURCE, "missed");
      return { action: "missed-kill" };
    }
    decided(SOURCE, "kill-failed");
    return { action: "kill-failed", errno: result.kind === "failed" ? result.errno : constants.errno.EPERM };
  }

  function letRun(
    held: HeldProcess,
    verdict: Exclude<ReturnType<CompiledRules["judge"]>, { readonly kind: "none" }>,
  ): Outcome {
    resume(held);
    if (verdict.kind === "banned") {
      decided(SOURCE, "would-kill");
      return { action: "would-kill" };
    }
    decided(SOURCE, verdict.allowedBy === "is-substring" ? "is-substring" : "allowed-pattern");
    return { action: "spared", allowedBy: verdict.allowedBy };
  }

  function resume(held: HeldProcess): void {
    let fd: number;
    try {
      fd = pidfd.pidfdOpen(held.pid);
    } catch {
      return; // gone
    }
    try {
      if (isSame(held)) pidfd.pidfdSendSignal(fd, constants.signals.SIGCONT);
    } finally {
      pidfd.close(fd);
    }
  }

  function isSame({ pid, startTimeNs }: HeldProcess): boolean {
    try {
      const stat = parseStat(proc.read(pid, "stat"));
      // Dead and not waited for, it still has its number, but no arguments any more.
      return stat !== null && !isDead(stat) && stat.startTicks === nsToTicks(startTimeNs);
    } catch {
      return false;
    }
  }
}
