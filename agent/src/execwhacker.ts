// The detector put together: config, sensor, scan, containers, log and metrics, from start to the last flushed line.
import { readFileSync, readlinkSync } from "node:fs";
import { PatternError, parsePattern } from "@cryptnono/matcher";
import { pidfd, watchLoop } from "@cryptnono/native";
import { loadConfig, type PatternFault, watchConfig } from "./config/index.js";
import { createAnnouncer } from "./containers/announce.js";
import { describeRuntime } from "./containers/describe.js";
import { runtimeEndpoints } from "./containers/endpoints.js";
import { lateLookup } from "./containers/late.js";
import { execMemory } from "./detectors/execwhacker/exec-memory.js";
import {
  execwhackerSensor,
  GUARD_PROGRAM,
  KILL_RING,
  OTHER_RING,
  slotContents,
} from "./detectors/execwhacker/sensor.js";
import { UnsupportedError } from "./errors.js";
import { createKiller } from "./kill/index.js";
import { bootTimeNs, openProc } from "./proc/index.js";
import {
  createFormatter,
  createLoopDelay,
  createMetrics,
  type Decision,
  type Endpoint,
  LineWriter,
  SpareMemory,
  serveHealth,
  serveMetrics,
} from "./report/index.js";
import { createReporter } from "./reporter.js";
import { Looker, Rounds, repeat, scanProcesses, YoungSweep } from "./scan/index.js";
import {
  type CompiledRules,
  compileRules,
  type ExecRecord,
  execDecoder,
  Guard,
  isSelfTest,
  runSelfTest,
  SELF_TEST_LIST,
  selfTestRule,
  type Way,
} from "./sensor/index.js";
import type { AllowPattern, ContainerLookup, Outcome, Report, Rules } from "./types.js";
import { version } from "./version.js";

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
  /** Seconds that a line waits for its container's name while few wait. */
  readonly lookupWait: number;
  /** Names of variables of the containers' specifications that stand in the log. */
  readonly lookupEnvs: readonly string[];
  /** Cgroups below which the operator vouches for the names. */
  readonly trustedCgroup: readonly string[];
  readonly pinDir: string | null;
  readonly unreadable: Way;
  readonly overLong: Way;
  /** 0: no limit but the kernel's own. */
  readonly maxScanBytes: number;
  /** Most work that the kernel's part does for one exec, in units of about a nanosecond. */
  readonly maxWork: number;
  /** No pattern spares a process whose line it would have to read further than this, in bytes behind the path. */
  readonly maxAllowBytes: number;
  /** A pattern that does not say whose strings it spares spares those of all files, not of its own alone. */
  readonly allowAcrossLists: boolean;
  /** Kills of one string in one pod that are logged one by one before most are only counted; 0: all. */
  readonly wholeLines: number;
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

/** Lists whose numbers events may still carry. */
const REMEMBERED_LISTS = 4;
/** How long the last lines may take at the end. */
const FLUSH_MS = 3000;
/** For readiness's text and the log. An empty list is no fault: it must not stop a deployment whose lists come later. */
const NOTHING_BANNED = "attached, but nothing is banned: no config has a banned string";
const SELF_TEST_EVERY_MS = 60_000;
const SWEEP_EVERY_MS = 1000;
/** The initial pid namespace's inode number (linux include/linux/proc_ns.h, PROC_PID_INIT_INO). */
const INITIAL_PID_NAMESPACE = "pid:[4026531836]";

/**
 * Start the detector; resolves when it guards.
 *
 * @throws EndpointError, ConfigError, NativeError, PinError, ListenError, UnsupportedError, with nothing left attached.
 */
export async function startExecwhacker(options: ExecwhackerOptions, objectFile: string): Promise<Execwhacker> {
  requireInitialPidNamespace();
  const endpoints = options.lookupContainer ? runtimeEndpoints(process.env) : [];
  /** What has been opened, to be closed in reverse, at the end or when the start fails. */
  const opened: (() => unknown)[] = [];
  const selfTest = selfTestRule();
  // An agent's numbers must not be taken for those of the agent before it, whose events it may inherit.
  let generation = (Math.random() * 0x7fffffff) >>> 0;
  let compiled: CompiledRules;
  let reloading: Promise<void> = Promise.resolve();
  let refusal: string | null = null;
  let selfTestPassed = false;
  let selfTestTimer: NodeJS.Timeout | undefined;
  let openLookup: (lookup: ContainerLookup) => void = () => {};
  const containers = lateLookup(
    new Promise((resolve) => {
      openLookup = resolve;
    }),
  );

  const writer = new LineWriter();
  const spares = new SpareMemory();
  const proc = openProc();
  const kill = createKiller({ native: pidfd, readStat: (pid) => proc.read(pid, "stat") });
  const metrics = createMetrics({
    ...(options.metricsPrefix === undefined ? {} : { prefix: options.metricsPrefix }),
    readCounters: () => guard.counters(),
    readMissedRuns: () => guard.missedRuns(GUARD_PROGRAM),
    readDroppedLines: () => writer.dropped,
    readRuntimes: containers.runtimes,
    readLoopDelay: createLoopDelay(watchLoop().read).read,
    version: version(),
    isReady: () => readiness().ok,
    isAttached: () => guard.isAttached,
  });
  const { tell, notice, fault, lookUpWith, settle } = createReporter(createFormatter(), writer, metrics);
  // From the first record on, and those that an agent before this one left.
  if (options.lookupContainer) lookUpWith(containers);
  const guard = new Guard(execwhackerSensor(), {
    object: readObject(objectFile),
    constants: { report_all: options.debug },
    maxEntries: {
      ...(options.killRingBytes > 0 ? { [KILL_RING]: options.killRingBytes } : {}),
      ...(options.otherRingBytes > 0 ? { [OTHER_RING]: options.otherRingBytes } : {}),
    },
    pinDir: options.pinDir,
    scopePid: options.scopePid,
    onRecord: (bytes) => handle(decodeRecord(bytes)),
    onError: fault,
  });
  const decodeRecord = execDecoder(guard.layout);
  const lists = new Map<number, CompiledRules>();
  const scan = repeat(options.scanExisting * 1000, runScan, fault);
  const rounds = new Rounds();
  let looker: Looker;

  try {
    opened.push(() => guard.close());
    // Watched before it is read: a change between the two is a reload.
    const watch = watchConfig(options.config, reload);
    opened.push(() => watch.close());
    // What a wrong flag or file can make fail comes before anything is attached or pinned.
    if (options.serveMetricsPort > 0) serve(await serveMetrics(options.serveMetricsPort, metrics.text));
    if (options.healthPort > 0) serve(await serveHealth(options.healthPort, readiness));
    compiled = await load();
    install(compiled);
    guard.attach();
    looker = createLooker(bootTimeNs());
    guard.start();
    opened.push(() => scan.stop());
  } catch (error) {
    await close();
    throw error;
  }
  tellInForce("Guarding", compiled);
  opened.push(() => clearTimeout(selfTestTimer));
  void checkSelf();
  if (options.lookupContainer) {
    // Loaded when the guard stands already: a look-up delays no verdict, and neither does its code.
    const { createContainerLookup } = await import("./containers/lookup.js");
    const lookup = createContainerLookup({
      endpoints,
      waitMs: options.lookupWait * 1000,
      envs: options.lookupEnvs,
      trustedCgroups: options.trustedCgroup,
      onStatus: createAnnouncer(notice),
    });
    // Asked until the last record that the guard's end brings up.
    opened.unshift(() => lookup.close(), settle);
    openLookup(lookup);
  }
  if (options.scanExisting > 0) {
    scan.now().catch(fault);
    const young = new YoungSweep(looker, proc);
    const sweep = repeat(SWEEP_EVERY_MS, (isStopped) => young.sweep(isStopped), fault);
    opened.push(() => sweep.stop());
  }
  // What the start left behind is large beside what stays.
  globalThis.gc?.();

  return { reload, stop };

  function serve(endpoint: Endpoint): void {
    opened.push(() => endpoint.close());
  }

  async function close(): Promise<void> {
    for (const closeOne of opened.reverse()) await closeOne();
  }

  async function stop(): Promise<void> {
    await reloading;
    await close();
    await writer.flush(FLUSH_MS);
    writer.close();
  }

  // ---- the config ----

  async function load(): Promise<CompiledRules> {
    const rules = loadConfig(options.config, { ...options, defaultMode: options.mode, checkPattern });
    const withSelfTest: Rules = { ...rules, strings: [...rules.strings, selfTest] };
    generation = (generation + 1) >>> 0;
    return compileRules(withSelfTest, generation, options);
  }

  function install(rules: CompiledRules): void {
    guard.install(slotContents(rules.tables));
    lists.set(rules.generation, rules);
    for (const old of lists.keys()) {
      if (lists.size <= REMEMBERED_LISTS) break;
      lists.delete(old);
    }
  }

  function reload(): void {
    reloading = reloading.then(reloadOnce);
  }

  /** A good list is in force at the end, or the old one still is. */
  async function reloadOnce(): Promise<void> {
    if (!guard.isAttached) return;
    try {
      const next = await load();
      install(next);
      compiled = next;
      refusal = null;
      metrics.reloaded("ok");
      tellInForce("Config reloaded", next);
      // What runs already may be banned by now.
      if (options.scanExisting > 0) scan.now().catch(fault);
      void checkSelf();
    } catch (error) {
      refusal = error instanceof Error ? error.message : String(error);
      metrics.reloaded("refused");
      notice("error", "Config refused, the one before stays in force", { error: refusal });
    }
    globalThis.gc?.();
  }

  function tellInForce(event: string, { rules }: CompiledRules): void {
    const listed: Rules = { ...rules, strings: rules.strings.filter(({ list }) => list !== SELF_TEST_LIST) };
    metrics.inForce(listed);
    const { strings, allow } = listed;
    if (strings.length === 0) notice("warning", NOTHING_BANNED, {});
    notice("info", event, { banned_strings: strings.length, allowed_patterns: allow.length, mode: options.mode });
  }

  // ---- readiness ----

  function readiness(): { ok: boolean; reason: string } {
    if (!guard.isAttached) return { ok: false, reason: "not attached" };
    if (!selfTestPassed) return { ok: false, reason: "the self-test has not passed" };
    if (refusal !== null) return { ok: false, reason: `config refused, the one before is in force: ${refusal}` };
    // The self-test's own string is always there.
    const isIdle = compiled.rules.strings.length === 1;
    // Verdicts need no names: an agent that finds no runtime guards as well as any.
    const runtimes = containers.runtimes().map(describeRuntime);
    return { ok: true, reason: [isIdle ? NOTHING_BANNED : "attached and matching", ...runtimes].join("; ") };
  }

  async function checkSelf(): Promise<void> {
    const result = await runSelfTest(selfTest);
    if (!guard.isAttached) return;
    selfTestPassed = result === "killed";
    if (!selfTestPassed) {
      metrics.unexpectedError();
      notice("error", "Self-test failed", { result: `the child ${result}` });
    }
    clearTimeout(selfTestTimer);
    selfTestTimer = setTimeout(() => void checkSelf(), SELF_TEST_EVERY_MS).unref();
  }

  // ---- events ----

  function handle(record: ExecRecord): void {
    const list = lists.get(record.generation);
    const rule = record.match === null ? null : (list?.rules.strings[record.match.stringId] ?? null);
    if (isSelfTest(rule, record.match?.bytes)) return; // nobody's business, and not among the kernel's kills
    const sinceMs = performance.now() - Number(record.latencyNs) / 1e6;
    metrics.killedIfNeeded(Number(record.latencyNs) / 1e9);
    const report: Report = {
      source: "execwhacker.bpf",
      process: record.process,
      rule,
      ...(rule === null && record.match !== null ? { matched: record.match.bytes } : {}),
      outcome: outcomeOf(record, list),
      latencyNs: record.latencyNs,
      ...becauseOf(record),
      ...(record.match?.offset === undefined ? {} : { matchOffset: record.match.offset }),
    };
    const isState = report.outcome.action === "spared" || report.outcome.action === "would-kill";
    if (isState && !spares.isFirst(report)) return; // a scan was quicker; and none will say it again
    tell(report, sinceMs);
    if (record.verdict === "kill-failed") killAgain(report);
  }

  /** The kernel's signal call failed: the agent's own may not. */
  function killAgain(failed: Report): void {
    const { pid, startTimeNs } = failed.process;
    const result = kill(pid, startTimeNs);
    const decision: Decision =
      result.kind === "killed" ? "killed" : result.kind === "missed" ? "missed" : "kill-failed";
    metrics.decided("execwhacker.bpf", decision);
    if (result.kind === "killed") tell({ ...failed, outcome: { action: "killed", by: "agent" } }, performance.now());
  }

  // ---- the scan ----

  function createLooker(guardedSinceNs: bigint): Looker {
    return new Looker({
      proc,
      list: () => compiled,
      memory: execMemory(guard.map("spared"), guard.layout),
      guardedSinceNs,
      kill,
      report: (report) => tell(report, performance.now()),
      isFirst: (report) => spares.isFirst(report),
      count: metrics,
    });
  }

  async function runScan(isStopped: () => boolean): Promise<void> {
    const startedMs = performance.now();
    await scanProcesses(looker, proc, rounds, metrics, { isStopped });
    metrics.scanFinished((performance.now() - startedMs) / 1000);
  }
}

function becauseOf({ changed, unreadable, overLong }: ExecRecord): Pick<Report, "because"> {
  if (changed) return { because: "arguments-changed" };
  return unreadable ? { because: "unreadable" } : overLong ? { because: "over-long" } : {};
}

/** What the kernel decided, in the log's words. */
function outcomeOf(record: ExecRecord, list: CompiledRules | undefined): Outcome {
  switch (record.verdict) {
    case "killed":
      return { action: "killed", by: "kernel" };
    case "kill-failed":
      return { action: "kill-failed", errno: record.errno };
    case "would-kill":
      return { action: "would-kill" };
    case "spared-substring":
      return { action: "spared", allowedBy: "is-substring" };
    case "spared-pattern":
      return { action: "spared", allowedBy: { pattern: list?.rules.allow[record.patternId] ?? UNKNOWN_PATTERN } };
    case "let-go":
      return { action: "let-go" };
    case "observed":
      return { action: "observed", durationNs: record.latencyNs };
  }
}

/** Of an earlier agent's list. */
const UNKNOWN_PATTERN: AllowPattern = { source: "", list: "unknown", index: 0 };

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
