// `cryptnono selftest`: asks a running agent, by its health port, to have a child of its own killed. No banned string stands on any
// command line but that child's.
import { UsageError } from "../errors.js";
import type { SelfTestAnswer } from "./asked-self-test.js";

export interface SelfTestFlags {
  readonly healthPort: number;
  readonly json: boolean;
}

/** Longer than an agent lets its child live (10 s), waits for the kernel's event (5) and for the line to go out (3), on a slow machine. */
const DEADLINE_MS = 60_000;

/**
 * @param detector - Which one is meant to answer; undefined: whichever does.
 * @returns the exit status: 0 when the child was killed, the kernel's event came and the log's line went out; else 3.
 * @throws UsageError when nobody answers, or another detector.
 */
export async function askSelfTest(
  detector: string | undefined,
  { healthPort, json }: SelfTestFlags,
  write: (text: string) => void = (text) => process.stdout.write(text),
): Promise<number> {
  if (healthPort === 0) throw new UsageError("ask for a self-test: no port", "give --health-port, the running agent's");
  const answer = await ask(healthPort);
  if (detector !== undefined && answer.detector !== detector) {
    const hint = "each detector has a health port of its own";
    throw new UsageError(`ask ${detector} on port ${healthPort}: ${answer.detector} answers`, hint);
  }
  write(json ? `${JSON.stringify(answer)}\n` : `${sentence(answer)}\n`);
  return answer.result === "killed" && answer.latency_us !== null && answer.logged ? 0 : 3;
}

async function ask(port: number): Promise<SelfTestAnswer> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/selftest`, { signal: AbortSignal.timeout(DEADLINE_MS) });
    return (await response.json()) as SelfTestAnswer;
  } catch (error) {
    const { cause, message } = error as Error & { readonly cause?: { readonly code?: string } };
    const hint =
      "it must run on this machine, with --health-port, and in this network namespace (kubectl exec into its pod)";
    throw new UsageError(`ask the agent on port ${port}: ${cause?.code ?? message}`, hint);
  }
}

function sentence({ detector, result, latency_us: latencyUs, logged }: SelfTestAnswer): string {
  const killed = result === "killed";
  const time = latencyUs === null ? "" : ` in ${duration(latencyUs)}`;
  const child = killed ? `the child was killed${time}` : RESULTS[result];
  const event = !killed ? "" : latencyUs === null ? "; the kernel's event has not come" : "; the kernel's event came";
  const line =
    result === "not attached" || result === "has none"
      ? ""
      : logged
        ? "; the log line went out"
        : "; the log line has not gone out";
  return `${detector}: ${child}${event}${line}`;
}

/** Detectors that judge while a process runs take milliseconds and more. */
function duration(us: number): string {
  return us < 10_000 ? `${Math.round(us)} µs` : `${(us / 1e6).toFixed(2)} s`;
}

const RESULTS = {
  survived: "the child SURVIVED",
  "could not be started": "the child could not be started",
  "did not end": "the child did not end",
  "not attached": "it is not attached: it guards nothing",
  "has none": "it has no self-test",
} as const;
