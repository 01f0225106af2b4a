// Keeps one runtime's containers in the cache (a list at the start, then its event stream, else a list now and then) and
// asks it for the ones that are missed. Outlives the runtime: absent, hung or restarted, it tries again.
import { statSync } from "node:fs";
import type { RuntimeState, RuntimeStatus } from "../types.js";
import { CircuitBreaker } from "./circuit-breaker.js";
import type { ContainerCache } from "./container-cache.js";
import type { Endpoint } from "./endpoints.js";
import {
  asRuntimeError,
  type ContainerFacts,
  fromErrno,
  type OpenRuntime,
  type Runtime,
  RuntimeError,
  STATE_OF_KIND,
} from "./runtime.js";

export interface SessionTimes {
  /** A runtime that has not answered by then counts as silent. A healthy one answers in a few milliseconds. */
  readonly momentMs: number;
  /** For one call. Longer than a moment: a late answer is an answer. */
  readonly callMs: number;
  /** How long a runtime that gave no answer is left alone. */
  readonly retryMs: number;
  /** Between lists where there is no event stream. */
  readonly relistMs: number;
  /** First and longest pause after a failed connection; an absent socket is looked for as often. */
  readonly minPauseMs: number;
  readonly maxPauseMs: number;
}

export const DEFAULT_SESSION_TIMES: SessionTimes = {
  momentMs: 1000,
  callMs: 5000,
  retryMs: 1000,
  relistMs: 10_000,
  minPauseMs: 100,
  maxPauseMs: 5000,
};

/** Calls under way for look-ups. The others wait their turn, so that a slow runtime is not made slower. */
const MAX_CALLS = 64;
/** Containers that wait for a call of their own after a list or an event, and how many of those calls run at once. */
const MAX_QUEUED = 1024;
const MAX_BACKGROUND_CALLS = 2;

export interface RuntimeSessionOptions {
  readonly cache: ContainerCache;
  readonly open: OpenRuntime;
  readonly envs: readonly string[];
  readonly times: SessionTimes;
  readonly nowMs: () => number;
  /** Called when `status` changed. */
  readonly onStatus: () => void;
}

/** A question that someone waits for. */
interface Question {
  readonly answer: Promise<ContainerFacts | null>;
  settle(answer: ContainerFacts | null | RuntimeError): void;
}

export class RuntimeSession {
  readonly endpoint: Endpoint;
  readonly #options: RuntimeSessionOptions;
  readonly #breaker: CircuitBreaker;
  /** What is asked for, in the order it was asked. */
  readonly #questions = new Map<string, Question>();
  /** The calls under way that are not late, by container; and how many there are with the late ones. */
  readonly #calls = new Map<string, symbol>();
  #callCount = 0;
  readonly #queue = new Set<string>();
  readonly #closing = new AbortController();
  #backgroundCalls = 0;
  #opening: Promise<Runtime> | undefined;
  #resets = 0;
  #state: RuntimeState = "starting";
  #detail: string | undefined;
  /** Once it has answered, what is amiss is taken for a restart or a load, which pass. */
  #hasAnswered = false;
  /** Why the last call found no runtime. */
  #closedDoor: { readonly failure: RuntimeError; readonly atMs: number } | undefined;
  #streams = false;
  #lastListMs = Number.NEGATIVE_INFINITY;
  #wake: (() => void) | undefined;
  #retrying: NodeJS.Timeout | undefined;

  constructor(endpoint: Endpoint, options: RuntimeSessionOptions) {
    this.endpoint = endpoint;
    this.#options = options;
    this.#breaker = new CircuitBreaker(options.times.retryMs, options.nowMs);
  }

  get status(): RuntimeStatus {
    const { type, socketPath } = this.endpoint;
    return { type, socketPath, state: this.#state, ...(this.#detail === undefined ? {} : { detail: this.#detail }) };
  }

  /** Begin to fill the cache. Settles when the session is closed; never rejects. */
  async run(): Promise<void> {
    const { minPauseMs, maxPauseMs } = this.#options.times;
    let pauseMs = minPauseMs;
    while (!this.#closing.signal.aborted) {
      try {
        await this.#list();
        pauseMs = minPauseMs;
        await this.#watch();
      } catch {
        await this.#reset();
      }
      await this.#pause(pauseMs);
      pauseMs = Math.min(pauseMs * 2, maxPauseMs);
    }
  }

  /**
   * Ask for one container; all who ask for the same one share a call. While the runtime is silent, or away for a restart, the
   * question waits; whoever has waited long enough says so by {@link withdraw}.
   *
   * @returns null when the runtime has none of that id.
   * @throws RuntimeError when nothing that could answer is there.
   */
  ask(id: string): Promise<ContainerFacts | null> {
    const asked = this.#questions.get(id);
    if (asked !== undefined) return asked.answer;
    const { nowMs, times } = this.#options;
    // Else a flood of kills would knock as often.
    const door = this.#closedDoor;
    if (door !== undefined && nowMs() - door.atMs < times.minPauseMs && !this.#mayPass(door.failure)) {
      return Promise.reject(door.failure);
    }
    if (!this.#streams && nowMs() - this.#lastListMs > times.retryMs) this.#wake?.();
    const question = newQuestion();
    this.#questions.set(id, question);
    this.#askNext();
    return question.answer;
  }

  /** Nobody waits for `id` any more, and nobody is told. A call under way goes on: its answer is there for the next. */
  withdraw(id: string): void {
    this.#questions.delete(id);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#retrying);
    this.#wake?.();
    for (const id of [...this.#questions.keys()]) this.#settle(id, new RuntimeError("failed", "closed"));
    (await this.#opening?.catch(() => undefined))?.close();
  }

  #askNext(): void {
    for (const id of this.#questions.keys()) {
      if (this.#calls.has(id)) continue;
      // A probe is made beside the calls that hang, one at a time.
      if (this.#callCount >= MAX_CALLS && !this.#breaker.isOpen) return;
      if (!this.#breaker.pass()) {
        this.#askLater();
        return;
      }
      void this.#answer(id);
    }
  }

  #askLater(): void {
    if (this.#retrying !== undefined || this.#closing.signal.aborted) return;
    this.#retrying = setTimeout(() => {
      this.#retrying = undefined;
      this.#askNext();
    }, this.#options.times.retryMs).unref();
  }

  async #answer(id: string): Promise<void> {
    let answer: ContainerFacts | null | RuntimeError;
    try {
      answer = await this.#inspect(id, true);
    } catch (error) {
      answer = asRuntimeError(error);
    }
    if (!(answer instanceof RuntimeError) || !this.#mayPass(answer)) this.#settle(id, answer);
    this.#askNext();
  }

  #settle(id: string, answer: ContainerFacts | null | RuntimeError): void {
    this.#questions.get(id)?.settle(answer);
    this.#questions.delete(id);
  }

  /** Whether it may go by itself: a load, a start, a restart. */
  #mayPass({ kind }: RuntimeError): boolean {
    if (this.#closing.signal.aborted) return false;
    if (kind === "timeout") return true;
    // A containerd that starts listens before it has its CRI.
    return this.#hasAnswered && kind !== "failed";
  }

  /** @throws RuntimeError */
  async #inspect(id: string, isWaitedFor: boolean): Promise<ContainerFacts | null> {
    const call = Symbol(id);
    this.#calls.set(id, call);
    this.#callCount += 1;
    const { momentMs } = this.#options.times;
    // A call in the background delays nobody, unless someone has come to wait for it.
    const late = setTimeout(() => (isWaitedFor || this.#questions.has(id)) && this.#isLate(id), momentMs).unref();
    try {
      const facts = await this.#call((runtime, timeoutMs) => runtime.inspect(id, timeoutMs));
      if (facts !== null) this.#options.cache.put(facts);
      return facts;
    } finally {
      clearTimeout(late);
      this.#callCount -= 1;
      if (this.#calls.get(id) === call) this.#calls.delete(id);
    }
  }

  #isLate(id: string): void {
    // It may be asked again, as a probe, while this call goes on.
    this.#calls.delete(id);
    // A peer that is hung for good may hold the connection while its successor listens.
    if (this.#breaker.failed()) void this.#reset();
    this.#become("silent", `no answer within ${this.#options.times.momentMs} ms`);
    this.#askLater();
  }

  async #list(): Promise<void> {
    this.#lastListMs = this.#options.nowMs();
    try {
      for (const facts of await this.#call((runtime, timeoutMs) => runtime.list(timeoutMs)))
        this.#seen(facts.id, facts);
    } catch (error) {
      const { kind, message } = asRuntimeError(error);
      if (kind === "failed") this.#become("failing", message);
      throw error;
    }
    this.#askNext();
  }

  /** One call, and what it tells of the runtime. @throws RuntimeError */
  async #call<T>(make: (runtime: Runtime, timeoutMs: number) => Promise<T>): Promise<T> {
    const { momentMs, callMs } = this.#options.times;
    const resets = this.#resets;
    try {
      const runtime = await this.#runtime();
      const answer = await make(runtime, callMs);
      this.#answered();
      return answer;
    } catch (error) {
      let failure = asRuntimeError(error);
      // It was not the runtime that broke the connection.
      if (resets !== this.#resets && failure.kind === "unreachable") {
        failure = new RuntimeError("timeout", `no answer within ${momentMs} ms`, { cause: failure });
      }
      this.#judge(failure);
      throw failure;
    }
  }

  #answered(): void {
    this.#hasAnswered = true;
    this.#closedDoor = undefined;
    this.#breaker.succeeded();
    this.#become("answers");
  }

  #judge(failure: RuntimeError): void {
    // A call that failed by itself says nothing of the runtime but that it is there.
    if (failure.kind === "failed") {
      this.#closedDoor = undefined;
      this.#breaker.succeeded();
      return;
    }
    this.#closedDoor = { failure, atMs: this.#options.nowMs() };
    this.#become(STATE_OF_KIND[failure.kind], failure.message);
    // What passes by itself is tried by one call at a time.
    if (this.#mayPass(failure)) this.#breaker.failed();
  }

  #become(state: RuntimeState, detail?: string): void {
    if (state === this.#state && detail === this.#detail) return;
    this.#state = state;
    this.#detail = detail;
    this.#options.onStatus();
  }

  /** Follow the event stream to its end; without one, wait for the next list. */
  async #watch(): Promise<void> {
    const runtime = await this.#runtime();
    try {
      this.#streams = true;
      await runtime.watch((id, facts) => this.#seen(id, facts), this.#closing.signal);
    } catch (error) {
      if (asRuntimeError(error).kind !== "unsupported") throw error;
    } finally {
      this.#streams = false;
    }
    await this.#pause(this.#options.times.relistMs);
  }

  #seen(id: string, facts: ContainerFacts | null): void {
    const { cache } = this.#options;
    if (id === "") return;
    if (facts !== null) cache.put(facts);
    if (cache.get(id)?.complete || this.#queue.size >= MAX_QUEUED) return;
    this.#queue.add(id);
    this.#completeNext();
  }

  /** Give the listed containers what only a call for each can tell. */
  #completeNext(): void {
    for (const id of this.#queue) {
      if (this.#backgroundCalls >= MAX_BACKGROUND_CALLS) return;
      this.#queue.delete(id);
      if (this.#calls.has(id)) continue;
      this.#backgroundCalls += 1;
      this.#inspect(id, false)
        .then((facts) => this.#settle(id, facts))
        // The next event, list or look-up asks again.
        .catch(() => {})
        .finally(() => {
          this.#backgroundCalls -= 1;
          this.#completeNext();
          this.#askNext();
        });
    }
  }

  /** The client, whose code is loaded when there is something to talk to. @throws RuntimeError */
  #runtime(): Promise<Runtime> {
    const { type, socketPath } = this.endpoint;
    if (this.#opening === undefined) {
      try {
        statSync(socketPath);
      } catch (error) {
        throw fromErrno(error) ?? asRuntimeError(error);
      }
      this.#opening = this.#options.open(type, socketPath, this.#options.envs);
    }
    return this.#opening;
  }

  async #reset(): Promise<void> {
    this.#resets += 1;
    (await this.#opening?.catch(() => undefined))?.reset();
  }

  #pause(ms: number): Promise<void> {
    if (this.#closing.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(done, ms);
      timer.unref();
      this.#wake = done;
      function done(): void {
        clearTimeout(timer);
        resolve();
      }
    });
  }
}

function newQuestion(): Question {
  let settle: Question["settle"] = () => {};
  const answer = new Promise<ContainerFacts | null>((resolve, reject) => {
    settle = (result) => (result instanceof RuntimeError ? reject(result) : resolve(result));
  });
  return { answer, settle };
}
