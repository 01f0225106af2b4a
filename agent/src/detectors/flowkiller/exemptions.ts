// Which pods spend of no budget: by their labels, which are asked for when the kernel tells of a pod for the first time.
import type { SensorMap } from "@cryptnono/native";
import type { CgroupIdentity, ContainerResult } from "../../types.js";

export interface ExemptionParts {
  /** `exempt`, by group. */
  readonly map: () => SensorMap;
  readonly containerOf: (cgroup: CgroupIdentity) => Promise<ContainerResult>;
  /** The labels of a pod's owner; null when they are not known. */
  readonly podLabels: (uid: string) => Promise<Readonly<Record<string, string>> | null>;
  readonly onExempt: (group: bigint, label: string, container: ContainerResult) => void;
  readonly onError: (error: unknown) => void;
}

export interface Exemptions {
  /** From now on these: `label=value`. What was decided by others is decided anew. */
  setSelectors(selectors: readonly string[]): void;
  /** A process of the group stood there. */
  sees(group: bigint, cgroup: CgroupIdentity): void;
}

/** Pods whose answer is remembered; the oldest go, and are asked for again. */
const REMEMBERED = 4096;
/** How long after an answer that named no container it is asked for again. */
const AGAIN_MS = 30_000;

export function exemptions(parts: ExemptionParts, nowMs: () => number = () => performance.now()): Exemptions {
  let selectors: readonly (readonly [label: string, value: string])[] = [];
  /** Until when nothing is asked of the group. */
  const settled = new Map<bigint, number>();

  async function ask(group: bigint, cgroup: CgroupIdentity): Promise<void> {
    const wanted = selectors;
    const container = await parts.containerOf(cgroup);
    if (container.kind === "container") settled.set(group, Number.POSITIVE_INFINITY);
    if (container.kind !== "container" || container.type !== "cri") return;
    const uid = container.labels["io.kubernetes.pod.uid"];
    const owners = uid === undefined ? null : await parts.podLabels(uid);
    // The kubelet's own words come last: nobody's label may speak for a namespace.
    const labels: Readonly<Record<string, string>> = { ...owners, ...container.labels };
    const found = wanted.find(([label, value]) => Object.hasOwn(labels, label) && labels[label] === value);
    if (found === undefined || wanted !== selectors) return;
    parts.map().set(group, 1);
    parts.onExempt(group, found.join("="), container);
  }

  return {
    setSelectors(next) {
      const parsed = next.map((text) => split(text));
      if (JSON.stringify(parsed) === JSON.stringify(selectors)) return;
      selectors = parsed;
      settled.clear();
      const map = parts.map();
      for (const key of map.keys()) map.delete(key);
    },
    sees(group, cgroup) {
      if (selectors.length === 0 || group === 0n || (settled.get(group) ?? 0) > nowMs()) return;
      settled.delete(group);
      settled.set(group, nowMs() + AGAIN_MS);
      if (settled.size > REMEMBERED) settled.delete(settled.keys().next().value!);
      ask(group, cgroup).catch(parts.onError);
    },
  };
}

function split(selector: string): readonly [label: string, value: string] {
  const at = selector.indexOf("=");
  return [selector.slice(0, at), selector.slice(at + 1)];
}
