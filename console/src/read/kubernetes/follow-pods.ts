// The logs of all agents of a cluster: one informer for their pods, one stream for each container, taken up where it broke.
import { CoreV1Api, type KubeConfig, makeInformer, type V1Pod } from "@kubernetes/client-node";
import type { Notice, Sighting } from "../../types.js";
import type { FollowedAgent } from "../coverage.js";
import type { FollowedLogs } from "../logs.js";
import { type Intake, LogReader, type ReadCounts } from "../reader.js";
import { Guarding, nodeOf } from "./guarding.js";
import { followLog, LogRefused } from "./log-request.js";
import { isBefore, stampOf } from "./stamp.js";

export interface FollowPodsOptions {
  readonly config: KubeConfig;
  readonly namespace: string;
  /** Of the DaemonSet's pods. */
  readonly selector: string;
  readonly keeper: PlacedIntake;
  readonly warn: (message: string) => void;
  readonly now?: () => number;
  /** Between tries; doubled up to thirty times that. */
  readonly retryMs?: number;
}

/** What takes what was read, and knows up to which time. */
export interface PlacedIntake extends Intake {
  position(source: string, position: string): void;
  store(): { position(source: string): string | null };
}

interface Followed {
  /** How often its container had been started when its log was opened, and what ends that log's stream. */
  readonly open: { restarts: number; stream: AbortController | null };
  readonly abort: AbortController;
  readonly end: Promise<void>;
  readonly agent: { -readonly [Key in keyof FollowedAgent]: FollowedAgent[Key] };
}

/** An agent that has said nothing since: each says something when it starts. */
const SILENT_MS = 60_000;

export async function followPods(options: FollowPodsOptions): Promise<FollowedLogs> {
  const { config, namespace, selector, keeper, warn, now = Date.now, retryMs = 1000 } = options;
  const api = config.makeApiClient(CoreV1Api);
  const counts: ReadCounts = { lines: 0, foreign: 0, overlong: 0 };
  const followed = new Map<string, Followed>();
  const guarding = new Guarding();
  const startedAt = now();
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const informer = makeInformer(
    config,
    path,
    () => api.listNamespacedPod({ namespace, labelSelector: selector }),
    selector,
  );
  let trouble: string | null = null;
  let isStopped = false;
  let retry: NodeJS.Timeout | null = null;
  let waitMs = retryMs;
  informer.on("add", seen);
  informer.on("update", seen);
  informer.on("delete", gone);
  informer.on("connect", () => {
    trouble = null;
  });
  informer.on("error", (error: unknown) => {
    if (isStopped) return;
    const why = error instanceof Error ? error.message.split("\n")[0]! : String(error);
    if (trouble !== why) warn(`watch pods in ${namespace}: ${why}; tried again`);
    trouble = why;
    retry = setTimeout(start, waitMs);
    waitMs = Math.min(waitMs * 2, 30 * retryMs);
  });
  start();
  return {
    coverage() {
      const agents = [...followed.values()].map(({ agent }) => describe(agent));
      const { nodes, unguarded } = guarding.look(informer.list(), now());
      if (trouble !== null)
        agents.unshift({
          name: `pods in ${namespace}`,
          node: "the API",
          state: "unreadable",
          lastAt: null,
          why: trouble,
        });
      return { agents, unguarded, nodes, counts };
    },
    async stop() {
      isStopped = true;
      if (retry !== null) clearTimeout(retry);
      await informer.stop();
      for (const { abort } of followed.values()) abort.abort();
      await Promise.all([...followed.values()].map(({ end }) => end));
    },
  };

  function start(): void {
    informer.start().catch((error: unknown) => warn(`watch pods in ${namespace}: ${error}`));
  }

  function describe(agent: FollowedAgent): FollowedAgent {
    const isSilent = agent.state === "followed" && agent.lastAt === null && now() - startedAt > SILENT_MS;
    return isSilent ? { ...agent, state: "silent" } : agent;
  }

  function seen(pod: V1Pod): void {
    waitMs = retryMs;
    const node = nodeOf(pod);
    const { uid, name } = pod.metadata ?? {};
    if (node === null || uid === undefined || name === undefined) return;
    for (const { name: container, state, lastState, restartCount } of pod.status?.containerStatuses ?? []) {
      const key = `${uid}/${container}`;
      const open = followed.get(key)?.open;
      // Started again since: what it wrote between the look and the opening is in the log before.
      if (open !== undefined && open.stream !== null && restartCount > open.restarts) open.stream.abort();
      // One that has not begun has no log yet: its next change is told too.
      if (followed.has(key) || [state?.running, state?.terminated, lastState?.terminated].every((one) => one == null))
        continue;
      follow(key, name, container, node);
    }
  }

  function gone(pod: V1Pod): void {
    guarding.podGone(pod, now());
    const uid = pod.metadata?.uid ?? "";
    for (const [key, { abort }] of followed) {
      if (!key.startsWith(`${uid}/`)) continue;
      abort.abort();
      followed.delete(key);
    }
  }

  function follow(key: string, pod: string, container: string, node: string): void {
    const abort = new AbortController();
    const agent: Followed["agent"] = { name: `${pod}/${container}`, node, state: "followed", lastAt: null };
    const open: Followed["open"] = { restarts: 0, stream: null };
    const end = followOne(key, { namespace, pod, container }, agent, open, abort.signal);
    followed.set(key, { open, abort, agent, end });
  }

  /** Rejects when `signal` is aborted: the client has no way to end what it asked. */
  function podNow(name: string, signal: AbortSignal): Promise<V1Pod> {
    return new Promise((resolve, reject) => {
      const end = () => reject(new Error("ended"));
      if (signal.aborted) end();
      signal.addEventListener("abort", end, { once: true });
      api
        .readNamespacedPod({ namespace, name })
        .then(resolve, reject)
        .finally(() => signal.removeEventListener("abort", end));
    });
  }

  /** Until the pod is gone. */
  async function followOne(
    key: string,
    log: { readonly namespace: string; readonly pod: string; readonly container: string },
    agent: Followed["agent"],
    open: Followed["open"],
    signal: AbortSignal,
  ): Promise<void> {
    const source = { name: `pod/${key}`, node: agent.node, detector: log.container };
    let last = keeper.store().position(source.name);
    let failures = 0;
    /** Where the stream that was read last began: the place in the log before it, and its own first line. */
    let [opened, begun]: [string | null, string | null] = [last, null];
    let isFirst = true;
    while (!signal.aborted) {
      const seen = () => {
        failures = 0;
        agent.lastAt = now();
        agent.state = "followed";
        delete agent.why;
      };
      const intake = {
        sighting(sighting: Sighting) {
          seen();
          keeper.sighting(sighting);
        },
        notice(notice: Notice) {
          seen();
          keeper.notice(notice);
        },
      };
      const read = async (isPrevious: boolean) => {
        const from = isPrevious ? opened : last;
        if (!isPrevious) [opened, begun] = [last, null];
        const before = last;
        const stream = new AbortController();
        const reader = new LogReader(source, intake, counts, (line) => {
          const stamped = stampOf(line);
          if (stamped === null) return line;
          // The API's own time is of seconds: some lines come once more.
          const { stamp, text } = stamped;
          if (from !== null && isBefore(stamp, from)) return null;
          if (!isPrevious) begun ??= stamp;
          // Of the log before: the stream was its own, and these are read, or that of the container that came after it.
          else if (begun !== null && last !== null && !isBefore(stamp, begun) && !isBefore(last, stamp)) return null;
          if (last === null || isBefore(last, stamp)) last = stamp;
          return text;
        });
        const take = (bytes: Uint8Array) => {
          reader.push(bytes);
          if (last !== null && last !== before) keeper.position(source.name, last);
        };
        open.stream = isPrevious ? null : stream;
        try {
          await followLog(
            config,
            { ...log, sinceTime: from, isPrevious },
            take,
            AbortSignal.any([signal, stream.signal]),
          );
        } catch (error) {
          if (!stream.signal.aborted || signal.aborted) throw error;
        } finally {
          open.stream = null;
        }
      };
      try {
        // The informer has just told of the pod; after a break it may know no more than before.
        const pod = isFirst ? informer.get(log.pod, namespace) : await podNow(log.pod, signal);
        isFirst = false;
        const { restartCount = 0 } = pod?.status?.containerStatuses?.find(({ name }) => name === log.container) ?? {};
        if (restartCount > open.restarts) {
          // What it wrote while nobody read; the kubelet may have thrown it away.
          await read(true).catch((error: unknown) => {
            if (!(error instanceof LogRefused)) throw error;
          });
          open.restarts = restartCount;
        }
        await read(false);
      } catch (error) {
        if (signal.aborted) return;
        failures++;
        const why = error instanceof Error ? error.message : String(error);
        if (failures > 2 || error instanceof LogRefused) {
          if (agent.why !== why) warn(`read the log of ${agent.name}: ${why}; tried again`);
          agent.state = "unreadable";
          agent.why = why;
        }
      }
      await pause(Math.min(retryMs * 2 ** failures, 30 * retryMs), signal);
    }
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    // Not all at once, when an API server comes back.
    const timer = setTimeout(done, ms * (0.5 + Math.random() / 2));
    function done() {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
  });
}
