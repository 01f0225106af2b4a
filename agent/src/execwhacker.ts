// The detector put together: config, sensor, scan, containers, log and metrics, from start to the last flushed line.
import { readFileSync, readlinkSync } from "node:fs";
import { constants } from "node:os";
import { PatternError, parsePattern, type Way } from "@cryptnono/matcher";
import { type HeldProcess, pidfd } from "@cryptnono/native";
import { type ConfigWatch, loadConfig, type PatternFault, watchConfig } from "./config/index.js";
import { UnsupportedError } from "./errors.js";
import { createKiller } from "./kill/index.js";
import { nsToTicks, openProc, parseStat } from "./proc/index.js";
import {
  contractLine,
  createFormatter,
  createMetrics,
  type Decision,
  type Endpoint,
  type Level,
  LineWriter,
  SpareMemory,
  serveHealth,
  serveMetrics,
} from "./report/index.js";
import { repeat, scanProcesses } from "./scan/index.js";
import {
  type CompiledRules,
  compileRules,
  type ExecRecord,
  Guard,
  runSelfTest,
  SELF_TEST_LIST,
  selfTestRule,
  splitArea,
} from "./sensor/index.js";
import type { ContainerLookup, ContainerResult, Outcome, Report, Rules } from "./types.js";

export interface ExecwhackerOptions {
  readonly config: readonly string[];
  readonly mode: "enforce" | "audit";
  readonly debug: boolean;
  /** Seconds between scans of all processes; 0: none, not even at start. */
  readonly scanExisting: number;
  /** 0: no endpoint. */
  readonly serveMetricsPort: number;
  readonly healthPort: number;
  readonly lookupContainer: boolean;
  readonly pinDir: string | null;
  readonly unreadable: Way;
  readonly overLong: Way;
  readonly away: Exclude<Way, "hold">;
  /** 0: no limit but the kernel's own. */
  readonly maxScanBytes: number;
  /** Bytes; 0: the object's own. */
  readonly killRingBytes: number;
  readonly otherRingBytes: number;
  readonly scopePid: number;
  readonly metricsPrefix: string | undefined;
}

/** A running detector. */
export interface Execwhacker {
  reload(): void;
  /** Detach, write what is known, close. */
  stop(): Promise<void>;
}

const { SIGKILL, SIGCONT } = constants.signals;
/** Reports that wait for a container's name. A flood beyond it is logged without one. */
const MAX_PENDING_LOOKUPS = 4096;
/** How long the last lines may take at the end. */
const FLUSH_MS = 3000;
const SELF_TEST_EVERY_MS = 60_000;
/** The initial pid namespace's inode number (linux include/linux/proc_ns.h, PROC_PID_INIT_INO). */
const INITIAL_PID_NAMESPACE = "pid:[4026531836]";

/**
 * Start the detector; resolves when it guards.
 *
 * @throws ConfigError, NativeError, PinError, ListenError, UnsupportedError, with nothing left attached.
 */
export async function startExecwhacker(options: ExecwhackerOptions, objectFile: string): Promise<Execwhacker> {
  requireInitialPidNamespace();
  const selfTest = selfTestRule();
  const ways = {
    unreadable: options.unreadable,
    overLong: options.overLong,
    away: options.away,
    maxScanBytes: options.maxScanBytes,
  };
  // An agent's numbers must not be taken for those of the agent before it, whose events it may inherit.
  let generation = (Math.random() * 0x7fffffff) >>> 0;
  const watch = { current: null as ConfigWatch | null };
  let compiled = await load();

  const writer = new LineWriter();
  const formatter = createFormatter();
  const spares = new SpareMemory();
  let selfTestKills = 0n;
  let selfTestPassed = false;
  let refusal: string | null = null;
  const guard = new Guard({
    object: readObject(objectFile),
    pinDir: options.pinDir,
    scopePid: options.scopePid,
    reportAll: options.debug,
    killRingBytes: options.killRingBytes,
    otherRingBytes: options.otherRingBytes,
    abandonedSignal: options.away === "kill" ? SIGKILL : SIGCONT,
    onRecord: handle,
    onAbandoned: (held) => void finishHeld(held, null).catch(fault),
    onError: fault,
  });
  const metrics = createMetrics({
    ...(options.metricsPrefix === undefined ? {} : { prefix: options.metricsPrefix }),
    readCounters() {
      const counters = guard.counters();
      return counters === null ? null : { ...counters, killed: counters.killed - selfTestKills };
    },
    readDroppedLines: () => writer.dropped,
    isReady: () => readiness().ok,
    isAttached: () => guard.isAttached,
  });
  const proc = openProc();
  const kill = createKiller({ native: pidfd, readStat: (pid) => proc.read(pid, "stat") });
  let containers: ContainerLookup | null = null;
  let pendingLookups = 0;
  let inFlight: Promise<unknown> = Promise.resolve();
  let reloading: Promise<void> = Promise.resolve();

  try {
    guard.install(compiled);
    guard.attach();
    guard.start();
  } catch (error) {
    guard.close();
    throw error;
  }
  metrics.inForce(compiled.rules);
  const scan = repeat(options.scanExisting * 1000, runScan, fault);
  const endpoints: Endpoint[] = [];
  let selfTestTimer: NodeJS.Timeout | undefined;
  try {
    if (options.serveMetricsPort > 0) endpoints.push(await serveMetrics(options.serveMetricsPort, metrics.text));
    if (options.healthPort > 0) endpoints.push(await serveHealth(options.healthPort, readiness));
  } catch (error) {
    await scan.stop();
    guard.close();
    for (const endpoint of endpoints) await endpoint.close();
    throw error;
  }
  notice("info", "Guarding", {
    banned_strings: compiled.rules.strings.length - 1,
    allowed_patterns: compiled.rules.allow.length,
    mode: options.mode,
  });
  watch.current = watchConfig(options.config, reload);
  if (options.lookupContainer) {
    // Loaded when the guard stands already: a look-up delays no verdict, and neither does its code.
    const { createContainerLookup } = await import("./containers/lookup.js");
    containers = createContainerLookup();
  }
  void checkSelf();
  if (options.scanExisting > 0) scan.now().catch(fault);

  return { reload, stop };

  // ---- the config ----

  async function load(): Promise<CompiledRules> {
    const rules = loadConfig(options.config, { defaultMode: options.mode, checkPattern });
    const withSelfTest: Rules = { ...rules, strings: [...rules.strings, selfTest] };
    generation = (generation + 1) >>> 0;
    return compileRules(withSelfTest, generation, ways);
  }

  function reload(): void {
    reloading = reloading.then(reloadOnce);
  }

  /** A good list is in force at the end, or the old one still is. */
  async function reloadOnce(): Promise<void> {
    if (!guard.isAttached) return;
    try {
      const next = await load();
      guard.install(next);
      compiled = next;
      refusal = null;
      metrics.reloaded("ok");
      metrics.inForce(next.rules);
      notice("info", "Config reloaded", {
        banned_strings: next.rules.strings.length - 1,
        allowed_patterns: next.rules.allow.length,
      });
      void checkSelf();
    } catch (error) {
      refusal = error instanceof Error ? error.message : String(error);
      metrics.reloaded("refused");
      notice("error", "Config refused, the one before stays in force", { error: refusal });
    }
  }

  // ---- readiness ----

  function readiness(): { ok: boolean; reason: string } {
    if (!guard.isAttached) return { ok: false, reason: "not attached" };
    if (!selfTestPassed) return { ok: false, reason: "the self-test has not passed" };
    if (refusal !== null) return { ok: false, reason: `config refused, the one before is in force: ${refusal}` };
    return { ok: true, reason: "attached and matching" };
  }

  async function checkSelf(): Promise<void> {
    clearTimeout(selfTestTimer);
    const result = await runSelfTest(selfTest);
    if (!guard.isAttached) return;
    if (result === "killed") selfTestPassed = true;
    else {
      selfTestPassed = false;
      metrics.unexpectedError();
      notice("error", "Self-test failed", { result: `the child ${result}` });
    }
    clearTimeout(selfTestTimer);
    selfTestTimer = setTimeout(() => void checkSelf(), SELF_TEST_EVERY_MS).unref();
  }

  // ---- events ----

  function handle(record: ExecRecord): void {
    const receivedMs = performance.now();
    const list = guard.listOf(record);
    const rule = record.match === null ? null : (list?.rules.strings[record.match.stringId] ?? null);
    if (rule?.list === SELF_TEST_LIST) {
      if (record.verdict === "killed") selfTestKills++;
      if (record.verdict === "held") void finishHeld(record.process, record).catch(fault);
      return;
    }
    metrics.killedIfNeeded(Number(record.latencyNs) / 1e9);
    if (record.verdict === "held") {
      void finishHeld(record.process, record).catch(fault);
      return;
    }
    const outcome = outcomeOf(record, list);
    if (record.verdict === "kill-failed") void killAgain(record, rule);
    const report: Report = {
      source: "execwhacker.bpf",
      process: record.process,
      rule,
      ...(rule === null && record.match !== null ? { matched: record.match.bytes } : {}),
      outcome,
      latencyNs: record.latencyNs,
      ...(record.match?.offset === undefined ? {} : { matchOffset: record.match.offset }),
    };
    if (outcome.action === "spared") spares.isFirst(report); // a later scan need not say it again
    tell(report, receivedMs);
  }

  function outcomeOf(record: ExecRecord, list: CompiledRules | undefined): Outcome {
    switch (record.verdict) {
      case "killed":
      case "held":
        return { action: "killed", by: "kernel" };
      case "kill-failed":
        return { action: "kill-failed", errno: record.errno };
      case "would-kill":
        return { action: "would-kill" };
      case "spared-substring":
        return { action: "spared", allowedBy: "is-substring" };
      case "spared-pattern": {
        const pattern = list?.rules.allow[record.patternId];
        return { action: "spared", allowedBy: { pattern: pattern ?? { source: "", list: "unknown", index: 0 } } };
      }
      case "let-go":
        return { action: "let-go", because: record.unreadable ? "unreadable" : "over-long" };
      case "observed":
        return { action: "observed", durationNs: record.latencyNs };
    }
  }

  /** The kernel's signal call failed: the agent's own may not. */
  function killAgain(record: ExecRecord, rule: Report["rule"]): void {
    const result = kill(record.process.pid, record.process.startTimeNs);
    const decided: Decision = result.kind === "killed" ? "killed" : result.kind === "missed" ? "missed" : "kill-failed";
    metrics.decided("execwhacker.bpf", decided);
    if (result.kind === "killed") {
      const outcome: Outcome = { action: "killed", by: "agent" };
      tell({ source: "execwhacker.bpf", process: record.process, rule, outcome }, performance.now());
    }
  }

  /** The verdict on a process that the kernel stopped at exec, read from /proc: it has not run one instruction. */
  async function finishHeld({ pid, startTimeNs }: HeldProcess, record: ExecRecord | null): Promise<void> {
    const receivedMs = performance.now();
    let report: Report | null = null;
    try {
      report = await judgeHeld(pid, startTimeNs, record);
    } catch {
      // Not to be read, so not to be cleared either.
      const result = kill(pid, startTimeNs);
      metrics.decided(
        "execwhacker.bpf",
        result.kind === "killed" ? "killed" : result.kind === "missed" ? "missed" : "kill-failed",
      );
      if (record !== null) {
        const action: Outcome =
          result.kind === "killed" ? { action: "killed", by: "agent" } : { action: "missed-kill" };
        report = { source: "execwhacker.bpf", process: record.process, rule: null, outcome: action };
      }
    } finally {
      guard.release(pid);
    }
    if (report !== null) tell(report, receivedMs);
  }

  async function judgeHeld(pid: number, startTimeNs: bigint, record: ExecRecord | null): Promise<Report | null> {
    const stat = parseStat(proc.read(pid, "stat"));
    if (stat === null || stat.startTicks !== nsToTicks(startTimeNs)) throw new Error("another process");
    const area = Uint8Array.from(await proc.cmdline(pid));
    // It has not run yet, so each argument still ends with its NUL.
    const args = splitArea(area.subarray(0, -1));
    const path = record?.process.path ?? Uint8Array.from(proc.link(pid, "exe"));
    const shown = record === null ? args.slice(1) : contractLine({ ...record.process, args }).slice(1);
    const verdict = compiled.judge({ path, args }, shown);
    if (verdict.kind === "banned" && verdict.rule.list === SELF_TEST_LIST) {
      kill(pid, startTimeNs);
      return null;
    }
    const outcome = concludeHeld(pid, startTimeNs, verdict);
    if (record === null || outcome === null || verdict.kind === "none") return null;
    const process = { ...record.process, args, argsBytes: area.length };
    return { source: "execwhacker.bpf", process, rule: verdict.rule, outcome };
  }

  function concludeHeld(pid: number, startTimeNs: bigint, verdict: ReturnType<CompiledRules["judge"]>): Outcome | null {
    if (verdict.kind === "banned" && verdict.rule.action === "enforce") {
      const result = kill(pid, startTimeNs);
      if (result.kind === "killed") {
        metrics.decided("execwhacker.bpf", "killed");
        return { action: "killed", by: "agent" };
      }
      if (result.kind === "missed") {
        metrics.decided("execwhacker.bpf", "missed");
        return { action: "missed-kill" };
      }
      metrics.decided("execwhacker.bpf", "kill-failed");
      return { action: "kill-failed", errno: result.kind === "failed" ? result.errno : constants.errno.EPERM };
    }
    resume(pid, startTimeNs);
    if (verdict.kind === "none") {
      metrics.decided("execwhacker.bpf", "no-match");
      return null;
    }
    if (verdict.kind === "banned") {
      metrics.decided("execwhacker.bpf", "would-kill");
      return { action: "would-kill" };
    }
    metrics.decided("execwhacker.bpf", verdict.allowedBy === "is-substring" ? "is-substring" : "allowed-pattern");
    return { action: "spared", allowedBy: verdict.allowedBy };
  }

  function resume(pid: number, startTimeNs: bigint): void {
    let fd: number;
    try {
      fd = pidfd.pidfdOpen(pid);
    } catch {
      return; // gone
    }
    try {
      if (parseStat(proc.read(pid, "stat"))?.startTicks === nsToTicks(startTimeNs)) pidfd.pidfdSendSignal(fd, SIGCONT);
    } catch (error) {
      fault(error);
    } finally {
      pidfd.close(fd);
    }
  }

  // ---- the scan ----

  async function runScan(isStopped: () => boolean): Promise<void> {
    const startedMs = performance.now();
    await scanProcesses(
      {
        proc,
        judge: (line) => compiled.judge(line),
        kill,
        report: (report) => tell(report, performance.now()),
        isFirst: (report) => spares.isFirst(report),
        count: metrics,
      },
      isStopped,
    );
    metrics.scanFinished((performance.now() - startedMs) / 1000);
  }

  // ---- telling ----

  function tell(report: Report, sinceMs: number): void {
    if (report.outcome.action === "observed" || containers === null) {
      write(report, { kind: "host" }, sinceMs);
      return;
    }
    if (pendingLookups >= MAX_PENDING_LOOKUPS) {
      const { cgroup } = report.process;
      const cgroupLine = cgroup.source === "kernel" ? (cgroup.paths[0] ?? "") : cgroup.lines;
      write(report, { kind: "failed", reason: "too many look-ups are under way", cgroupLine }, sinceMs);
      return;
    }
    pendingLookups++;
    const told = containers
      .lookup(report.process.cgroup)
      .then((container) => write(report, container, sinceMs))
      .catch(fault)
      .finally(() => pendingLookups--);
    inFlight = Promise.allSettled([inFlight, told]);
  }

  function write(report: Report, container: ContainerResult, sinceMs: number): void {
    if (container.kind === "failed") metrics.lookupFailed();
    for (const line of formatter.lines(report, container)) writer.write(line);
    metrics.loggedAndKilled((performance.now() - sinceMs) / 1000);
  }

  function notice(level: Level, event: string, fields: Readonly<Record<string, unknown>>): void {
    writer.write(formatter.notice(level, event, fields));
  }

  function fault(error: unknown): void {
    metrics.unexpectedError();
    notice("error", "Unexpected error", {
      error: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
    });
  }

  // ---- the end ----

  async function stop(): Promise<void> {
    watch.current?.close();
    await reloading;
    clearTimeout(selfTestTimer);
    await scan.stop();
    guard.close();
    for (const endpoint of endpoints) await endpoint.close();
    await inFlight;
    await containers?.close();
    await writer.flush(FLUSH_MS);
    writer.close();
  }
}

/** The pids that the kernel tells are the initial namespace's: elsewhere they would name other processes. */
function requireInitialPidNamespace(): void {
  if (readlinkSync("/proc/self/ns/pid") === INITIAL_PID_NAMESPACE) return;
  throw new UnsupportedError(
    "read /proc/self/ns/pid: the agent is in a pid namespace of its own",
    "run it on the host, or in a pod with hostPID: true (docker run --pid=host)",
  );
}

function readObject(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    throw new UnsupportedError(`read BPF object ${file}: ${code}`, "build it with: make build");
  }
}

/** The pattern compiler's word on one pattern, for the config's list of problems. */
function checkPattern(source: string): PatternFault | null {
  try {
    parsePattern(source, 0);
    return null;
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    return { expected: "a regular expression", got: `${error.problem} at offset ${error.offset}`, hint: error.hint };
  }
}
