// Flowkiller: refuses banned destinations in the kernel, before their first packet, and kills who meant them.

import { uptime } from "node:os";
import { constant } from "@cryptnono/native";
import { ConfigError, readWhole, unreadable } from "../../config/index.js";
import { GroupPlaces } from "../../report/index.js";
import type { Detector, House, Life } from "../../run/detector.js";
import { objectDir, readObject } from "../../run/objects.js";
import type { CgroupIdentity } from "../../types.js";
import { type CgroupRoot, findCgroupRoot } from "./cgroup-root.js";
import { explainFailure } from "./failures.js";
import { watchedPaths } from "./files.js";
import { chooseKillWay, type KillWay, WAY_WORDS } from "./kill-way.js";
import { type Action, lineOf, summaryOf } from "./lines.js";
import { type Entry, readLists } from "./lists.js";
import { flowMetrics } from "./metrics.js";
import { FLOW_KINDS, type FlowRecord, flowDecoder } from "./record.js";
import { checkKillWays, flowkillerSensor, OBJECT, slotContents } from "./sensor.js";
import { parseSettings, type Said, type Settings, settingsOf } from "./settings.js";
import { compileNetworks } from "./tables.js";
import { tallyReader } from "./tallies.js";

export interface FlowkillerOptions {
  /** Files with settings. */
  readonly config: readonly string[];
  /** Settings by flags, which win over files. */
  readonly said: Said;
  readonly mode: "enforce" | "audit";
  /** null: it is looked for. */
  readonly cgroupRoot: string | null;
  /** Lines of one kind in one pod before most are only counted; 0: all. */
  readonly wholeLines: number;
  /** Tests: another way than the best that this kernel has. */
  readonly killWay?: KillWay;
}

/** What is in force. */
export interface FlowRules {
  readonly settings: Settings;
  readonly banned: readonly Entry[];
  readonly allowed: readonly Entry[];
  readonly generation: number;
}

/** Of a group of which nothing was told. */
const NOWHERE: CgroupIdentity = { source: "kernel", paths: ["/"] };
/** Lists whose numbers events may still carry. */
const REMEMBERED = 4;
const NOTHING_BANNED = "attached, but nothing is banned: no list has an address";

/** @throws UnsupportedError, ConfigError */
export function flowkiller(options: FlowkillerOptions): Detector<FlowRules> {
  const object = readObject(objectDir(), OBJECT);
  const way = options.killWay ?? chooseKillWay(object);
  const root = way === "at-state" ? null : findCgroupRoot(options.cgroupRoot);
  const first = readSettings(options);
  let globs = globsOf(first);
  // An agent's numbers must not be taken for those of the agent before it, whose events it may inherit.
  let generation = (Math.random() * 0x7fffffff) >>> 0;

  return {
    name: "flowkiller",
    sensor: { ...flowkillerSensor(way, root?.path ?? ""), object: OBJECT },
    wishes: {
      ...(first.metrics_port === 0 ? {} : { serveMetricsPort: first.metrics_port }),
      ...(first.log_container_info ? { lookupContainer: true } : {}),
      ...(first.log_container_envs.length === 0 ? {} : { lookupContainer: true, lookupEnvs: first.log_container_envs }),
    },
    watched: () => [...options.config, ...watchedPaths(globs)],
    async load() {
      const settings = readSettings(options);
      globs = globsOf(settings);
      generation = (generation + 1) >>> 0;
      return { settings, ...readNetworks(settings), generation };
    },
    begin: (house) => live(house, options, way, root),
    explain: explainFailure,
  };
}

function globsOf(settings: Settings): readonly string[] {
  return [...settings.banned_ipv4_file_globs, ...settings.banned_file_globs, ...settings.allowed_file_globs];
}

/** @throws ConfigError with the problems of all files. */
export function readSettings({ config, said }: Pick<FlowkillerOptions, "config" | "said">): Settings {
  const files = config.map((file) => {
    let bytes: Uint8Array;
    try {
      bytes = readWhole(file);
    } catch (error) {
      throw new ConfigError([unreadable(file, error)]);
    }
    return parseSettings(file, Buffer.from(bytes).toString());
  });
  return settingsOf(...files, said);
}

/** @throws ConfigError */
export function readNetworks(settings: Settings): { readonly banned: Entry[]; readonly allowed: Entry[] } {
  const globs = [...settings.banned_ipv4_file_globs, ...settings.banned_file_globs];
  return {
    banned: readLists(globs, { setting: "FlowKiller.banned_networks", networks: [] }),
    allowed: readLists(
      settings.allowed_file_globs,
      { setting: "FlowKiller.allowed_networks", networks: settings.allowed_networks },
      { withoutPorts: true },
    ),
  };
}

function live(
  house: House<FlowRules>,
  { mode, wholeLines }: FlowkillerOptions,
  way: KillWay,
  root: CgroupRoot | null,
): Life<FlowRules> {
  const { layout, kill } = house;
  checkKillWays(layout);
  const decode = flowDecoder(layout);
  const bootTimeMs = Date.now() - uptime() * 1000;
  const timeOf = (ns: bigint) => new Date(bootTimeMs + Number(ns / 1_000_000n)).toISOString();
  const places = new GroupPlaces();
  const known = new Map<number, FlowRules>();
  const networks = { banned: 0, allowed: 0 };
  const metrics = flowMetrics(house.series, {
    readCounters: () => house.counters(),
    readNetworks: () => networks,
    way,
  });
  let readTallies: (() => ReturnType<ReturnType<typeof tallyReader>>) | null = null;

  return {
    contents: ({ banned, allowed, generation, settings }) =>
      slotContents(
        compileNetworks(banned, allowed, layout),
        {
          flags:
            (mode === "audit" ? constant(layout, "FLOW_AUDIT") : 0) |
            (settings.log_connects ? constant(layout, "FLOW_LOG_CONNECTS") : 0),
          generation,
          wholeLines,
        },
        layout,
      ),
    onRecord,
    attached: () => root?.close(),
    inForce(rules) {
      known.set(rules.generation, rules);
      const [oldest] = known.keys();
      if (known.size > REMEMBERED) known.delete(oldest!);
      networks.banned = rules.banned.length;
      networks.allowed = rules.allowed.length;
      if (rules.banned.length === 0) house.notice("warning", NOTHING_BANNED, {});
      return {
        banned_networks: rules.banned.length,
        allowed_networks: rules.allowed.length,
        mode,
        kill_way: way,
        way: WAY_WORDS[way],
        ...(root === null ? {} : { cgroup_root: root.isOwn ? "a mount of its own" : root.path }),
      };
    },
    readyText: () =>
      house.rules().banned.length === 0 ? NOTHING_BANNED : `attached: banned destinations are ${WAY_WORDS[way]}`,
    counts: {
      look: () => {},
      take() {
        readTallies ??= tallyReader({
          layout,
          tallies: house.map("tallies"),
          summed: house.map("summed"),
          kinds: FLOW_KINDS,
        });
        for (const untold of readTallies()) {
          const cgroup = places.get(String(untold.group)) ?? NOWHERE;
          house.tellOwn(summaryOf(untold, cgroup, timeOf), performance.now());
        }
        return [];
      },
      untold: () => ({}),
    },
  };

  function onRecord(bytes: Uint8Array): void {
    const sinceMs = performance.now();
    const record = decode(bytes.slice());
    places.remember(String(record.group), record.who.cgroup);
    const entry = record.entry === null ? null : (known.get(record.generation)?.banned[record.entry] ?? null);
    const tell = (action: Action, more: { killedBy?: "kernel" | "agent"; error?: string } = {}) =>
      house.tellOwn(lineOf(record, { action, entry, timeOf, ...more }), sinceMs);
    if (record.kind !== "killed") tell(record.kind);
    else if (record.signal === "sent") tell("killed", { killedBy: "kernel" });
    else killNow(record, tell);
  }

  /** The kernel may not, or could not: the agent's own signal may reach it. */
  function killNow(
    { who }: FlowRecord,
    tell: (action: Action, more?: { killedBy?: "kernel" | "agent"; error?: string }) => void,
  ): void {
    const result = kill(who.pid, who.startTimeNs);
    if (result.kind === "killed") {
      metrics.killed("banned-ip");
      tell("killed", { killedBy: "agent" });
    } else if (result.kind === "missed") {
      metrics.missed("banned-ip");
      tell("missed-kill");
    } else {
      metrics.killFailed("banned-ip");
      tell("kill-failed", { error: result.kind === "failed" ? result.code : result.because });
    }
  }
}
