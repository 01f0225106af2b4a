// A self-test that an operator asks for, by the health port: the child's death, the kernel's event, the line in the log.
import type { LineWriter, LogLine } from "../report/index.js";
import type { AskedSelfTest, SelfTestResult } from "./detector.js";

/** What is answered. Fields are for the command that asks. */
export interface SelfTestAnswer {
  readonly detector: string;
  readonly result: SelfTestResult | "not attached" | "has none";
  /** From the kernel's first look at the child to the signal; null when its event has not come. */
  readonly latency_us: number | null;
  /** A line about it went out to the log's reader. */
  readonly logged: boolean;
}

export interface AskedSelfTestParts {
  readonly detector: string;
  readonly test: (() => Promise<AskedSelfTest>) | undefined;
  readonly isAttached: () => boolean;
  readonly writer: LineWriter;
  readonly line: (result: SelfTestResult, latencyUs: number | null) => LogLine;
  readonly nowMs?: () => number;
}

/** Whoever reaches the port may ask: more often than this the last answer is given again. */
const LEAST_BETWEEN_MS = 1000;
const FLUSH_MS = 3000;

/** Those who ask while one is made wait for the same one. */
export function createAskedSelfTest(parts: AskedSelfTestParts): () => Promise<SelfTestAnswer> {
  const { nowMs = () => performance.now() } = parts;
  let last: { readonly answer: Promise<SelfTestAnswer>; endedMs: number } | null = null;
  return () => {
    if (last !== null && nowMs() - last.endedMs < LEAST_BETWEEN_MS) return last.answer;
    const made = { answer: answerOf(parts), endedMs: Number.POSITIVE_INFINITY };
    const ended = () => {
      made.endedMs = nowMs();
    };
    made.answer.then(ended, ended);
    last = made;
    return made.answer;
  };
}

async function answerOf({ detector, test, isAttached, writer, line }: AskedSelfTestParts): Promise<SelfTestAnswer> {
  const none = { detector, latency_us: null, logged: false };
  if (test === undefined) return { ...none, result: "has none" };
  if (!isAttached()) return { ...none, result: "not attached" };
  const { result, latencyUs } = await test();
  const dropped = writer.dropped.notice;
  writer.write(line(result, latencyUs));
  const logged = (await writer.flush(FLUSH_MS)) && writer.dropped.notice === dropped;
  return { detector, result, latency_us: latencyUs, logged };
}
