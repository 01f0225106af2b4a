// Proof that the kernel's part works, for an operator who asks: children that hold RandomX's masks and round in all four modes, and do
// nothing, must die.
import { constants } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { lookalikes, NativeError } from "@cryptnono/native";
import type { AskedSelfTest, SelfTestResult } from "../../run/detector.js";
import type { MoneroRecord } from "./record.js";

/** The children's own end. They are seen within milliseconds of processor time; a limit may give them one in a hundred. */
const LIVE_MS = 10_000;
const LOOK_EVERY_MS = 10;
/** Longest that the kernel's event of a child that is dead takes to be read. */
const EVENT_MS = 5_000;

export class SelfTest {
  #pids: readonly number[] = [];
  #told: (record: MoneroRecord) => void = () => {};

  /** Whether `record` is of a child of this test's, and nobody's business. */
  takes(record: MoneroRecord): boolean {
    if (!this.#pids.includes(record.who.pid)) return false;
    this.#told(record);
    return true;
  }

  /** One at a time. `latencyUs` counts from a child's start to its signal. */
  async run(calls = lookalikes): Promise<AskedSelfTest> {
    const told = new Promise<MoneroRecord>((resolve) => {
      this.#told = resolve;
    });
    try {
      this.#pids = calls.start(LIVE_MS);
    } catch (error) {
      if (!(error instanceof NativeError)) throw error;
      return { result: "could not be started", latencyUs: null };
    }
    const result = await this.#ended(calls);
    if (result !== "killed") return { result, latencyUs: null };
    const record = await Promise.race([told, sleep(EVENT_MS, null, { ref: false })]);
    return { result, latencyUs: record === null ? null : Number(record.timeNs - record.who.startTimeNs) / 1000 };
  }

  /** The children of both: what became of the one that fared worse. */
  async #ended(calls: typeof lookalikes): Promise<SelfTestResult> {
    const signals: number[] = [];
    for (const pid of this.#pids) {
      for (;;) {
        const signal = calls.reap(pid);
        if (signal !== null) {
          signals.push(signal);
          break;
        }
        await sleep(LOOK_EVERY_MS);
      }
    }
    return signals.every((signal) => signal === constants.signals.SIGKILL) ? "killed" : "survived";
  }
}
