// Owns the way from a process's cgroup to its container's name, image and labels. Never rejects and never takes longer than
// its deadline: what goes wrong is a result, and the kill line it belongs to is written all the same.
import type { CgroupIdentity, ContainerLookup, ContainerResult } from "../types.js";
import { ContainerCache, DEFAULT_CACHE_LIMITS } from "./container-cache.js";
import { type ContainerRef, parseCgroup, type RuntimeType } from "./container-id.js";
import { type Endpoint, runtimeEndpoints } from "./endpoints.js";
import { asRuntimeError, type ContainerFacts, type OpenRuntime, type Runtime } from "./runtime.js";
import { DEFAULT_SESSION_TIMES, RuntimeSession, type SessionTimes } from "./runtime-session.js";

export { EndpointError } from "./endpoints.js";

export interface ContainerLookupOptions {
  /** Where the runtimes are; by default what `runtimeEndpoints` finds in the environment. */
  readonly endpoints?: readonly Endpoint[];
  /** The longest a look-up takes, in milliseconds. A healthy runtime answers in a few. */
  readonly deadlineMs?: number;
  readonly times?: SessionTimes;
  readonly open?: OpenRuntime;
  /** Milliseconds that only grow. */
  readonly nowMs?: () => number;
}

/**
 * Begin to follow the runtimes of this node. Returns at once: connections are made behind it.
 *
 * @throws EndpointError when the environment names an endpoint that is no unix socket.
 */
export function createContainerLookup(options: ContainerLookupOptions = {}): ContainerLookup {
  const {
    endpoints = runtimeEndpoints(process.env),
    deadlineMs = 1000,
    times = DEFAULT_SESSION_TIMES,
    open = openRuntime,
    nowMs = () => performance.now(),
  } = options;
  const cache = new ContainerCache(DEFAULT_CACHE_LIMITS, nowMs);
  const sessions = endpoints.map((endpoint) => new RuntimeSession(endpoint, cache, open, times, nowMs));
  for (const session of sessions) void session.run();

  return {
    async lookup(cgroup: CgroupIdentity): Promise<ContainerResult> {
      const verdict = parseCgroup(cgroup);
      if (verdict.kind === "host") return { kind: "host" };
      if (verdict.kind === "unknown") {
        return { kind: "failed", reason: "look up container: cgroup is of no known runtime", cgroupLine: verdict.line };
      }
      const answer = await firstAnswer(verdict.refs);
      if (answer.facts !== undefined) return toResult(answer.facts);
      const { id } = verdict.refs[0];
      const reason = `look up container ${id.slice(0, 12)}: ${answer.cause}`;
      return { kind: "failed", reason, cgroupLine: verdict.line, id };
    },

    async close() {
      await Promise.all(sessions.map((session) => session.close()));
    },
  };

  /**
   * The outermost container's. An inner one's only where nothing here could know the outer: in a cluster whose nodes are
   * containers (kind, k3d) each pod's cgroup begins with the node's. Else inner names are whatever the outer one chose.
   */
  async function firstAnswer(refs: readonly ContainerRef[]): Promise<Answer> {
    for (const ref of refs) {
      const asked = sessions.filter((session) => ref.runtimes.includes(session.endpoint.type) && session.isUsable());
      if (asked.length > 0) return answer(ref.id, asked);
    }
    return { cause: `no runtime for it at ${endpoints.map(endpointName).join(", ")}` };
  }

  async function answer(id: string, asked: readonly RuntimeSession[]): Promise<Answer> {
    const cached = cache.get(id);
    if (cached?.complete) return { facts: cached };
    if (cached === undefined && cache.isUnknown(id)) return { cause: unknownTo(asked) };
    const fresh = await ask(id, asked);
    if (fresh.facts !== undefined) return fresh;
    // What a list or an event told is better than nothing; one that came before the answer may still be unread.
    await new Promise(setImmediate);
    const partial = cache.get(id);
    return partial === undefined ? fresh : { facts: partial };
  }

  /** Ask all at once; the first that knows the container ends it. */
  function ask(id: string, asked: readonly RuntimeSession[]): Promise<Answer> {
    return new Promise((resolve) => {
      const waiting = new Set(asked);
      const failures: string[] = [];
      const timer = setTimeout(() => {
        for (const session of waiting) session.timedOut();
        end({ cause: `${[...waiting].map(sessionName).join(", ")}: no answer within ${deadlineMs} ms` });
      }, deadlineMs);

      for (const session of asked) {
        session.ask(id).then(
          (facts) => (facts === null ? passed(session) : end({ facts })),
          (error) => passed(session, `${sessionName(session)}: ${asRuntimeError(error).message}`),
        );
      }

      function passed(session: RuntimeSession, failure?: string): void {
        waiting.delete(session);
        if (failure !== undefined) failures.push(failure);
        if (waiting.size > 0) return;
        if (failures.length === 0) cache.markUnknown(id);
        end({ cause: failures.length === 0 ? unknownTo(asked) : failures.join("; ") });
      }

      function end(result: Answer): void {
        clearTimeout(timer);
        resolve(result);
      }
    });
  }
}

type Answer = { readonly facts: ContainerFacts } | { readonly facts?: undefined; readonly cause: string };

function toResult(facts: ContainerFacts): ContainerResult {
  const { type, id, labels, image, imageDigest } = facts;
  return { kind: "container", type, id, labels, image, ...(imageDigest === undefined ? {} : { imageDigest }) };
}

function unknownTo(asked: readonly RuntimeSession[]): string {
  return `not known at ${asked.map(sessionName).join(", ")}`;
}

function sessionName(session: RuntimeSession): string {
  return endpointName(session.endpoint);
}

function endpointName(endpoint: Endpoint): string {
  return `unix://${endpoint.socketPath}`;
}

/** Each client is loaded when the first socket of its kind is there. */
async function openRuntime(type: RuntimeType, socketPath: string): Promise<Runtime> {
  if (type === "docker") return (await import("./docker.js")).openDocker(socketPath);
  return (await import("./cri.js")).openCri(socketPath);
}
