// The life of any detector, from start to the last flushed line: config, sensor, pins, readiness, containers, log and metrics.
// Nothing here is global: several detectors may run in one process.
import { readlinkSync } from "node:fs";
import { pidfd, Sensor, watchLoop } from "@cryptnono/native";
import { watchConfig } from "../config/index.js";
import { createAnnouncer } from "../containers/announce.js";
import { describeRuntime } from "../containers/describe.js";
import { runtimeEndpoints } from "../containers/endpoints.js";
import { lateLookup } from "../containers/late.js";
import type { PodLabels } from "../containers/pod-labels.js";
import { UnsupportedError } from "../errors.js";
import { createKiller } from "../kill/index.js";
import { openProc, parseStat, ticksToNs } from "../proc/index.js";
import {
  bootClock,
  caseNumber,
  createFormatter,
  createLoopDelay,
  createMetrics,
  createReporter,
  createTerminals,
  type Endpoint,
  LineWriter,
  type Readiness,
  serveHealth,
  serveMetrics,
  type Terminals,
} from "../report/index.js";
import { Guard, type SensorFactory, type SensorParts } from "../sensor/index.js";
import type { ContainerLookup } from "../types.js";
import { version } from "../version.js";
import { createAskedSelfTest } from "./asked-self-test.js";
import { coalesce } from "./coalesce.js";
import type { Detector, House, SecondLife, SecondSensor, SelfTestResult } from "./detector.js";
import { objectDir, readObject } from "./objects.js";
import { repeat } from "./repeat.js";
import { createTallying } from "./tallying.js";

/** What is the same for every detector. */
export interface RunOptions {
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
  /** Seconds between lines with the number of those. */
  readonly summaryEvery: number;
  readonly logSeverity: boolean;
  /** By which cases have their numbers. */
  readonly nodeName: string;
  readonly tellTerminal: boolean;
  /** Tests: only this process's descendants are judged; 0: everything. */
  readonly scopePid: number;
  readonly env: NodeJS.ProcessEnv;
}

/** What a run is put together of; a test hands in others. */
export interface RunParts {
  readonly native?: SensorFactory;
  readonly writer?: LineWriter;
  readonly objects?: string;
}

/** A running detector. */
export interface Running {
  reload(): void;
  /** Detach, write what is known, close. */
  stop(): Promise<void>;
}

/** How long the last lines may take at the end. */
const FLUSH_MS = 3000;
const SELF_TEST_EVERY_MS = 60_000;
/** How often an agent with pins asks whether another one has taken over. A probe or a scrape asks at once. */
const LOOK_AROUND_EVERY_MS = 1000;
/** The initial pid namespace's inode number (linux include/linux/proc_ns.h, PROC_PID_INIT_INO). */
const INITIAL_PID_NAMESPACE = "pid:[4026531836]";

/**
 * Start a detector; resolves when it guards.
 *
 * @throws EndpointError, ConfigError, NativeError, PinError, ListenError, UnsupportedError, with nothing left attached.
 */
export async function run<Rules>(
  detector: Detector<Rules>,
  options: RunOptions,
  { native = Sensor, writer = new LineWriter(), objects = objectDir() }: RunParts = {},
): Promise<Running> {
  requireInitialPidNamespace();
  const endpoints = options.lookupContainer ? runtimeEndpoints(options.env) : [];
  const prefix = options.env["CRYPTNONO_METRICS_PREFIX"];
  /** What has been opened, to be closed in reverse, at the end or when the start fails. */
  const opened: (() => unknown)[] = [];
  let pods: PodLabels | null = null;
  let inForce: Rules | undefined;
  let refusal: string | null = null;
  let selfTest: SelfTestResult | "not made yet" | "not asked for" = "not made yet";
  let retirementTold = false;
  let openLookup: (lookup: ContainerLookup) => void = () => {};
  const containers = lateLookup(
    new Promise((resolve) => {
      openLookup = resolve;
    }),
  );

  const proc = openProc();
  const kill = createKiller({ native: pidfd, readStat: (pid) => proc.read(pid, "stat") });
  const metrics = createMetrics({
    detector: detector.name,
    ...(prefix === undefined ? {} : { prefix }),
    readMissedRuns: () => guard.missedRuns(),
    readDroppedLines: () => writer.dropped,
    readUntold: () => life.counts?.untold() ?? {},
    readRuntimes: containers.runtimes,
    readLoopDelay: createLoopDelay(watchLoop().read).read,
    version: version(),
    isReady: () => readiness().ok,
    isAttached,
  });
  const formatter = createFormatter({ severity: options.logSeverity });
  const timeOf = bootClock();
  const reporter = createReporter({
    formatter,
    writer,
    metrics,
    numberOf: ({ pid, startTimeNs }) => caseNumber(options.nodeName, pid, timeOf(startTimeNs)),
  });
  const terminals = options.tellTerminal ? openTerminals() : null;
  const { notice, fault } = reporter;
  // From the first record on, and those that an agent before this one left.
  if (options.lookupContainer) reporter.lookUpWith(containers);
  const guard = new Guard(
    detector.sensor,
    {
      object: readObject(objects, detector.sensor.object),
      pinDir: options.pinDir,
      scopePid: options.scopePid,
      onRecord: (record) => life.onRecord(record),
      onError: fault,
      onEnd: (isDetached) => tallying.finish(isDetached),
    },
    native,
  );
  const seconds: { readonly guard: Guard; readonly life: SecondLife<Rules> }[] = [];
  const life = detector.begin({
    layout: guard.layout,
    proc,
    kill,
    series: metrics.series,
    rules: rulesInForce,
    open: openSecond,
    map: (name) => guard.map(name),
    counters: () => guard.counters(),
    timeOf,
    tell(line, sinceMs) {
      reporter.tell(line, sinceMs);
      if (line.killed !== undefined) terminals?.tell(line.killed);
    },
    async podLabels(uid) {
      if (!options.lookupContainer) return null;
      if (pods === null) {
        const { openPodLabels } = await import("../containers/pod-labels.js");
        pods = openPodLabels(endpoints);
        opened.push(pods.close);
      }
      return pods.of(uid);
    },
    containerOf: (cgroup) =>
      options.lookupContainer ? containers.lookup(cgroup) : Promise.resolve({ kind: "host" } as const),
    notice,
    fault,
  } satisfies House<Rules>);
  const beside = (life.alongside ?? []).map((job) => repeat(job.everyMs, job.run, fault));
  const tallying = createTallying({
    ...(life.counts === undefined ? {} : { counts: life.counts }),
    reporter,
    everyMs: options.summaryEvery * 1000,
    onError: fault,
  });
  const reloads = coalesce(reloadOnce);
  const selfTests = repeat(SELF_TEST_EVERY_MS, checkSelf, fault);
  const askedSelfTest = createAskedSelfTest({
    detector: detector.name,
    test: life.askedSelfTest?.bind(life),
    isAttached,
    writer,
    line: (result, latencyUs) =>
      formatter.notice(result === "killed" ? "info" : "error", "Self-test asked for", {
        result: `the child ${result === "killed" ? "was killed" : result}`,
        ...(latencyUs === null ? {} : { latency_us: latencyUs }),
      }),
  });
  const looks = options.pinDir === null ? null : setInterval(lookAround, LOOK_AROUND_EVERY_MS).unref();

  try {
    opened.push(() => guard.close());
    // Watched before it is read: a change between the two is a reload.
    const watch = watchConfig(detector.watched, reloads.wish);
    opened.push(() => watch.close());
    // What a wrong flag or file can make fail comes before anything is attached or pinned.
    if (options.serveMetricsPort > 0) {
      const open = () => metrics.text("open");
      serve(await serveMetrics(options.serveMetricsPort, () => metrics.text(), "", open));
    }
    if (options.healthPort > 0) serve(await serveHealth(options.healthPort, readiness, "", askedSelfTest));
    const rules = await detector.load();
    install(rules);
    guard.attach();
    for (const second of seconds) second.guard.attach();
    life.attached?.();
    guard.start();
    for (const second of seconds) second.guard.start();
    tallying.run();
    opened.push(
      ...beside.map((job) => () => job.stop()),
      () => selfTests.stop(),
      () => clearInterval(looks ?? undefined),
    );
    putInForce("Guarding", rules);
  } catch (error) {
    // What was never loaded cannot be closed either, and says so again: the first word counts.
    await close().catch(() => {});
    throw detector.explain?.(error) ?? error;
  }
  checkAll();
  if (options.lookupContainer) {
    // Loaded when the guard stands already: a look-up delays no verdict, and neither does its code.
    const { createContainerLookup } = await import("../containers/lookup.js");
    const lookup = createContainerLookup({
      endpoints,
      waitMs: options.lookupWait * 1000,
      envs: options.lookupEnvs,
      trustedCgroups: options.trustedCgroup,
      onStatus: createAnnouncer(notice),
    });
    // Asked until the last record that the guard's end brings up.
    opened.unshift(() => lookup.close(), reporter.settle);
    openLookup(lookup);
  }
  // What the start left behind is large beside what stays.
  globalThis.gc?.();

  return { reload: reloads.wish, stop };

  function openSecond(
    sensor: SensorParts & { readonly object: string },
    make: (sensor: SecondSensor) => SecondLife<Rules>,
  ): void {
    const second: Guard = new Guard(
      sensor,
      {
        object: readObject(objects, sensor.object),
        pinDir: options.pinDir,
        scopePid: options.scopePid,
        onRecord: (record) => secondLife.onRecord(record),
        onError: fault,
      },
      native,
    );
    opened.push(() => second.close());
    const secondLife = make({
      layout: second.layout,
      map: (name) => second.map(name),
      counters: () => second.counters(),
    });
    seconds.push({ guard: second, life: secondLife });
  }

  function openTerminals(): Terminals {
    return createTerminals({
      node: options.nodeName,
      timeOf,
      startedNs(pid) {
        const stat = parseStat(proc.read(pid, "stat"));
        if (stat === null) throw new Error(`read the start of process ${pid}`);
        return ticksToNs(stat.startTicks);
      },
      write: proc.tellTerminal,
      lost: proc.lostReads,
      count: metrics.terminalTold,
    });
  }

  function install(rules: Rules): void {
    for (const second of seconds) second.guard.install(second.life.contents(rules));
    guard.install(life.contents(rules));
  }

  function isAttached(): boolean {
    return guard.isAttached && seconds.every((second) => second.guard.isAttached);
  }

  function serve(endpoint: Endpoint): void {
    opened.push(() => endpoint.close());
  }

  async function close(): Promise<void> {
    for (const closeOne of opened.reverse()) await closeOne();
  }

  async function stop(): Promise<void> {
    await reloads.settled();
    await close();
    await terminals?.settled();
    await writer.flush(FLUSH_MS);
    writer.close();
  }

  // ---- the config ----

  function rulesInForce(): Rules {
    if (inForce === undefined) throw new Error("no rules are in force yet");
    return inForce;
  }

  function putInForce(event: string, rules: Rules): void {
    inForce = rules;
    metrics.inForce();
    notice("info", event, life.inForce(rules));
  }

  /** A good list is in force at the end, or the old one still is. */
  async function reloadOnce(): Promise<void> {
    if (!guard.isAttached) return;
    try {
      const next = await detector.load();
      const more = life.more?.(next) ?? null;
      if (more !== null) await guard.extend(more);
      install(next);
      refusal = null;
      metrics.reloaded("ok");
      putInForce("Config reloaded", next);
      checkAll();
    } catch (error) {
      refusal = error instanceof Error ? error.message : String(error);
      metrics.reloaded("refused");
      notice("error", "Config refused, the one before stays in force", { error: refusal });
    }
    globalThis.gc?.();
  }

  /** What is new to the detector: its own rules, and with them what runs already. */
  function checkAll(): void {
    selfTests.again().catch(fault);
    for (const job of beside) job.again().catch(fault);
  }

  // ---- readiness ----

  function readiness(): Readiness {
    const by = guard.retiredBy();
    if (by !== null) return { ok: false, reason: `retired: process ${by} guards instead, with the same pin directory` };
    if (!isAttached()) return { ok: false, reason: "not attached" };
    if (selfTest !== "killed" && selfTest !== "not asked for")
      return { ok: false, reason: "the self-test has not passed" };
    if (refusal !== null) return { ok: false, reason: `config refused, the one before is in force: ${refusal}` };
    // Verdicts need no names: an agent that finds no runtime guards as well as any.
    return { ok: true, reason: [life.readyText(), ...containers.runtimes().map(describeRuntime)].join("; ") };
  }

  async function checkSelf(): Promise<void> {
    if (!guard.isAttached) return;
    const result = life.selfTest === undefined ? "not asked for" : await life.selfTest();
    // Another sensor may have killed it, or this one may be at its end.
    if (!guard.isAttached) return;
    selfTest = result;
    if (result === "killed" || result === "not asked for") return;
    metrics.unexpectedError();
    notice("error", "Self-test failed", { result: `the child ${result}` });
  }

  /** Says once that another agent has taken over. */
  function lookAround(): void {
    const by = guard.retiredBy();
    if (by === null || retirementTold) return;
    retirementTold = true;
    clearInterval(looks ?? undefined);
    guard.retire();
    for (const second of seconds) second.guard.retire();
    for (const job of beside) void job.stop();
    void selfTests.stop();
    notice("warning", "Retired: another agent guards instead, with the same pin directory", { by_pid: by });
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
