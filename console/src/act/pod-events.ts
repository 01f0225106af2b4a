// A Kubernetes Event on the pod whose process died, so that its user finds out by `kubectl describe pod` and the spawn page. It
// says no banned string, and a flood makes few.
import { CoreV1Api, type CoreV1Event, type KubeConfig } from "@kubernetes/client-node";
import { begin, type Group, take } from "../alert/group.js";
import type { Kept } from "../keep/store.js";
import { visible } from "../show/html.js";
import { maskedLine } from "../show/mask.js";
import type { Sighting } from "../types.js";

/** Of one pod: four at once, then one a minute. */
const BUCKET = { atOnce: 4, everySeconds: 60, resetMinutes: 60 };
/** Waiting for the API; more are not told. */
const MAX_WAITING = 200;
const MAX_PODS = 4096;
/** What is older was told, or its pod is gone. */
const MAX_AGE_MS = 600_000;

export interface EventCounts {
  sent: number;
  /** Held back for their number, or because the API did not take them. */
  untold: number;
}

export interface PodEvents {
  readonly counts: EventCounts;
  add(kept: readonly Kept[]): void;
}

export function createPodEvents(config: KubeConfig, warn: (message: string) => void, now = Date.now): PodEvents {
  const api = config.makeApiClient(CoreV1Api);
  const counts: EventCounts = { sent: 0, untold: 0 };
  const groups = new Map<string, Group>();
  let waiting = 0;
  let sending = Promise.resolve();
  return { counts, add };

  function add(kept: readonly Kept[]): void {
    for (const { sighting, number } of kept) {
      if (sighting.action !== "killed" || now() - sighting.at > MAX_AGE_MS) continue;
      const event = eventOf(sighting, number);
      if (event === null) continue;
      if (waiting >= MAX_WAITING || !allows(event.involvedObject.uid!)) {
        counts.untold++;
        continue;
      }
      waiting++;
      sending = sending.then(() => send(event)).finally(() => waiting--);
    }
  }

  function allows(uid: string): boolean {
    const { group, isTold } = take(groups.get(uid) ?? begin(BUCKET, now()), BUCKET, 1, now());
    groups.delete(uid);
    groups.set(uid, group);
    if (groups.size > MAX_PODS) groups.delete(groups.keys().next().value!);
    return isTold;
  }

  async function send(event: CoreV1Event): Promise<void> {
    try {
      await api.createNamespacedEvent({ namespace: event.metadata.namespace!, body: event });
      counts.sent++;
    } catch (error) {
      if (counts.untold++ === 0) warn(`tell pods of their kills: ${(error as Error).message.split("\n")[0]}`);
    }
  }
}

/** Null for a process that was in no pod. */
export function eventOf(sighting: Sighting, number: string): CoreV1Event | null {
  const { namespace, pod, container, cmdline, matched, at, node } = sighting;
  const labels =
    (JSON.parse(sighting.line) as {
      labels?: Record<string, unknown>;
      container?: { labels?: Record<string, unknown> };
    }) ?? {};
  const uid = (labels.labels ?? labels.container?.labels)?.["io.kubernetes.pod.uid"];
  if (namespace === null || pod === null || typeof uid !== "string") return null;
  // The path may hold the string itself: it is masked as everywhere.
  const program = visible(/^\S+/.exec(maskedLine(cmdline, matched, false))?.[0] ?? "a program").slice(0, 200);
  const time = new Date(at);
  return {
    metadata: { generateName: "cryptnono-", namespace },
    involvedObject: {
      apiVersion: "v1",
      kind: "Pod",
      namespace,
      name: pod,
      uid,
      ...(container === null ? {} : { fieldPath: `spec.containers{${container}}` }),
    },
    type: "Warning",
    reason: "ProcessKilled",
    message: `Killed process ${program}: it looks like cryptomining, which is not allowed here. If it is not, tell the operators of this hub: case ${number}`,
    source: { component: "cryptnono", host: node },
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
  };
}
