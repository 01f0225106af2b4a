// Monero: kills what computes RandomX, whatever its command line says. The kernel decides, by registers and by rounding modes.
import { uptime } from "node:os";
import { getSystemErrorName } from "node:util";
import { UnsupportedError } from "../../errors.js";
import type { KillResult } from "../../kill/index.js";
import { parseStat } from "../../proc/index.js";
import type { Detector, House, Life } from "../../run/detector.js";
import { type Action, KERNEL_SOURCE, lineOf, type Told } from "./lines.js";
import { type MoneroMetrics, moneroMetrics } from "./metrics.js";
import { type AllowPattern, type AllowPatterns, readPatterns } from "./patterns.js";
import { type MoneroRecord, recordDecoder } from "./record.js";
import { SelfTest } from "./self-test.js";
import { moneroSensor, OBJECT, roundingObstacle, SETTINGS } from "./sensor.js";
import { type RoundingSettings, settingsBytes } from "./settings.js";
import { Teller } from "./teller.js";

export interface MoneroOptions {
  /** Files with allow patterns. */
  readonly config: readonly string[];
  readonly rounding: RoundingSettings;
  /** Lines of one kind in one pod before most are only counted; 0: all. */
  readonly wholeLines: number;
}

/** What is in force. */
export interface MoneroRules {
  readonly allow: AllowPatterns;
  readonly generation: number;
}

/** USER_HZ is 100 on every architecture Node runs on (linux include/asm-generic/param.h). */
const TICKS_PER_SECOND = 100;

/** @param obstacle - What keeps this machine from seeing it. @throws UnsupportedError */
export function monero(options: MoneroOptions, obstacle = roundingObstacle()): Detector<MoneroRules> {
  if (obstacle !== null)
    throw new UnsupportedError(`watch what programs compute: ${obstacle}`, "run it on x86-64 with Linux 5.15 or later");
  // An agent's numbers must not be taken for those of the agent before it.
  let generation = (Math.random() * 0x7fffffff) >>> 0;
  return {
    name: "monero",
    sensor: { ...moneroSensor(true), object: OBJECT },
    watched: options.config,
    async load() {
      generation = (generation + 1) >>> 0;
      return { allow: readPatterns(options.config), generation };
    },
    begin: (house) => live(house, options),
  };
}

function live(house: House<MoneroRules>, { rounding, wholeLines }: MoneroOptions): Life<MoneroRules> {
  const { layout, proc, kill } = house;
  const decode = recordDecoder(layout);
  const bootTimeMs = Date.now() - uptime() * 1000;
  const timeOf = (ns: bigint) => new Date(bootTimeMs + Number(ns / 1_000_000n)).toISOString();
  const metrics: MoneroMetrics = moneroMetrics(house.series, { readCounters: () => house.counters() });
  const selfTest = new SelfTest();
  const teller = new Teller({ wholeLines, tell: house.tellOwn });

  return {
    contents: ({ allow, generation }) => ({
      [SETTINGS]: settingsBytes(rounding, allow.patterns.length > 0, generation, layout),
    }),
    onRecord,
    inForce: ({ allow }) => ({
      registers: rounding.registers,
      four_modes: rounding.fourModes,
      allowed_patterns: allow.patterns.length,
    }),
    readyText: () => `attached: registers ${rounding.registers}, four-modes ${rounding.fourModes}`,
    askedSelfTest: () => selfTest.run(),
    counts: {
      look: () => {},
      take() {
        teller.tellCounts();
        return [];
      },
      untold: () => teller.untold(),
    },
  };

  function onRecord(bytes: Uint8Array): void {
    const sinceMs = performance.now();
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
    else if (record.kind === "kill-failed") killNow(record, tell);
    else judge(record, facts.exe, tell);
  }

  /** What of a process is worth showing, and may be gone already. */
  function factsOf({ who }: MoneroRecord): Pick<Told, "exe" | "cpuSeconds"> {
    try {
      const stat = parseStat(proc.read(who.pid, "stat"));
      const cpu = stat === null ? {} : { cpuSeconds: stat.cpuTicks / TICKS_PER_SECOND };
      try {
        return { ...cpu, exe: Uint8Array.from(proc.exe(who.pid)) };
      } catch {
        return cpu;
      }
    } catch {
      return {};
    }
  }

  /** The kernel asks whether a pattern allows it. */
  function judge(record: MoneroRecord, exe: Uint8Array | undefined, tell: Tell): void {
    const { rule, who } = record;
    const path = exe ?? who.args[0];
    const allowedBy: AllowPattern | null =
      path === undefined ? null : house.rules().allow.allows([path, ...who.args.slice(1)]);
    if (allowedBy === null) {
      killNow(record, tell);
      return;
    }
    metrics.did("spared", rule);
    tell("spared", { allowedBy });
  }

  function killNow({ who, rule }: MoneroRecord, tell: Tell): void {
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
