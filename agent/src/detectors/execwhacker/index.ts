// Execwhacker: kills what has a banned string on its command line, in the kernel, at exec; and what the scan finds.
import { bootTimeNs } from "../../proc/index.js";
import type { Detector, House, Life } from "../../run/detector.js";
import { type Beside, bothOf, mayHave, missingOf, wantedBy } from "./beside.js";
import { Breaker, placeOf, type Tripped } from "./breaker.js";
import { Comparison } from "./candidate/comparison.js";
import { sensorCounters } from "./counters.js";
import { DEMOTED, demote, promoteAll } from "./demoted.js";
import { noEnvironment } from "./environment/index.js";
import { execMemory, SPARED } from "./exec-memory.js";
import { Ledger, type Tally } from "./ledger.js";
import { Lists } from "./lists.js";
import { load, loadInTurns } from "./load.js";
import { type Decision, execMetrics } from "./metrics.js";
import {
  AskedExecs,
  HeldScopes,
  KnownCgroups,
  NARROW_CGROUPS,
  NarrowNeedsNames,
  narrowMetrics,
  walkContainers,
} from "./narrow/index.js";
import { PatternCounts } from "./pattern-counts.js";
import { type ExecMatch, execDecoder, type Verdict } from "./record.js";
import { type CompiledRules, ruleByNumber, type Ways, waysOf } from "./rules.js";
import { Looker, Rounds, scanProcesses, YoungSweep } from "./scan/index.js";
import { AskedTest, isSelfTest, runSelfTest, selfTestRule } from "./self-test.js";
import { execwhackerSensor, KILL_RING, moreParts, OTHER_RING, slotContents } from "./sensor.js";
import { tallyStore } from "./tallies.js";
import {
  addUntold,
  createTeller,
  ReportLimit,
  reportLimits,
  reportOf,
  SpareMemory,
  summaryOfTally,
} from "./tell/index.js";
import type { Report, Rule, RulesInForce } from "./types.js";

export interface ExecwhackerOptions extends Ways {
  readonly config: readonly string[];
  /** Files of candidates, whatever is written in them. */
  readonly candidate: readonly string[];
  readonly mode: "enforce" | "audit";
  readonly wholeLines: number;
  readonly debug: boolean;
  /** A pattern that does not say whose strings it spares spares those of all files, not of its own alone. */
  readonly allowAcrossLists: boolean;
  /** Seconds between scans of all processes; 0: none, not even at start. */
  readonly scanExisting: number;
  /** See `BreakerLimits`. */
  readonly breakerPods: number;
  readonly breakerNamespaces: number;
  readonly breakerWindow: number;
  /** The containers of processes are looked up. */
  readonly lookupContainer?: boolean;
  /** Bytes; 0: the object's own. */
  readonly killRingBytes: number;
  readonly otherRingBytes: number;
}

const SWEEP_EVERY_MS = 1000;
const COMPARED_EVERY_MS = 3_600_000;
/** Between walks over the containers' cgroups. Of one that is younger the first exec in which something may stand is asked for. */
const LEARN_EVERY_MS = 5000;
/** For readiness's text and the log. An empty list is no fault: it must not stop a deployment whose lists come later. */
const NOTHING_BANNED = "attached, but nothing is banned: no config has a banned string";

const OPEN_PATTERNS = "Allow patterns without an end spare strings of other lists";
const MOST_NAMED = 20;

const CANDIDATE_REFUSED = "Candidate refused: it is not compared, and the lists in force are";

export function execwhacker(options: ExecwhackerOptions): Detector<CompiledRules> {
  const rings = { [KILL_RING]: options.killRingBytes, [OTHER_RING]: options.otherRingBytes };
  const beside = mayHave(options.config);
  const sensor = execwhackerSensor(rings, undefined, beside);
  const selfTest = selfTestRule();
  let loaded: CompiledRules | null = null;

  return {
    name: "execwhacker",
    sensor: { ...sensor, object: "execwhacker.bpf.o", constants: { ...sensor.constants, report_all: options.debug } },
    watched: [...options.config, ...options.candidate],
    // Whose pod it is, the breaker has to know.
    ...(options.breakerPods === 0 ? {} : { wishes: { lookupContainer: true } }),
    async load() {
      const { config, candidate, mode, allowAcrossLists } = options;
      const request = {
        files: config,
        candidates: candidate,
        mode,
        allowAcrossLists,
        ways: waysOf(options),
        more: [selfTest],
      };
      // At start there is nothing that could wait.
      const next = loaded === null ? load(request) : await loadInTurns(request, loaded);
      // Without names no scope by them could be judged.
      const hasNames = options.lookupContainer === true || options.breakerPods > 0;
      if (next.rules.narrow !== undefined && !hasNames) throw new NarrowNeedsNames();
      loaded = next;
      return loaded;
    },
    begin: (house) => live(house, options, beside, (onStart) => runSelfTest(selfTest, undefined, undefined, onStart)),
  };
}

function live(
  house: House<CompiledRules>,
  { mode, scanExisting, wholeLines, breakerPods, breakerNamespaces, breakerWindow }: ExecwhackerOptions,
  atStart: Beside,
  selfTest: (onStart?: (pid: number) => void) => ReturnType<typeof runSelfTest>,
): Life<CompiledRules> {
  const { proc, kill, notice } = house;
  const limit = new ReportLimit(wholeLines > 0 ? reportLimits(wholeLines) : null);
  const { tell, offer, count, tellCounts } = createTeller({ tell: house.tell, limit, timeOf: house.timeOf });
  const counters = () => {
    const read = house.counters();
    return read === null ? null : sensorCounters(read);
  };
  const metrics = execMetrics(house.series, counters, () => byPattern.read());
  const decode = execDecoder(house.layout);
  const asked = new AskedTest();
  const spares = new SpareMemory();
  const lists = new Lists();
  const rounds = new Rounds();
  const rulesOf = (generation: number) => lists.of({ generation });
  const byPattern = new PatternCounts(rulesOf);
  const ledger = new Ledger(tallyStore({ layout: house.layout, map: house.map, counters }), (tally, by) =>
    onGrown(tally, by),
  );
  let lastChecked = 0n;
  const comparison = new Comparison({
    series: house.series,
    checked() {
      lastChecked = counters()?.checked ?? lastChecked;
      return lastChecked;
    },
    report: (report) => offer(report, performance.now()),
    isFirst: (report) => spares.isFirst(report),
    notice,
  });
  const breaker = new Breaker(
    { pods: breakerPods, namespaces: breakerNamespaces, windowSeconds: breakerWindow },
    onTripped,
  );
  metrics.demotedNow(() => breaker.trippedNow);
  const heldScopes = new HeldScopes({ containerOf: house.containerOf, podLabels: house.podLabels });
  const known = new KnownCgroups(() => house.map(NARROW_CGROUPS), house.layout);
  const narrow = narrowMetrics(house.series, known);
  const askedExecs = new AskedExecs({
    list: () => current,
    kill,
    decided: (decision) => metrics.decided("execwhacker.bpf", decision),
    judged: narrow.judged,
    async held({ process: { cgroup }, narrowCgroup }, list) {
      const held = await heldScopes.in(cgroup, list.rules.narrow ?? []);
      if (list === current) known.tell(narrowCgroup, held, list.generation, false);
      return held;
    },
    tell(report, sinceMs) {
      offer(report, sinceMs);
      if (report.outcome.action === "killed") void watchKill(report);
    },
    look: async (pid) => void (await looker.look(pid).catch(house.fault)),
  });
  let current: CompiledRules | null = null;
  /** What is loaded beside the guard. */
  let beside = atStart;
  /** From when it is attached: what began before was not judged at exec. */
  let looker: Looker;
  let young: YoungSweep;

  return {
    more(compiled) {
      const missing = missingOf(wantedBy(compiled), beside);
      return missing === null ? null : moreParts(missing);
    },
    contents(compiled) {
      // What they want is loaded by now.
      beside = bothOf(wantedBy(compiled), beside);
      // Before it is in force: the kernel's first records of it may come at once.
      lists.remember(compiled);
      byPattern.inForce(compiled.rules);
      const { wallets, environment } = compiled.list;
      return slotContents(compiled.tables, wallets, beside.environment ? (environment ?? noEnvironment()) : undefined);
    },
    onRecord,
    inForce(compiled) {
      current = compiled;
      breaker.reset();
      promoteAll(house.map(DEMOTED));
      const banned = bannedStrings(compiled.rules);
      const { length: wallets } = compiled.rules.wallets ?? [];
      comparison.inForce(compiled);
      const { candidate, allow: patterns } = compiled.rules;
      const allowed = patterns.length - (candidate?.patterns ?? 0);
      metrics.inForce(banned, allowed);
      if (banned + wallets === 0) notice("warning", NOTHING_BANNED, {});
      const open = compiled.list.open.map(({ list, index }) => `${list}[${index}]`);
      if (open.length > 0)
        notice("warning", OPEN_PATTERNS, { patterns: open.slice(0, MOST_NAMED), count: open.length });
      if (compiled.refusedCandidate !== null) notice("error", CANDIDATE_REFUSED, { error: compiled.refusedCandidate });
      return {
        banned_strings: banned,
        ...(wallets === 0 ? {} : { wallets }),
        allowed_patterns: allowed,
        mode,
        ...(candidate === undefined ? {} : { candidates: candidate.lists, candidate_strings: candidate.strings }),
      };
    },
    readyText() {
      if (isNothingBanned(house.rules().rules)) return NOTHING_BANNED;
      const demoted = breaker.trippedNow;
      const but = [
        ...(demoted === 0 ? [] : [`strings that the breaker has demoted: ${demoted}`]),
        ...(current?.refusedCandidate == null ? [] : ["its candidate is refused"]),
      ];
      return but.length === 0 ? "attached and matching" : `attached and matching, but ${but.join("; ")}`;
    },
    selfTest: () => selfTest(),
    askedSelfTest: () => asked.run(selfTest),
    counts: {
      look: () => ledger.look(),
      tell(isLast) {
        const untold = ledger.take(isLast);
        comparison.untold(untold);
        tellCounts(untold.map((one) => summaryOfTally(one, rulesOf)));
        if (isLast) comparison.tell();
      },
      untold: () => addUntold(limit.counts, metrics.untold()),
    },
    attached() {
      looker = createLooker(bootTimeNs());
      young = new YoungSweep(looker, proc);
    },
    alongside: [
      { everyMs: COMPARED_EVERY_MS, run: async () => comparison.tell() },
      { everyMs: LEARN_EVERY_MS, run: learn },
      ...(scanExisting === 0
        ? []
        : [
            { everyMs: scanExisting * 1000, run: scan },
            { everyMs: SWEEP_EVERY_MS, run: (isStopped: () => boolean) => young.sweep(isStopped) },
          ]),
    ],
  };

  function onRecord(bytes: Uint8Array): void {
    // A copy: a report that waits for its container's name would keep the whole batch.
    const record = decode(bytes.slice());
    const list = lists.of(record);
    const rule = record.match === null || list === undefined ? null : foundRule(list, record.match);
    if (isSelfTest(rule, record.match?.bytes)) {
      // Nobody's business but the asker's, and not among the kernel's kills.
      if (record.verdict === "killed") asked.onEvent(record.process.pid, record.latencyNs);
      return;
    }
    const sinceMs = performance.now() - Number(record.latencyNs) / 1e6;
    metrics.killedIfNeeded(Number(record.latencyNs) / 1e9);
    const report = reportOf(record, rule, list);
    if (record.verdict === "asked") {
      askedExecs.onAsked(record, report, sinceMs).catch(house.fault);
      return;
    }
    const isState = report.outcome.action === "spared" || report.outcome.action === "would-kill";
    // A scan was quicker; and none will say it again.
    if (isState && !spares.isFirst(report)) count(report);
    else tell(report, sinceMs);
    if (record.verdict === "kill-failed") killAgain(report);
    if (FOUND.includes(record.verdict)) comparison.found(report, record.generation);
    if (record.verdict === "killed" && record.generation === current?.generation) void watchKill(report);
  }

  function onGrown(tally: Tally, by: number): void {
    byPattern.grown(tally, by);
    comparison.grown(tally, by);
  }

  /** Whoever kills, kernel or agent: the breaker counts it. */
  async function watchKill({ rule, process: { cgroup } }: Report): Promise<void> {
    if (rule === null || !breaker.watches(rule)) return;
    const list = current;
    const container = await house.containerOf(cgroup);
    if (list === current) breaker.killed(rule, container);
  }

  function onTripped({ rule, pods, namespaces }: Tripped): void {
    metrics.demoted();
    try {
      if (current !== null) demote(rule, current, house.map(DEMOTED), house.layout);
    } catch (error) {
      house.fault(error);
    }
    notice(
      "error",
      "Circuit breaker: a string kills in too many places and is only logged until its list is loaded again",
      {
        rule: placeOf(rule),
        pods,
        namespaces,
        window_seconds: breakerWindow,
        ...(rule.note === undefined ? {} : { note: rule.note }),
      },
    );
  }

  /** The kernel's signal call failed: the agent's own may not. */
  function killAgain(failed: Report): void {
    const { pid, startTimeNs } = failed.process;
    const result = kill(pid, startTimeNs);
    const decision: Decision =
      result.kind === "killed" ? "killed" : result.kind === "missed" ? "missed" : "kill-failed";
    metrics.decided("execwhacker.bpf", decision);
    if (result.kind !== "killed") return;
    offer({ ...failed, outcome: { action: "killed", by: "agent" } }, performance.now());
    void watchKill(failed);
  }

  function createLooker(guardedSinceNs: bigint): Looker {
    return new Looker({
      proc,
      list: house.rules,
      memory: execMemory(house.map(SPARED), house.layout),
      guardedSinceNs,
      kill,
      report(report) {
        offer(report, performance.now());
        if (report.outcome.action === "killed") void watchKill(report);
      },
      isFirst: (report) => spares.isFirst(report),
      held: (cgroup, scopes) => heldScopes.in(cgroup, scopes),
      compared: (report) => comparison.scanned(report),
      count: metrics,
    });
  }

  /** Tell the kernel which narrow scopes hold in which container, before it asks. */
  async function learn(isStopped: () => boolean): Promise<void> {
    const list = current;
    const scopes = list?.rules.narrow;
    if (list === null || scopes === undefined) return;
    const found = await walkContainers();
    for (const { key, path } of found ?? []) {
      if (isStopped()) return;
      const held = await heldScopes.in({ source: "kernel", paths: [path] }, scopes);
      if (list !== current) return;
      // Of what nobody knows nothing is said: it is asked for when it matters.
      if (held.isJudged) known.tell(key, held, list.generation, true);
    }
    known.keep(found === null ? null : new Set(found.map(({ key }) => key)));
  }

  async function scan(isStopped: () => boolean): Promise<void> {
    const startedMs = performance.now();
    await scanProcesses(looker, proc, rounds, metrics, { isStopped });
    metrics.scanFinished((performance.now() - startedMs) / 1000);
  }
}

/** Verdicts by which the lists in force have found a process, whatever came of it. */
const FOUND: readonly Verdict[] = ["killed", "kill-failed", "would-kill"];

/** The rule that was found; of a wallet's with the address. */
function foundRule(list: RulesInForce, { stringId, bytes }: ExecMatch): Rule | null {
  const rule = ruleByNumber(list, stringId);
  return rule?.wallet === undefined ? rule : { ...rule, value: bytes };
}

function isNothingBanned(rules: RulesInForce): boolean {
  return bannedStrings(rules) === 0 && rules.wallets === undefined;
}

/** Those in force, of the config: the self-test's is one more. */
function bannedStrings({ strings, candidate }: RulesInForce): number {
  return strings.length - 1 - (candidate?.strings ?? 0);
}
