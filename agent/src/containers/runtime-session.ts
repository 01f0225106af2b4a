// Keeps one runtime's containers in the cache (a list at the start, then its event stream, else a list now and then) and
// asks it for the ones that are missed. Outlives the runtime: absent, hung or restarted, it tries again.
import { existsSync } from "node:fs";
import { CircuitBreaker } from "./circuit-breaker.js";
import type { ContainerCache } from "./container-cache.js";
import type { Endpoint } from "./endpoints.js";
import { asRuntimeError, type ContainerFacts, type OpenRuntime, type Runtime, RuntimeError } from "./runtime.js";

export interface SessionTimes {
  /** For one call. Longer than a look-up's deadline: an answer that comes too late for one is there for the next. */
  readonly callMs: number;
  /** How long a runtime that did not answer in time is left alone. */
  readonly retryMs: number;
  /** Between lists where there is no event stream. */
  readonly relistMs: number;
  /** First and longest pause after a failed connection; an absent socket is looked for as often. */
  readonly minPauseMs: number;
  readonly maxPauseMs: number;
}

export const DEFAULT_SESSION_TIMES: SessionTimes = {
  callMs: 5000,
  retryMs: 1000,
  relistMs: 10_000,
  minPauseMs: 100,
  maxPauseMs: 5000,
};

/** Calls under way for look-ups; more than these are refused, so that a slow runtime holds no memory. */
const MAX_CALLS = 64;
/** Containers that wait for a call of their own after a list or an event, and how many of those calls run at once. */
const MAX_QUEUED = 1024;
const MAX_BACKGROUND_CALLS = 2;

export class RuntimeSession {
  readonly endpoint: Endpoint;
  readonly #cache: ContainerCache;
  readonly #open: OpenRuntime;
  readonly #times: SessionTimes;
  readonly #nowMs: () => number;
  readonly #breaker: CircuitBreaker;
  readonly #calls = new Map<string, Promise<ContainerFacts | null>>();
  readonly #queue = new Set<string>();
  readonly #closing = new AbortController();
  #backgroundCalls = 0;
  #opening: Promise<Runtime> | undefined;
  #wasPresent = false;
  #isSupported = true;
  #streams = false;
  #lastListMs = Number.NEGATIVE_INFINITY;
  #wake: (() => void) | undefined;

  constructor(
    endpoint: Endpoint,
    cache: ContainerCache,
    open: OpenRuntime,
    times: SessionTimes = DEFAULT_SESSION_TIMES,
    nowMs: () => number = () => performance.now(),
  ) {
    this.endpoint = endpoint;
    this.#cache = cache;
    this.#open = open;
    this.#times = times;
    this.#nowMs = nowMs;
    this.#breaker = new CircuitBreaker(times.retryMs, nowMs);
  }

  /** Begin to fill the cache. Settles when the session is closed; never rejects. */
  async run(): Promise<void> {
    let pauseMs = this.#times.minPauseMs;
    while (!this.#closing.signal.aborted) {
      try {
        if (this.#isPresent()) {
          await this.#list();
          this.#isSupported = true;
          pauseMs = this.#times.minPauseMs;
          await this.#watch();
        }
      } catch (error) {
        const failure = asRuntimeError(error);
        if (failure.kind === "unsupported") this.#isSupported = false;
        await this.#reset();
      }
      await this.#pause(pauseMs);
      pauseMs = Math.min(pauseMs * 2, this.#times.maxPauseMs);
    }
  }

  /** Whether a runtime of the expected kind is, or was since the start, behind the socket. */
  isUsable(): boolean {
    return this.#isPresent() && this.#isSupported;
  }

  /**
   * Ask for one container; concurrent questions for the same one share a call.
   *
   * @returns null when the runtime has none of that id.
   * @throws RuntimeError
   */
  ask(id: string): Promise<ContainerFacts | null> {
    const underWay = this.#calls.get(id);
    if (underWay !== undefined) return underWay;
    if (!this.#breaker.pass()) {
      return Promise.reject(new RuntimeError("timeout", "has not answered in time and is left alone for a moment"));
    }
    // A probe is made beside the calls that hang, one at a time.
    if (this.#calls.size >= MAX_CALLS && !this.#breaker.isOpen) {
      return Promise.reject(new RuntimeError("failed", `${MAX_CALLS} look-ups wait for an answer already`));
    }
    if (!this.#streams && this.#nowMs() - this.#lastListMs > this.#times.retryMs) this.#wake?.();
    return this.#inspect(id);
  }

  /** A look-up gave up waiting for this runtime. */
  timedOut(): void {
    // A peer that is hung for good may hold the connection while its successor listens.
    if (this.#breaker.timedOut()) void this.#reset();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#wake?.();
    (await this.#opening?.catch(() => undefined))?.close();
  }

  #isPresent(): boolean {
    this.#wasPresent ||= existsSync(this.endpoint.socketPath);
    return this.#wasPresent;
  }

  #inspect(id: string): Promise<ContainerFacts | null> {
    let call = this.#calls.get(id);
    if (call === undefined) {
      call = this.#call(id).finally(() => this.#calls.delete(id));
      this.#calls.set(id, call);
    }
    return call;
  }

  async #call(id: string): Promise<ContainerFacts | null> {
    try {
      const facts = await (await this.#runtime()).inspect(id, this.#times.callMs);
      this.#breaker.succeeded();
      if (facts !== null) this.#cache.put(facts);
      return facts;
    } catch (error) {
      throw this.#judged(error);
    }
  }

  async #list(): Promise<void> {
    this.#lastListMs = this.#nowMs();
    try {
      const listed = await (await this.#runtime()).list(this.#times.callMs);
      this.#breaker.succeeded();
      for (const facts of listed) this.#seen(facts.id, facts);
    } catch (error) {
      throw this.#judged(error);
    }
  }

  #judged(error: unknown): RuntimeError {
    const failure = asRuntimeError(error);
    if (failure.kind === "timeout") this.#breaker.timedOut();
    else this.#breaker.succeeded();
    return failure;
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
    await this.#pause(this.#times.relistMs);
  }

  #seen(id: string, facts: ContainerFacts | null): void {
    if (id === "") return;
    if (facts !== null) this.#cache.put(facts);
    if (this.#cache.get(id)?.complete || this.#queue.size >= MAX_QUEUED) return;
    this.#queue.add(id);
    this.#completeNext();
  }

  /** Give the listed containers what only a call for each can tell. */
  #completeNext(): void {
    for (const id of this.#queue) {
      if (this.#backgroundCalls >= MAX_BACKGROUND_CALLS) return;
      this.#queue.delete(id);
      this.#backgroundCalls += 1;
      this.#inspect(id)
        // The next event, list or look-up asks again.
        .catch(() => null)
        .finally(() => {
          this.#backgroundCalls -= 1;
          this.#completeNext();
        });
    }
  }

  #runtime(): Promise<Runtime> {
    this.#opening ??= this.#open(this.endpoint.type, this.endpoint.socketPath);
    return this.#opening;
  }

  async #reset(): Promise<void> {
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
