// Monero: kills what computes RandomX, whatever its command line says. The kernel decides, by registers and by rounding modes.
import { getSystemErrorName } from "node:util";
import { processReads, ticker } from "@cryptnono/native";
import { UnsupportedError } from "../../errors.js";
import type { KillResult } from "../../kill/index.js";
import { nsToTicks, parseStat, readStat } from "../../proc/index.js";
import { groupOfLines } from "../../report/index.js";
import type { Detector, House, Life } from "../../run/detector.js";
import type { Identity } from "../../sensor/index.js";
import { type Action, findingLine, KERNEL_SOURCE, lineOf, MEMORY_SOURCE, type Told } from "./lines.js";
import { PATTERNS } from "./memory/algorithms.js";
import { AtExec, EXEC_BUDGET, FURTHER_BUDGET } from "./memory/at-exec.js";
import { Budget } from "./memory/budget.js";
import { BurnWatch } from "./memory/burning.js";
import { Looks } from "./memory/looks.js";
import { type Finding, MemoryScan } from "./memory/scan.js";
import { Searched } from "./memory/searched.js";
import { whoIs } from "./memory/who.js";
import { type MoneroMetrics, moneroMetrics } from "./metrics.js";
import { type AllowPattern, type AllowPatterns, readPatterns } from "./patterns.js";
import { execDecoder, type MoneroRecord, type Rule, recordDecoder } from "./record.js";
import { SelfTest } from "./self-test.js";
import { LOOKS, MARKS, moneroSensor, OBJECT, roundingObstacle, SETTINGS } from "./sensor.js";
import { type RoundingSettings, type RuleMode, settingsBytes } from "./settings.js";
import { Teller } from "./teller.js";
import { Ticks } from "./ticks.js";

export interface MemoryOptions {
  readonly mode: RuleMode;
  /** Seconds between two looks at who burns CPU. */
  readonly every: number;
  /** Percent of one processor from which on a process is looked into. */
  readonly leastPercent: number;
  /** Whether files are looked into as they begin to run. */
  readonly atExec: boolean;
}

export interface MoneroOptions {
  /** Files with allow patterns. */
  readonly config: readonly string[];
  readonly rounding: RoundingSettings;
  readonly memory: MemoryOptions;
  /** How often a processor that computes is interrupted, a second; 0: not. */
  readonly ticks: number;
  /** Lines of one kind in one pod before most are only counted; 0: all. */
  readonly wholeLines: number;
  /** Tests: only this process's descendants are looked into; 0: every process. */
  readonly scopePid: number;
}

/** What is in force. */
export interface MoneroRules {
  readonly allow: AllowPatterns;
  readonly generation: number;
}

const TICKS_LOOK_EVERY_MS = 2000;
/** What is to be searched is searched a little each second. */
const SCAN_STEP_MS = 1000;
/** USER_HZ is 100 on every architecture Node runs on (linux include/asm-generic/param.h). */
const TICKS_PER_SECOND = 100;

/** @param obstacle - What keeps this machine from seeing it. @throws UnsupportedError */
export function monero(options: MoneroOptions, obstacle = roundingObstacle()): Detector<MoneroRules> {
  const { memory } = options;
  if (obstacle !== null && memory.mode === "off") {
    const hint = "run it on x86-64 with Linux 5.15 or later, or with --memory audit";
    throw new UnsupportedError(`watch what programs compute: ${obstacle}`, hint);
  }
  // An agent's numbers must not be taken for those of the agent before it.
  let generation = (Math.random() * 0x7fffffff) >>> 0;
  return {
    name: "monero",
    sensor: { ...moneroSensor(obstacle === null, memory.atExec && memory.mode !== "off"), object: OBJECT },
    watched: options.config,
    async load() {
      generation = (generation + 1) >>> 0;
      return { allow: readPatterns(options.config), generation };
    },
    begin: (house) => live(house, options, obstacle),
  };
}

function live(
  house: House<MoneroRules>,
  { rounding, memory, ticks, wholeLines, scopePid }: MoneroOptions,
  obstacle: string | null,
): Life<MoneroRules> {
  const { layout, proc, kill, timeOf } = house;
  const decode = recordDecoder(layout);
  const decodeExec = execDecoder(layout);
  const metrics: MoneroMetrics = moneroMetrics(house.series, {
    readCounters: () => house.counters(),
    readTicks: ticker.counts,
    readWaiting: () => atExec.waiting,
  });
  const selfTest = new SelfTest();
  const teller = new Teller({ wholeLines, tell: house.tell });
  const budget = new Budget();
  const scan = createScan();
  const atExec = createAtExec();
  const ticking = new Ticks(ticks);

  return {
    contents: ({ allow, generation }) => ({
      [SETTINGS]: settingsBytes(rounding, allow.patterns.length > 0, generation, layout),
    }),
    onRecord,
    attached: goOn,
    inForce: ({ allow }) => ({
      registers: rounding.registers,
      four_modes: rounding.fourModes,
      memory: memory.mode,
      ...(obstacle === null ? {} : { blind: obstacle }),
      allowed_patterns: allow.patterns.length,
    }),
    readyText: () =>
      obstacle === null
        ? `attached: registers ${rounding.registers}, four-modes ${rounding.fourModes}, memory ${memory.mode}`
        : `memory ${memory.mode}, and nothing else: ${obstacle}`,
    ...(obstacle === null ? { askedSelfTest: () => selfTest.run() } : {}),
    alongside: [
      ...(memory.mode === "off" ? [] : [{ everyMs: SCAN_STEP_MS, run: searchALittle }]),
      ...(ticks === 0 || obstacle !== null ? [] : [{ everyMs: TICKS_LOOK_EVERY_MS, run: lookWhoComputes }]),
    ],
    counts: {
      look: () => {},
      tell: () => teller.tellCounts(),
      untold: () => teller.untold(),
    },
  };

  function onRecord(bytes: Uint8Array): void {
    const sinceMs = performance.now();
    const exec = decodeExec(bytes);
    if (exec !== null) {
      if (atExec.add(exec)) atExec.run().catch(house.fault);
      return;
    }
    const record = decode(bytes.slice());
    if (selfTest.takes(record)) return;
    const facts = factsOf(record);
    const tell = (action: Action, more: Partial<Told> = {}): void => {
      const { rule, who } = record;
      const group = String(record.group);
      const line = lineOf(record, { action, timeOf, ...facts, ...more });
      teller.tell({ source: KERNEL_SOURCE, action, rule, group }, line, who.uid, sinceMs);
    };
    if (record.kind === "killed") tell("killed", { killedBy: "kernel" });
    else if (record.kind === "would-kill") tell("would-kill");
    else if (record.kind === "kill-failed") killNow(record.who, record.rule, tell);
    else judge(record.who, record.rule, facts.exe, tell);
  }

  async function lookWhoComputes(isStopped: () => boolean): Promise<void> {
    if (isStopped()) ticking.rest();
    else ticking.look();
  }

  async function searchALittle(isStopped: () => boolean): Promise<void> {
    await atExec.run();
    await scan.run(isStopped);
  }

  function createAtExec(): AtExec {
    return new AtExec({
      proc,
      budgets: [new Budget(EXEC_BUDGET), budget],
      further: new Budget(FURTHER_BUDGET),
      searched: metrics.search.searched,
      became(exec, result) {
        metrics.exec(result);
        if (result !== "vanished") keep(() => looks().put(exec, result));
      },
      mark(exec, stat, algorithm) {
        metrics.marked();
        scan.mark(exec.pid, stat, algorithm);
        keep(() => looks().putMark(exec, algorithm));
      },
    });
  }

  function looks(): Looks {
    return new Looks({ looks: house.map(LOOKS), marks: house.map(MARKS) }, layout);
  }

  /** A look may come to its end when the maps are closed. */
  function keep(write: () => void): void {
    try {
      write();
    } catch (error) {
      if (house.counters() !== null) house.fault(error);
    }
  }

  /** What an agent before this one had marked, and what waited for it. */
  function goOn(): void {
    if (!memory.atExec || memory.mode === "off") return;
    for (const { pid, startTimeNs, algorithm } of looks().allMarks()) {
      const stat = readStat(pid, proc);
      if (stat?.startTicks !== nsToTicks(startTimeNs)) continue;
      metrics.marked();
      scan.mark(pid, stat, algorithm);
    }
    for (const look of looks().all()) if (look.outcome === "waits") atExec.add(look);
  }

  function createScan(): MemoryScan {
    processReads.prepareSearch(PATTERNS);
    return new MemoryScan({
      proc,
      watch: new BurnWatch(proc, scopePid),
      budget,
      searched: new Searched(),
      count: metrics.search,
      leastShare: memory.leastPercent / 100,
      everyMs: memory.every * 1000,
      found,
    });
  }

  async function found(finding: Finding): Promise<void> {
    const sinceMs = performance.now();
    const { pid, stat } = finding.burning;
    const who = await whoIs(pid, stat, proc);
    const exe = exeOf(pid);
    const group = groupOfLines(who.cgroup.source === "proc" ? who.cgroup.lines : "");
    const tell: Tell = (action, more = {}) => {
      const cpuSeconds = stat.cpuTicks / TICKS_PER_SECOND;
      const line = findingLine(finding, who, group, { action, timeOf, cpuSeconds, ...exe, ...more });
      teller.tell({ source: MEMORY_SOURCE, action, rule: "algorithm", group }, line, who.uid, sinceMs);
    };
    if (memory.mode === "enforce") return judge(who, "algorithm", exe.exe, tell);
    const allowedBy = allowing(who, exe.exe);
    metrics.did(allowedBy === null ? "would-kill" : "spared", "algorithm");
    if (allowedBy === null) tell("would-kill");
    else tell("spared", { allowedBy });
  }

  /** What of a process is worth showing, and may be gone already. */
  function factsOf({ who }: MoneroRecord): Pick<Told, "exe" | "cpuSeconds"> {
    try {
      const stat = parseStat(proc.read(who.pid, "stat"));
      return { ...(stat === null ? {} : { cpuSeconds: stat.cpuTicks / TICKS_PER_SECOND }), ...exeOf(who.pid) };
    } catch {
      return {};
    }
  }

  function exeOf(pid: number): Pick<Told, "exe"> {
    try {
      return { exe: Uint8Array.from(proc.exe(pid)) };
    } catch {
      return {};
    }
  }

  function allowing(who: Identity, exe: Uint8Array | undefined): AllowPattern | null {
    const path = exe ?? who.args[0];
    return path === undefined ? null : house.rules().allow.allows([path, ...who.args.slice(1)]);
  }

  /** The kernel asks, or the memory scan, whether a pattern allows it. */
  function judge(who: Identity, rule: Rule, exe: Uint8Array | undefined, tell: Tell): void {
    const allowedBy = allowing(who, exe);
    if (allowedBy === null) {
      killNow(who, rule, tell);
      return;
    }
    metrics.did("spared", rule);
    tell("spared", { allowedBy });
  }

  function killNow(who: Identity, rule: Rule, tell: Tell): void {
    const result = kill(who.pid, who.startTimeNs);
    if (result.kind === "killed") {
      metrics.did("killed", rule);
      tell("killed", { killedBy: "agent" });
    } else if (result.kind === "missed") {
      metrics.did("missed", rule);
      tell("missed-kill");
    } else {
      metrics.did("kill-failed", rule);
      tell("kill-failed", { error: errorOf(result) });
    }
  }
}

type Tell = (action: Action, more?: Partial<Told>) => void;

function errorOf(result: Extract<KillResult, { kind: "failed" | "refused" }>): string {
  return result.kind === "failed" ? getSystemErrorName(-result.errno) : result.because;
}
