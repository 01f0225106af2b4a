// Which nodes have an agent that guards, as the agents' pods tell it. Nothing but pods is read: a DaemonSet has a pod for each
// node that should have one, before there is room for it.
import type { V1Pod } from "@kubernetes/client-node";
import type { UnguardedNode } from "../coverage.js";

/** The node of a DaemonSet's pod, scheduled or not. */
export function nodeOf({ spec }: V1Pod): string | null {
  if (spec?.nodeName) return spec.nodeName;
  const terms = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  for (const { matchFields = [] } of terms) {
    for (const { key, values = [] } of matchFields)
      if (key === "metadata.name" && values.length === 1) return values[0]!;
  }
  return null;
}

/** Null for a pod all of whose agents guard. */
export function whyNotGuarding({ metadata, status }: V1Pod): string | null {
  if (metadata?.deletionTimestamp) return "its agent is being ended";
  const { conditions = [], containerStatuses = [], phase } = status ?? {};
  if (conditions.some(({ type, status: is }) => type === "Ready" && is === "True")) return null;
  for (const { name, ready, state, restartCount } of containerStatuses) {
    if (ready) continue;
    const reason = state?.waiting?.reason ?? state?.terminated?.reason;
    return `${name} is not ready${reason ? ` (${reason})` : ""}${restartCount > 0 ? `, started again ${restartCount} times` : ""}`;
  }
  const scheduled = conditions.find(({ type }) => type === "PodScheduled");
  if (scheduled?.status === "False")
    return `its agent has no room there: ${scheduled.message ?? scheduled.reason ?? ""}`;
  return `its agent's pod is ${(phase ?? "pending").toLowerCase()}`;
}

/** After that a node whose pod is gone is taken for gone itself. */
const FORGET_MS = 3_600_000;
/** A DaemonSet makes another pod within seconds. */
const GRACE_MS = 30_000;

/** The nodes there are, and those that were. */
export class Guarding {
  readonly #gone = new Map<string, number>();

  podGone(pod: V1Pod, nowMs: number): void {
    const node = nodeOf(pod);
    if (node !== null) this.#gone.set(node, nowMs);
  }

  look(pods: readonly V1Pod[], nowMs: number): { readonly nodes: number; readonly unguarded: UnguardedNode[] } {
    const why = new Map<string, string | null>();
    for (const pod of pods) {
      const node = nodeOf(pod);
      if (node === null) continue;
      this.#gone.delete(node);
      // While one pod follows another, one that guards is enough.
      const one = whyNotGuarding(pod);
      why.set(node, one === null || why.get(node) === null ? null : one);
    }
    for (const [node, at] of this.#gone) {
      if (nowMs - at > FORGET_MS) this.#gone.delete(node);
      else if (nowMs - at > GRACE_MS)
        why.set(
          node,
          `its agent's pod has been gone for ${Math.round((nowMs - at) / 60_000)} min, or the node itself is gone`,
        );
    }
    const unguarded = [...why].flatMap(([node, reason]) => (reason === null ? [] : [{ node, why: reason }]));
    return { nodes: why.size, unguarded: unguarded.toSorted((a, b) => (a.node < b.node ? -1 : 1)) };
  }
}
