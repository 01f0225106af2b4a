// What of flowkiller lives as long as it runs: records to lines and kills, counts, what is in force.
import { GroupPlaces } from "../../report/index.js";
import type { House, Life, SelfTestResult } from "../../run/detector.js";
import type { CgroupIdentity } from "../../types.js";
import type { CgroupRoot } from "./cgroup-root.js";
import { exemptions } from "./exemptions.js";
import type { FlowkillerOptions, FlowRules } from "./index.js";
import { kernelSettings } from "./kernel-settings.js";
import { type KernelAbility, WAY_WORDS } from "./kill-way.js";
import { lineOf, summaryOf, type Told } from "./lines.js";
import type { Entry } from "./lists.js";
import { flowMetrics, isOfNames, type Reason } from "./metrics.js";
import { openNames } from "./names/index.js";
import { wantsNames } from "./names/rules.js";
import { type FlowKind, type FlowRecord, flowDecoder, flowKindOf } from "./record.js";
import { scanWindows } from "./scan.js";
import { runSelfTest } from "./self-test.js";
import { checkKillWays, SUMMED, slotContents, TALLIES } from "./sensor.js";
import { compileNetworks } from "./tables.js";
import { tallyReader, type Untold } from "./tallies.js";

/** Lists whose numbers events may still carry. */
const REMEMBERED = 4;
const NAMES_NEED_HOOKS = "Names are off: this kernel has no cgroup hooks (CONFIG_CGROUP_BPF)";
const NAMES_NEED_START = "Names are off until the agent is started anew: there was no list of them when it began";
const NOTHING_BANNED = "attached, but nothing is banned: no list has an address";
/** Of a group of which nothing was told. */
const NOWHERE: CgroupIdentity = { source: "kernel", paths: ["/"] };
/** How long a command line that a pattern allows is not looked at again. */
const EXEMPT_NS = 600_000_000_000n;
const NS_PER_S = 1_000_000_000n;

export function live(
  house: House<FlowRules>,
  { mode, wholeLines }: FlowkillerOptions,
  { way }: KernelAbility,
  root: CgroupRoot | null,
  hasNames: boolean,
): Life<FlowRules> {
  const { layout, kill, proc } = house;
  checkKillWays(layout);
  const decode = flowDecoder(layout);
  const windows = scanWindows(house.map, layout);
  const { timeOf } = house;
  const places = new GroupPlaces();
  const known = new Map<number, FlowRules>();
  /** What is put in force: what an agent before this one left to tell comes before it is. */
  let latest: FlowRules | null = null;
  let isBlindTold = false;
  const networks = { banned: 0, allowed: 0 };
  const metrics = flowMetrics(house.series, {
    readCounters: () => house.counters(),
    readNetworks: () => networks,
    way,
    readNamesKilled: () => names?.kernelKilled() ?? 0n,
    readEntries: (map) => {
      const of = isOfNames(map) ? names?.map : house.map;
      return of === undefined ? 0 : of(map).keys().length;
    },
  });
  const exempt = exemptions({
    map: () => house.map("exempt"),
    containerOf: house.containerOf,
    podLabels: house.podLabels,
    onExempt: (_, label, container) =>
      house.notice("info", "Pod spends of no budget", {
        label,
        ...(container.kind === "container" ? { labels: container.labels } : {}),
      }),
    onError: house.fault,
  });
  let readTallies: (() => Untold<FlowKind>[]) | null = null;
  // Names need the hooks of a cgroup.
  const names =
    hasNames && root !== null
      ? openNames(house, { cgroupRoot: root.path, wholeLines, timeOf, killsByAgent: way === "by-agent", metrics })
      : null;

  return {
    contents(rules) {
      const { banned, allowed, generation, settings } = rules;
      latest = rules;
      const terms = { isAudit: mode === "audit", generation, wholeLines };
      return slotContents(compileNetworks(banned, allowed, layout), kernelSettings(settings, terms, layout), layout);
    },
    onRecord,
    attached: () => root?.close(),
    ...(way === "at-state" ? {} : { selfTest }),
    inForce(rules) {
      known.set(rules.generation, rules);
      const [oldest] = known.keys();
      if (known.size > REMEMBERED) known.delete(oldest!);
      networks.banned = rules.banned.length;
      networks.allowed = rules.allowed.length;
      exempt.setSelectors(rules.settings.egress_exempt_pods);
      if (rules.banned.length === 0) house.notice("warning", NOTHING_BANNED, {});
      if (names === null && wantsNames(rules.settings))
        house.notice("warning", root === null ? NAMES_NEED_HOOKS : NAMES_NEED_START, {});
      return {
        banned_networks: rules.banned.length,
        allowed_networks: rules.allowed.length,
        unique_destinations_threshold: rules.settings.unique_destinations_threshold,
        lookback_duration_seconds: rules.settings.lookback_duration_seconds,
        ...budgetsOf(rules),
        ...names?.inForce(rules),
        mode,
        kill_way: way,
        way: WAY_WORDS[way],
        ...(root === null ? {} : { cgroup_root: root.isOwn ? "a mount of its own" : root.path }),
      };
    },
    readyText: () =>
      [
        house.rules().banned.length === 0 ? NOTHING_BANNED : `attached: banned destinations are ${WAY_WORDS[way]}`,
        ...(names === null ? [] : [names.readyText()]),
      ].join("; "),
    alongside: names?.alongside ?? [],
    counts: {
      look: () => {},
      tell() {
        readTallies ??= tallyReader({
          layout,
          tallies: house.map(TALLIES),
          summed: house.map(SUMMED),
          kindOf: flowKindOf(layout),
        });
        for (const untold of readTallies()) {
          const cgroup = places.get(String(untold.group)) ?? NOWHERE;
          house.tell(summaryOf(untold, cgroup, timeOf), performance.now());
        }
        names?.tellCounts();
      },
      untold: () => ({}),
    },
  };

  async function selfTest(): Promise<SelfTestResult> {
    const result = await runSelfTest({ count: () => house.counters()?.["self_test"] ?? null });
    if (result !== "killed")
      house.notice("error", "Hooks do not answer: another program may have detached them, as Cilium's start does", {});
    return result;
  }

  function onRecord(bytes: Uint8Array): void {
    const sinceMs = performance.now();
    // A copy: a line that waits for its container's name would keep the whole batch.
    const record = decode(bytes.slice());
    places.remember(String(record.group), record.who.cgroup);
    exempt.sees(record.group, record.who.cgroup);
    const tell = (told: Told) => house.tell(lineOf(record, told, timeOf), sinceMs);
    switch (record.kind) {
      case "killed":
      case "scan-killed":
        killOrTell(record, tell);
        break;
      case "scan":
        judgeScan(record, tell);
        break;
      case "over-pod-budget":
      case "over-node-budget":
      case "unreachable":
        tell({ action: "refused" });
        break;
      case "would-be-over-budget":
        tell({ action: "would-refuse" });
        break;
      case "pod":
        break;
      default:
        tell({ action: record.kind, entry: entryOf(record) });
    }
  }

  function entryOf({ entry, generation }: FlowRecord): Entry | null {
    return entry === null ? null : (known.get(generation)?.banned.at(entry) ?? null);
  }

  function scanOf({ window }: FlowRecord): Told["scan"] {
    if (window === null) return undefined;
    return { window, ...windows.destinations(window), seconds: latest?.settings.lookback_duration_seconds ?? 0 };
  }

  function killOrTell(record: FlowRecord, tell: (told: Told) => void): void {
    const scan = scanOf(record);
    const more = { entry: entryOf(record), ...(scan === undefined ? {} : { scan }) };
    if (record.signal === "sent") tell({ action: "killed", killedBy: "kernel", ...more });
    // The kernel may not, or could not: the agent's own signal may reach it.
    else killNow(record, record.kind === "killed" ? "banned-ip" : "scan", (told) => tell({ ...told, ...more }));
  }

  function killNow({ who }: FlowRecord, reason: Reason, tell: (told: Told) => void): void {
    const result = kill(who.pid, who.startTimeNs);
    if (result.kind === "killed") {
      metrics.killed(reason);
      tell({ action: "killed", killedBy: "agent" });
    } else if (result.kind === "missed") {
      metrics.missed(reason);
      tell({ action: "missed-kill" });
    } else {
      metrics.killFailed(reason);
      tell({ action: "kill-failed", error: result.kind === "failed" ? result.code : result.because });
    }
  }

  function judgeScan(record: FlowRecord, tell: (told: Told) => void): void {
    const { window, timeNs } = record;
    const scan = scanOf(record);
    if (window === null || scan === undefined) return;
    const windowNs = BigInt(scan.seconds) * NS_PER_S;
    const pattern = allowedBy(record);
    // By its own word it was allowed, which is no proof, and it cannot be killed any more: the next of its session is looked at.
    if (pattern === "gone") return;
    if (pattern !== null) {
      windows.exempt(window, timeNs + EXEMPT_NS);
      metrics.allowed();
      tell({ action: "spared", scan, allowedBy: pattern });
    } else if (mode === "audit") {
      windows.exempt(window, timeNs + windowNs);
      metrics.wouldKill("scan");
      tell({ action: "would-kill", scan });
    } else {
      killNow(record, "scan", (told) => tell({ ...told, scan }));
      // What else is of that session or pod; a process has nobody else.
      if (window.by !== "process") windows.condemn(window, timeNs + windowNs);
    }
  }

  /** What the allow patterns say; `gone`: it has ended, and one may have allowed it. */
  function allowedBy(record: FlowRecord): string | "gone" | null {
    const commands = latest?.commands;
    if (commands === undefined || commands.sources.length === 0) return null;
    const [own = new Uint8Array(0), ...args] = record.who.args;
    const of = (path: Uint8Array) => {
      const index = commands.find([path, ...args]);
      return index === null ? null : commands.sources[index]!;
    };
    try {
      // What the kernel says of the file that runs, and not the process.
      return of(proc.exe(record.who.pid));
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : "";
      if (code === "ENOENT" || code === "ESRCH") return of(own) === null ? null : "gone";
      if (!isBlindTold) {
        isBlindTold = true;
        house.notice("warning", "Allow patterns spare nobody whose path cannot be read: SYS_PTRACE is missing", {
          code,
        });
      }
      return null;
    }
  }
}

function budgetsOf({ settings }: FlowRules): Readonly<Record<string, number>> {
  const { egress_per_pod, egress_per_node, egress_window_seconds } = settings;
  if (egress_per_pod === 0 && egress_per_node === 0) return {};
  return { egress_per_pod, egress_per_node, egress_window_seconds };
}
