// Names within flowkiller: a second object beside the network guard's, its records to lines and kills, and what is in force.

import type { TimeOf } from "../../../report/index.js";
import type { Alongside, House } from "../../../run/detector.js";
import { objectDir, readObject } from "../../../run/objects.js";
import type { CgroupIdentity, Counters } from "../../../types.js";
import type { FlowRules } from "../index.js";
import type { FlowMetrics } from "../metrics.js";
import { Egress } from "./egress.js";
import { type Action, lineOf, type Told } from "./lines.js";
import { namesMetrics } from "./metrics.js";
import { type NamesRecord, namesDecoder } from "./record.js";
import type { NameRules } from "./rules.js";
import { canSignal, namesSensor, OBJECT, slotContents } from "./sensor.js";

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
}

/** Lists whose numbers events may still carry. */
const REMEMBERED = 4;
const WRITE_EVERY_MS = 60_000;

/** While the detector begins. */
export function openNames(house: House<FlowRules>, options: NamesOptions): Names {
  const { kill, proc } = house;
  const { timeOf, metrics } = options;
  const signals = !options.killsByAgent && canSignal(readObject(objectDir(), OBJECT));
  const known = new Map<number, NameRules>();
  let current: NameRules | null = null;
  let readCounters: () => Counters | null = () => null;
  let egress: Egress | null = null;
  const { kernelKilled } = namesMetrics(house.series, {
    readCounters: () => readCounters(),
    readNames: () => ({ listed: current?.listed.length ?? 0, spared: current?.spared.length ?? 0 }),
    mode: () => (current?.mode === "enforce" ? "enforce" : "audit"),
  });

  house.open(namesSensor(options.cgroupRoot, signals), ({ layout, map, counters }) => {
    const decode = namesDecoder(layout);
    readCounters = counters;
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
    const rules = known.get(record.generation) ?? current;
    const entry = record.entry === null ? null : (known.get(record.generation)?.listed[record.entry] ?? null);
    const tell = (told: Omit<Told, "entry" | "cgroup">) =>
      house.tell(lineOf(record, { ...told, entry, cgroup }, timeOf), sinceMs);
    switch (record.evidence) {
      case "unknown-pod":
        if (record.outcome === "refused") tell({ action: "refused" });
        know(record.owner.group, cgroup).catch(house.fault);
        return;
      case "seen":
        egress?.seen(record);
        return;
      case "egress":
        tell({ action: "refused" });
        return;
      default:
        // Where names are off, only pods' destinations are looked at.
        if (rules?.mode === "off") return;
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

function actionOf({ evidence, outcome }: NamesRecord): Action {
  if (evidence === "answer") return "observed";
  if (evidence === "question") return outcome === "dropped" ? "dropped" : "would-drop";
  return outcome === "refused" ? "refused" : "would-kill";
}
