// Owns the way from a process's cgroup to its container's name, image and labels. Never rejects and never takes longer than
// its bound: what goes wrong is a result, and the kill line it belongs to is written all the same.
import type {
  CgroupIdentity,
  ContainerLookup,
  ContainerResult,
  ContainerWords,
  InnerContainer,
  LookupFailure,
  RuntimeStatus,
} from "../types.js";
import { ContainerCache, DEFAULT_CACHE_LIMITS } from "./container-cache.js";
import { type ContainerRef, parseCgroup, type RuntimeType } from "./container-id.js";
import { describeRuntime, runtimeName } from "./describe.js";
import { type Endpoint, runtimeEndpoints } from "./endpoints.js";
import { asRuntimeError, type ContainerFacts, type OpenRuntime, type Runtime, STATE_OF_KIND } from "./runtime.js";
import { DEFAULT_SESSION_TIMES, RuntimeSession, type SessionTimes } from "./runtime-session.js";
import { DEFAULT_WAITING_LIMITS, Waiting, type WaitingLimits } from "./waiting.js";

export { EndpointError } from "./endpoints.js";

export interface ContainerLookupOptions {
  /** Where the runtimes are; by default what `runtimeEndpoints` finds in the environment. */
  readonly endpoints?: readonly Endpoint[];
  /** The longest a look-up takes, in milliseconds, while few wait. */
  readonly waitMs?: number;
  /** Names of environment variables of the containers' specifications that are told. */
  readonly envs?: readonly string[];
  /** Cgroups below which the operator vouches for the names, see `parseCgroup`. */
  readonly trustedCgroups?: readonly string[];
  /** Called when one of the runtimes' sockets is found to be good for something else than before. */
  readonly onStatus?: (runtimes: readonly RuntimeStatus[]) => void;
  readonly times?: SessionTimes;
  readonly limits?: Pick<WaitingLimits, "patient" | "most">;
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
    waitMs = 10_000,
    envs = [],
    trustedCgroups = [],
    onStatus = () => {},
    times = DEFAULT_SESSION_TIMES,
    limits = DEFAULT_WAITING_LIMITS,
    open = openRuntime,
    nowMs = () => performance.now(),
  } = options;
  const cache = new ContainerCache(DEFAULT_CACHE_LIMITS, nowMs);
  const runtimes = () => sessions.map((session) => session.status);
  const sessions = endpoints.map(
    (endpoint) =>
      new RuntimeSession(endpoint, { cache, open, envs, times, nowMs, onStatus: () => onStatus(runtimes()) }),
  );
  const { momentMs } = times;
  const left = (id: string) => {
    if (outermost.has(id) || within.has(id)) return;
    for (const session of sessions) session.withdraw(id);
  };
  const outermost = new Waiting<Answer>({ waitMs, momentMs, ...limits }, left);
  // Names within a container cost whoever makes them nothing: they wait in a room of their own.
  const within = new Waiting<Answer>({ waitMs: Math.min(waitMs, momentMs), momentMs, ...WITHIN_LIMITS }, left);
  for (const session of sessions) void session.run();

  return {
    async lookup(cgroup: CgroupIdentity): Promise<ContainerResult> {
      const verdict = parseCgroup(cgroup, trustedCgroups);
      if (verdict.kind === "host") return { kind: "host" };
      const inner = verdict.inner === undefined ? undefined : innerOf(verdict.inner);
      if (verdict.kind === "unknown") {
        return {
          ...(verdict.line === "" ? UNREAD : FOREIGN),
          cgroupLine: verdict.line,
          ...(inner === undefined ? {} : { inner: await inner }),
        };
      }
      const { id } = verdict.ref;
      const [answer, found] = await Promise.all([answerOf(verdict.ref, outermost), inner]);
      const below = found === undefined ? {} : { inner: found };
      if (answer.facts !== undefined) return { kind: "container", ...wordsOf(answer.facts), ...below };
      const reason = `look up container ${id.slice(0, 12)}: ${answer.cause}`;
      return { kind: "failed", why: answer.why, reason, cgroupLine: verdict.line, id, ...below };
    },
    runtimes,
    hurry: () => outermost.hurry(),
    async close() {
      await Promise.all(sessions.map((session) => session.close()));
    },
  };

  /**
   * Docker in a container is asked for by its own socket. A pod's words are told of the pod alone: within a container its
   * name is most likely made up.
   */
  async function innerOf(ref: ContainerRef): Promise<InnerContainer> {
    if (!ref.runtimes.includes("docker")) return { id: ref.id };
    const { facts } = await answerOf({ id: ref.id, runtimes: ["docker"] }, within);
    return facts === undefined ? { id: ref.id } : wordsOf(facts);
  }

  async function answerOf({ id, runtimes: types }: ContainerRef, waiting: Waiting<Answer>): Promise<Answer> {
    // A name of Docker's is not answered by what the CRI told.
    const known = () => {
      const facts = cache.get(id);
      return facts !== undefined && types.includes(facts.type) ? facts : undefined;
    };
    const cached = known();
    if (cached?.complete) return { facts: cached };
    const asked = sessions.filter(({ endpoint }) => types.includes(endpoint.type));
    // By kind too: that Docker has none of an id says nothing of the CRI, whose id anyone can write into a name for Docker.
    const unknown = `${types.join()} ${id}`;
    if (cached === undefined && cache.isUnknown(unknown)) return notKnown(asked);
    const isFirst = !waiting.has(id);
    const ending = waiting.wait(id);
    if (isFirst && waiting.has(id)) ask(id, asked, waiting, unknown);
    const outcome = await ending;
    if (typeof outcome === "object" && outcome.answer.facts !== undefined) return outcome.answer;
    // What a list or an event told is better than nothing; one that came before the answer may still be unread.
    await new Promise(setImmediate);
    const partial = known();
    if (partial !== undefined) return { facts: partial };
    if (outcome === "too-many") return TOO_MANY;
    return outcome === "too-long" ? noAnswer(asked) : outcome.answer;
  }

  /** Ask all at once; the first that knows the container answers for all. */
  function ask(id: string, asked: readonly RuntimeSession[], waiting: Waiting<Answer>, unknown: string): void {
    const failures: RuntimeStatus[] = [];
    const haveNone: RuntimeSession[] = [];
    if (asked.length === 0) queueMicrotask(() => waiting.answer(id, failed([])));
    for (const session of asked) {
      session.ask(id).then(
        (facts) => {
          if (facts !== null) {
            waiting.answer(id, { facts });
            return;
          }
          haveNone.push(session);
          passed();
        },
        (error) => {
          const { kind, message } = asRuntimeError(error);
          failures.push({ ...session.status, state: STATE_OF_KIND[kind], detail: message });
          passed();
        },
      );
    }

    function passed(): void {
      if (haveNone.length + failures.length < asked.length) return;
      // A socket that is not there hides nothing.
      const telling = failures.filter(({ state }) => state !== "absent");
      if (telling.length > 0 || haveNone.length === 0) {
        waiting.answer(id, failed(telling.length > 0 ? telling : failures));
        return;
      }
      cache.markUnknown(unknown);
      waiting.answer(id, notKnown(haveNone));
    }
  }

  function noAnswer(asked: readonly RuntimeSession[]): Answer {
    const statuses = asked.map((session) => session.status).filter(({ state }) => state !== "absent");
    const amiss = statuses.filter(({ state }) => state !== "answers" && state !== "starting");
    const slow = statuses.map((status) => ({ ...status, state: "silent" as const, detail: "no answer yet" }));
    return failed(amiss.length > 0 ? amiss : slow);
  }
}

const WITHIN_LIMITS = { patient: 0, most: 16 };

type Answer =
  | { readonly facts: ContainerFacts }
  | { readonly facts?: undefined; readonly why: LookupFailure; readonly cause: string };

const FOREIGN = {
  kind: "failed",
  why: "foreign",
  reason: "look up container: cgroup is of no known runtime",
} as const;

const UNREAD = { ...FOREIGN, reason: "look up container: cgroup could not be read" } as const;

const TOO_MANY: Answer = { why: "too-many", cause: "too many look-ups wait for an answer" };

/** Most telling first. */
const FAILURES = ["not-permitted", "silent", "refused", "failing", "not-a-runtime", "absent"] as const;

function failed(failures: readonly RuntimeStatus[]): Answer {
  const why = FAILURES.find((state) => failures.some((failure) => failure.state === state)) ?? "absent";
  const cause = failures.length === 0 ? "no runtime to ask" : failures.map(describeRuntime).join("; ");
  return { why, cause };
}

function notKnown(asked: readonly RuntimeSession[]): Answer {
  const names = asked.filter(({ status }) => status.state !== "absent").map(({ status }) => runtimeName(status));
  return { why: "not-known", cause: `not known at ${names.join(", ")}` };
}

function wordsOf({ complete: _complete, ...words }: ContainerFacts): ContainerWords {
  return words;
}

/** Each client is loaded when the first socket of its kind is there. */
async function openRuntime(type: RuntimeType, socketPath: string, envs: readonly string[]): Promise<Runtime> {
  if (type === "docker") return (await import("./docker.js")).openDocker(socketPath, envs);
  return (await import("./cri.js")).openCri(socketPath, envs);
}
