// One look at one process: read, judged, and killed if it is banned.
import { ALL_SCOPES, NARROW_SCOPES, scopesIn } from "@cryptnono/matcher";
import { AREA_PIECE_BYTES, type AreaPiece } from "@cryptnono/native";
import type { Killer } from "../../../kill/index.js";
import { hasEnded, isDead, type ProcFiles, type ProcStat, parseStat, placeOf, ticksToNs } from "../../../proc/index.js";
import type { CgroupIdentity } from "../../../types.js";
import { decisionOf, outcomeOf, type Standing } from "../agent-outcome.js";
import type { Decision, Source } from "../metrics.js";
import type { Held } from "../narrow/held.js";
import type { NarrowScope } from "../narrow/scope.js";
import { ruleByNumber } from "../rules.js";
import type { Outcome, Report } from "../types.js";
import type { ExecMemory, SparedAtExec } from "./exec-memory.js";
import { factsOf } from "./facts.js";
import { Judged, type JudgedState } from "./judged.js";
import { MAX_AREA_BYTES, readHead } from "./line.js";
import { Silence } from "./silence.js";
import { type Found, type ListInForce, type Spending, verdictOn } from "./verdict.js";

export interface LookDependencies {
  readonly proc: ProcFiles;
  readonly list: () => ListInForce;
  readonly memory: ExecMemory;
  /** Since when each exec is judged by the kernel, in nanoseconds since boot. */
  readonly guardedSinceNs: bigint;
  readonly kill: Killer;
  /** Takes over the look-up of the container and the log. */
  readonly report: (report: Report) => void;
  /** Whether this was not said of this process before; for what is no event but a state. */
  readonly isFirst: (report: Report) => boolean;
  /** Takes what the candidate would do otherwise: `would-kill` or `would-live`. */
  readonly compared?: (report: Report) => void;
  /** Which narrow scopes of the list hold in a cgroup; none when left out. */
  readonly held?: (cgroup: CgroupIdentity, narrow: readonly NarrowScope[]) => Promise<Held>;
  readonly count: LookCounts;
  readonly selfPid?: number;
  readonly nowNs?: () => bigint;
}

/** The part of the metrics that a look feeds. */
export interface LookCounts {
  scanned(): void;
  decided(source: Source, decision: Decision): void;
  scanFailed(why: "vanished" | "unreadable" | "stuck"): void;
}

/** What a look came to, for whoever decides what to look at next. */
export interface Looked {
  /** About how long it took, in milliseconds of a CPU: by what was done, as a clock would count other work too. */
  readonly costMs: number;
  readonly isStuck: boolean;
  /** null: there is no such process, or it is none to be looked at. */
  readonly stat: ProcStat | null;
}

const SOURCE: Source = "psutil.process_iter";
/** Of a process without memory, or with memory that may not be looked at. */
const UNKNOWN_IMAGE = "0 0";
/** A process that rewrites its arguments all the time is judged by what was read last. */
const MAX_READS = 3;
/** Of a process whose first thread has ended, threads that are asked for another. */
const MAX_THREADS = 64;
/** Longest arguments that are held against those at exec, for a moment. */
const MAX_COMPARED_BYTES = 2 ** 20;

/** Measured with 6,100 strings, in milliseconds: a read with its child, a name looked up; then by byte. */
const READ_MS = 0.3;
const NAME_MS = 0.3;
const HASHED_MS = 1.5 / 2 ** 20;
const SEARCHED_MS = 40 / 2 ** 20;
/** One that gives no answer costs no CPU, but everyone else's time. */
const STUCK_MS = 250;

/** Looks at processes, and remembers what it has judged. Several looks may be under way. */
export class Looker {
  readonly #dependencies: LookDependencies;
  readonly #judged = new Judged<Decision>();
  readonly #silence: Silence;
  readonly #lookedAt = new Set<number>();
  /**
   * Images of processes that are older than the guard; null before they are learnt. What these have forked since was not judged
   * at exec either, and one that has executed something since has another image, which was.
   */
  #oldImages: ReadonlySet<string> | null = null;

  constructor(dependencies: LookDependencies, silence = new Silence()) {
    this.#dependencies = dependencies;
    this.#silence = silence;
  }

  /** Learn which images are older than the guard, by all processes that there are soon after it began. Done once. */
  learn(stats: Iterable<ProcStat>): void {
    if (this.#oldImages !== null) return;
    const images = new Set([UNKNOWN_IMAGE]);
    for (const stat of stats) if (this.#beganBefore(stat)) images.add(stat.image);
    this.#oldImages = images;
  }

  /** Forget what is known of processes that are no more. */
  keep(alive: ReadonlySet<number>): void {
    this.#judged.keep(alive);
    this.#silence.keep(alive);
  }

  /**
   * A process that cannot be read is counted.
   *
   * @throws what is a fault of ours.
   */
  async look(pid: number): Promise<Looked> {
    const { proc, count, selfPid = process.pid } = this.#dependencies;
    const cost = new Cost();
    let stat: ProcStat | null = null;
    const looked = (isStuck = false): Looked => ({ costMs: cost.ms, isStuck, stat });
    // The scan and the sweep may come upon one process at one time.
    if (pid === selfPid || this.#lookedAt.has(pid)) return looked();
    this.#lookedAt.add(pid);
    try {
      const read = parseStat(proc.read(pid, "stat"));
      // The agent's children have its own command line, until they execute something.
      if (read === null || read.isKernelThread || isDead(read) || read.ppid === selfPid) return looked();
      stat = read;
      if (this.#silence.holds(pid, stat.startTicks)) {
        count.scanFailed("stuck");
        return looked(true);
      }
      await this.#judge(pid, stat, cost);
      this.#silence.broken(pid);
      return looked();
    } catch (error) {
      const why = reasonOf(error);
      if (why === null) throw error;
      count.scanFailed(why);
      if (why === "vanished") stat = null;
      if (why !== "stuck") return looked();
      cost.stuck();
      this.#silence.heard(pid, stat?.startTicks ?? 0);
      return looked(true);
    } finally {
      this.#lookedAt.delete(pid);
    }
  }

  #beganBefore({ startTicks }: ProcStat): boolean {
    return ticksToNs(startTicks) < this.#dependencies.guardedSinceNs;
  }

  async #judge(pid: number, stat: ProcStat, cost: Cost): Promise<void> {
    const { proc, memory, count, list, nowNs = process.hrtime.bigint } = this.#dependencies;
    const startNs = nowNs();
    const startTimeNs = ticksToNs(stat.startTicks);
    // A process goes on when its first thread has ended, but only the others still have memory and executable.
    const task = hasEnded(stat) ? liveThread(pid, proc) : pid;
    const exe = readExe(task, proc);
    const isOld = this.#oldImages?.has(stat.image) ?? this.#beganBefore(stat);
    const inForce = list();
    const readArea = async (): Promise<AreaPiece> => {
      const area = await proc.area(task, 0, MAX_AREA_BYTES, 0n);
      cost.read(area.length);
      return area;
    };
    let area = await readArea();
    count.scanned();
    if (area.length === 0 && stat.argumentBytes > 0) count.scanFailed("unreadable");
    const environment = inForce.judgeEnvironment ? await this.#readEnvironment(task, cost) : null;
    for (let reads = 1; ; reads++) {
      const spared = memory.spared(pid, startTimeNs, stat.image);
      // What was executed under the guard has been judged by its path there: a link's target is no part of its line.
      const isPathSearched = isOld && spared === null && exe !== null;
      const stateOf = (bytes: number, hash: bigint): JudgedState => ({
        startTicks: stat.startTicks,
        generation: inForce.generation,
        bytes,
        hash,
        exe: isPathSearched ? Buffer.from(exe).toString("latin1") : "",
        environment: environment?.hash ?? 0n,
      });
      const before = this.#judged.get(pid, stateOf(area.length, area.hash));
      if (before !== null) return count.decided(SOURCE, before);
      if (spared?.generation === inForce.generation && !(await hasChanged(task, area, spared, proc))) {
        this.#judged.set(pid, stateOf(area.length, area.hash), "allowed-pattern");
        return count.decided(SOURCE, "allowed-pattern");
      }
      const line = await readHead(task, area, proc);
      const variables = environment === null ? null : await readHead(task, environment, proc, "environment");
      const place = inForce.isScoped ? placeOf(task, proc) : null;
      const mayBeNarrow = place === "containers" && (inForce.rules.narrow ?? []).length > 0;
      let scopes = place === null ? ALL_SCOPES : scopesIn(place) | (mayBeNarrow ? NARROW_SCOPES : 0);
      const subject = { task, line, environment: variables, exe, isPathSearched, spared };
      const foundBy = async (list: ListInForce) =>
        bound(await verdictOn({ ...subject, scopes, list }, proc, cost), spared, inForce);
      let found = await foundBy(inForce);
      // Whose container it is matters for the few in which something stands.
      const held = mayBeNarrow && found.verdict.kind !== "none" ? await this.#held(task, inForce) : null;
      if (held !== null) {
        scopes = scopesIn("containers", held.scopes);
        found = await foundBy(inForce);
      }
      const { verdict } = found;
      const isDeadly = verdict.kind === "banned" && verdict.rule.action === "enforce" && !found.isUnverified;
      if (isDeadly && reads < MAX_READS) {
        const again = await readArea();
        if (again.hash !== area.hash) {
          area = again;
          continue;
        }
      }
      const isUnjudged = held?.isJudged === false;
      const decision =
        verdict.kind === "none" ? "no-match" : this.#conclude(pid, stat, found, verdict, startNs, isUnjudged);
      if (decision === null) return count.scanFailed("unreadable");
      count.decided(SOURCE, decision);
      const { judgeCandidate } = inForce;
      if (judgeCandidate != null) this.#compare(pid, stat, found, await foundBy({ ...inForce, judge: judgeCandidate }));
      if (!isDeadly && !isUnjudged) this.#judged.set(pid, stateOf(found.line.totalBytes, found.line.hash), decision);
      return;
    }
  }

  /** Which narrow scopes hold where it is. */
  async #held(task: number, { rules: { narrow = [] } }: ListInForce): Promise<Pick<Held, "scopes" | "isJudged">> {
    const { proc, held } = this.#dependencies;
    if (held === undefined) return { scopes: [], isJudged: false };
    return held({ source: "proc", lines: Buffer.from(proc.read(task, "cgroup")).toString() }, narrow);
  }

  /** @returns null, counted, for one that cannot be read: the line is judged all the same. @throws StuckError */
  async #readEnvironment(task: number, cost: Cost): Promise<AreaPiece | null> {
    const { proc, count } = this.#dependencies;
    try {
      const area = await proc.environment(task, 0, MAX_AREA_BYTES, 0n);
      cost.read(area.length);
      return area;
    } catch (error) {
      if (reasonOf(error) !== "unreadable") throw error;
      count.scanFailed("unreadable");
      return null;
    }
  }

  /** Tells what the candidate finds and the lists in force do not, or the other way round. */
  #compare(pid: number, stat: ProcStat, inForce: Found, byCandidate: Found): void {
    const { proc, compared = () => {}, isFirst } = this.#dependencies;
    const isFound = ({ verdict, isUnverified }: Found) => verdict.kind === "banned" && !isUnverified;
    if (isFound(inForce) === isFound(byCandidate)) return;
    const found = isFound(inForce) ? inForce : byCandidate;
    if (found.verdict.kind === "none") return;
    const { rule } = found.verdict;
    const outcome: Outcome = isFound(inForce) ? { action: "would-live" } : { action: "would-kill", by: "candidate" };
    const told: Report = { source: SOURCE, process: factsOf(pid, stat, found, rule, proc), rule, outcome };
    if (isFirst(told)) compared(told);
  }

  /** Does what is to be done. @returns null when nothing was decided. */
  #conclude(
    pid: number,
    stat: ProcStat,
    found: Found,
    verdict: Standing,
    startNs: bigint,
    isUnjudged: boolean,
  ): Decision | null {
    const { proc, kill, report, isFirst, nowNs = process.hrtime.bigint } = this.#dependencies;
    const facts = factsOf(pid, stat, found, verdict.rule, proc);
    const outcome = found.isUnverified ? null : outcomeOf(verdict, () => kill(pid, facts.startTimeNs));
    const told: Report = {
      source: SOURCE,
      process: facts,
      rule: verdict.rule,
      ...(outcome === null ? { outcome: { action: "let-go" }, because: "unreadable" } : { outcome }),
      ...(isUnjudged && isOutOfScope(verdict) ? { because: "container-unknown" } : {}),
      latencyNs: nowNs() - startNs,
      ...(verdict.environment === undefined ? {} : { environment: verdict.environment }),
    };
    const isEvent = verdict.kind === "banned" && verdict.rule.action === "enforce" && !found.isUnverified;
    if (isEvent || isFirst(told)) report(told);
    return outcome === null ? null : decisionOf(outcome);
  }
}

function isOutOfScope(verdict: Standing): boolean {
  return verdict.kind === "spared" && verdict.allowedBy === "out-of-scope";
}

/** By what was done. */
class Cost implements Spending {
  ms = 0;

  read(bytes: number): void {
    this.ms += READ_MS + bytes * HASHED_MS;
  }

  searched(bytes: number): void {
    this.ms += bytes * SEARCHED_MS;
  }

  lookedUp(): void {
    this.ms += NAME_MS;
  }

  stuck(): void {
    this.ms += STUCK_MS;
  }
}

/** Whether the arguments are others than at exec. */
async function hasChanged(task: number, first: AreaPiece, spared: SparedAtExec, proc: ProcFiles): Promise<boolean> {
  if (first.length <= first.bytes.length) return spared.hasChanged(first.bytes);
  if (first.length > MAX_COMPARED_BYTES) return true;
  const pieces = [first.bytes];
  for (let from = first.bytes.length; from < first.length; from += AREA_PIECE_BYTES) {
    pieces.push((await proc.area(task, from, AREA_PIECE_BYTES, 0n)).bytes);
  }
  return spared.hasChanged(Buffer.concat(pieces));
}

/** What exec spared stays spared: other arguments by now do not make those strings banned that its patterns are for. */
function bound(found: Found, spared: SparedAtExec | null, { generation, rules }: ListInForce): Found {
  const { verdict } = found;
  if (verdict.kind !== "banned" || spared?.generation !== generation) return found;
  const pattern = rules.allow[spared.patternId];
  const allowSet = ruleByNumber(rules, spared.stringId)?.allowSet;
  if (pattern === undefined || verdict.rule.allowSet === 0 || verdict.rule.allowSet !== allowSet) return found;
  return { ...found, verdict: { kind: "spared", rule: verdict.rule, allowedBy: { pattern } } };
}

function liveThread(pid: number, proc: ProcFiles): number {
  return (
    proc.threads(pid, MAX_THREADS).find((thread) => {
      const stat = parseStat(proc.read(thread, "stat"));
      return stat !== null && !hasEnded(stat);
    }) ?? pid
  );
}

const DELETED = " (deleted)";

/** @returns null for a process that has none, or hides it behind a path that is too long. */
function readExe(pid: number, proc: ProcFiles): Uint8Array | null {
  let exe: Uint8Array;
  try {
    exe = proc.exe(pid);
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT" || code === "EACCES" || code === "ENAMETOOLONG") return null;
    throw error;
  }
  const isDeleted = Buffer.from(exe.subarray(-DELETED.length)).toString("latin1") === DELETED;
  return isDeleted ? exe.subarray(0, -DELETED.length) : exe;
}

/** Only these say that a process is gone: EMFILE, for example, is a fault on this side. */
function reasonOf(error: unknown): "vanished" | "unreadable" | "stuck" | null {
  const code = codeOf(error);
  if (code === null) return null;
  if (code === "ENOENT" || code === "ESRCH") return "vanished";
  return code === "STUCK" ? "stuck" : "unreadable";
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : null;
}
