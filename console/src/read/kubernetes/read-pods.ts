// The logs of all agents of a cluster as they are now, each to its end: what its containers wrote before they were started again too.
import { CoreV1Api, type KubeConfig } from "@kubernetes/client-node";
import { type Intake, LogReader, type ReadCounts } from "../reader.js";
import { nodeOf } from "./guarding.js";
import { followLog, LogRefused } from "./log-request.js";
import { isBefore, stampOf } from "./stamp.js";

export interface ReadPodsOptions {
  readonly config: KubeConfig;
  readonly namespace: string;
  /** Of the DaemonSet's pods. */
  readonly selector: string;
  /** RFC 3339. */
  readonly since: string;
  readonly intake: Intake;
  readonly signal: AbortSignal;
  readonly warn: (message: string) => void;
}

/** Logs that are read at one time. */
const AT_ONCE = 16;

/** @returns whether all could be read. */
export async function readPods(options: ReadPodsOptions): Promise<boolean> {
  const { config, namespace, selector, since, intake, signal, warn } = options;
  const api = config.makeApiClient(CoreV1Api);
  const { items } = await api.listNamespacedPod({ namespace, labelSelector: selector });
  const counts: ReadCounts = { lines: 0, foreign: 0, overlong: 0 };
  const logs = items.flatMap((pod) =>
    (pod.status?.containerStatuses ?? []).map(({ name, restartCount }) => ({
      pod: pod.metadata?.name ?? "",
      node: nodeOf(pod) ?? "",
      container: name,
      restartCount,
    })),
  );
  let isWhole = true;
  for (let at = 0; at < logs.length && !signal.aborted; at += AT_ONCE)
    await Promise.all(logs.slice(at, at + AT_ONCE).map(readOne));
  return isWhole;

  async function readOne({ pod, node, container, restartCount }: (typeof logs)[number]): Promise<void> {
    for (const isPrevious of restartCount > 0 ? [true, false] : [false]) {
      const reader = new LogReader(
        { name: `${pod}/${container}`, node, detector: container },
        intake,
        counts,
        (line) => {
          const stamped = stampOf(line);
          if (stamped === null) return line;
          return isBefore(stamped.stamp, since) ? null : stamped.text;
        },
      );
      try {
        const log = { namespace, pod, container, sinceTime: since, isPrevious, isOnce: true };
        await followLog(config, log, (bytes) => reader.push(bytes), signal);
        reader.end();
      } catch (error) {
        // What was before may be thrown away already.
        if (signal.aborted || (isPrevious && error instanceof LogRefused)) continue;
        isWhole = false;
        warn(`read the log of ${pod}/${container}: ${(error as Error).message}`);
      }
    }
  }
}
