// Names within flowkiller: a second object beside the network guard's, its records to lines and kills, and what is in force.

import type { SensorMap } from "@cryptnono/native";
import { GroupPlaces, type TimeOf } from "../../../report/index.js";
import type { Alongside, House } from "../../../run/detector.js";
import { objectDir, readObject } from "../../../run/objects.js";
import type { CgroupIdentity, Counters } from "../../../types.js";
import type { FlowRules } from "../index.js";
import type { FlowMetrics } from "../metrics.js";
import { tallyReader, type Untold } from "../tallies.js";
import { Egress } from "./egress.js";
import { type Action, lineOf, summaryOf, type Told } from "./lines.js";
import { namesMetrics } from "./metrics.js";
import { type NamesRecord, namesDecoder, type TalliedNames, tallyDecoder } from "./record.js";
import type { NameRules } from "./rules.js";
import { canSignal, namesSensor, OBJECT, SUMMED, slotContents, TALLIES } from "./sensor.js";

export interface NamesOptions {
  /** The root cgroup2's path. */
  readonly cgroupRoot: string;
  readonly wholeLines: number;
  readonly timeOf: TimeOf;
  /** Tests: the agent kills, wherever the kernel could. */
  readonly killsByAgent: boolean;
  /** Counts what the agent did, by its reason. */
  readonly metrics: Pick<FlowMetrics, "killed" | "missed" | "killFailed">;
}

export interface Names {
  /** @returns what the log tells of them. */
  inForce(rules: FlowRules): Readonly<Record<string, unknown>>;
  readyText(): string;
  readonly alongside: readonly Alongside[];
  /** So many the kernel killed. */
  kernelKilled(): bigint;
  /** Tell by number what was not told one by one. */
  tellCounts(): void;
  /** A map of its sensor. */
  map(name: string): SensorMap;
}

/** Lists whose numbers events may still carry. */
const REMEMBERED = 4;
const WRITE_EVERY_MS = 60_000;

/** Of a group of which nothing was told. */
const NOWHERE: CgroupIdentity = { source: "kernel", paths: ["/"] };

/** While the detector begins. */
export function openNames(house: House<FlowRules>, options: NamesOptions): Names {
  const { kill, proc } = house;
  const { timeOf, metrics } = options;
  const signals = !options.killsByAgent && canSignal(readObject(objectDir(), OBJECT));
  const known = new Map<number, NameRules>();
  let current: NameRules | null = null;
  let readCounters: () => Counters | null = () => null;
  let egress: Egress | null = null;
  let mapOf!: (name: string) => SensorMap;
  let makeReader!: () => () => Untold<TalliedNames>[];
  let readTallies: (() => Untold<TalliedNames>[]) | null = null;
  const places = new GroupPlaces();
  const { kernelKilled } = namesMetrics(house.series, {
    readCounters: () => readCounters(),
    readNames: () => ({ listed: current?.listed.length ?? 0, spared: current?.spared.length ?? 0 }),
    mode: () => (current?.mode === "enforce" ? "enforce" : "audit"),
  });

  house.open(namesSensor(options.cgroupRoot, signals), ({ layout, map, counters }) => {
    const decode = namesDecoder(layout);
    const kindOf = tallyDecoder(layout);
    readCounters = counters;
    // At once, while the detector begins.
    mapOf = map;
    makeReader = () => tallyReader({ layout, tallies: map(TALLIES), summed: map(SUMMED), kindOf });
    egress = new Egress({ layout, map });
    return {
      contents({ names, generation }) {
        const mode = names.mode === "enforce" ? "enforce" : "audit";
        return slotContents({ ...names, mode, generation, wholeLines: options.wholeLines }, layout);
      },
      // A copy: a line that waits for its container's name would keep the whole batch.
      onRecord: (bytes) => onRecord(decode(bytes.slice())),
    };
  });

  function onRecord(record: NamesRecord): void {
    const sinceMs = performance.now();
    const cgroup = cgroupOf(record);
    places.remember(String(record.owner.group), cgroup);
    const rules = known.get(record.generation) ?? current;
    const entry = record.entry === null ? null : (known.get(record.generation)?.listed[record.entry] ?? null);
    const tell = (told: Omit<Told, "entry" | "cgroup">) =>
      house.tell(lineOf(record, { ...told, entry, cgroup }, timeOf), sinceMs);
    switch (record.evidence) {
      case "unknown-pod":
        if (hasLine(record, rules)) tell({ action: "refused" });
        know(record.owner.group, cgroup).catch(house.fault);
        return;
      case "seen":
        egress?.seen(record);
        return;
      case "egress":
        tell({ action: "refused" });
        return;
      default:
        if (!hasLine(record, rules)) return;
        if (record.outcome === "killed") killOrTell(record, tell);
        else tell({ action: actionOf(record) });
    }
  }

  async function know(group: bigint, cgroup: CgroupIdentity): Promise<void> {
    const container = await house.containerOf(cgroup);
    const uid = container.kind === "container" ? container.labels["io.kubernetes.pod.uid"] : undefined;
    egress?.know(group, container, uid === undefined ? null : await house.podLabels(uid));
  }

  function killOrTell(record: NamesRecord, tell: (told: Omit<Told, "entry" | "cgroup">) => void): void {
    if (record.signal === "sent") {
      tell({ action: "killed", killedBy: "kernel" });
      return;
    }
    const result = kill(record.owner.pid, record.owner.startTimeNs);
    if (result.kind === "killed") {
      metrics.killed("name");
      tell({ action: "killed", killedBy: "agent" });
    } else if (result.kind === "missed") {
      metrics.missed("name");
      tell({ action: "missed-kill" });
    } else {
      metrics.killFailed("name");
      tell({ action: "kill-failed", error: result.kind === "failed" ? result.code : result.because });
    }
  }

  /** As the kernel saw it, or, when the packet left in another's context, as it is now. */
  function cgroupOf({ who, owner }: NamesRecord): CgroupIdentity {
    if (who !== null) return who.cgroup;
    try {
      return { source: "proc", lines: Buffer.from(proc.read(owner.pid, "cgroup")).toString("utf8") };
    } catch {
      return { source: "kernel", paths: [] };
    }
  }

  return {
    inForce({ names, generation }) {
      current = names;
      known.set(generation, names);
      const [oldest] = known.keys();
      if (known.size > REMEMBERED) known.delete(oldest!);
      egress?.inForce(names.egress);
      return {
        names: names.mode,
        listed_names: names.listed.length,
        allowed_names: names.spared.length,
        ...(names.mode === "enforce" ? { names_questions: names.dropsQuestions ? "drop" : "answer" } : {}),
        ...(names.egress === null
          ? {}
          : {
              egress_learn_pods: names.egress.learn.length,
              egress_enforce_pods: names.egress.enforce.length,
              egress_allowed: names.egress.names.length + names.egress.networks.length,
            }),
      };
    },
    kernelKilled,
    map: (name) => mapOf(name),
    tellCounts() {
      readTallies ??= makeReader();
      for (const untold of readTallies()) {
        const { evidence, outcome, entry, generation } = untold.kind;
        const rules = known.get(generation);
        if (!hasLine(untold.kind, rules ?? current)) continue;
        const told = {
          action: outcome === "killed" ? "killed" : actionOf({ evidence, outcome }),
          entry: entry === null ? null : (rules?.listed[entry] ?? null),
          cgroup: places.get(String(untold.group)) ?? NOWHERE,
        } as const;
        house.tell(summaryOf(untold, told, timeOf), performance.now());
      }
    },
    readyText: () => `${current?.listed.length ?? 0} names of pools, ${current?.mode ?? "off"}`,
    alongside: [
      {
        everyMs: WRITE_EVERY_MS,
        run: () => {
          egress?.write();
          return Promise.resolve();
        },
      },
    ],
  };
}

/** The first of them are told one by one. */
function hasLine({ evidence, outcome }: Pick<NamesRecord, "evidence" | "outcome">, rules: NameRules | null): boolean {
  if (evidence === "seen") return false;
  if (evidence === "unknown-pod") return outcome === "refused";
  // Where names are off, only pods' destinations are looked at.
  return evidence === "egress" || rules?.mode !== "off";
}

function actionOf({ evidence, outcome }: Pick<NamesRecord, "evidence" | "outcome">): Action {
  if (evidence === "answer") return "observed";
  if (evidence === "question") return outcome === "dropped" ? "dropped" : "would-drop";
  return outcome === "refused" ? "refused" : "would-kill";
}
