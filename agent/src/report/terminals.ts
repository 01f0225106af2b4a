// One fixed line, with the case's number, to the terminal of whoever started a process that was killed. The process itself is dead by
// then: its parent, most often a shell, has the same terminal. Nothing waits for it, and what could not be told is counted.
import { caseNumber } from "./case-number.js";
import type { TimeOf } from "./clock.js";
import type { Killed } from "./log.js";
import { Tokens } from "./tokens.js";

/** What became of a line to a terminal. */
export type TerminalResult =
  | "told"
  | "no-terminal"
  | "full"
  | "not-permitted"
  | "gone"
  | "stuck"
  | "too-many"
  | "failed";

export interface TerminalParts {
  readonly node: string;
  readonly timeOf: TimeOf;
  /** When a process was started, in nanoseconds since boot and whole ticks. @throws when it is gone */
  readonly startedNs: (pid: number) => bigint;
  /** Rejects with a `code`: ENOTTY, EAGAIN, EACCES, EPERM, ENOENT, ESRCH, STUCK, or any other. */
  readonly write: (pid: number, text: Uint8Array) => Promise<void>;
  /** Writes and reads that could not even be ended. */
  readonly lost: () => number;
  readonly count: (result: TerminalResult) => void;
  readonly nowMs?: () => number;
}

export interface Terminals {
  tell(killed: Killed): void;
  /** Resolves when none is under way. */
  settled(): Promise<void>;
}

/** Of a node. Whoever has more killed than that knows it by then. */
const LIMITS = { burst: 8, perSecond: 1 };
/** Of one parent. */
const OF_ONE = { burst: 4, perSecond: 1 / 60 };
const MAX_PARENTS = 256;
/** Waiting, one after the other: each has its deadline. */
const MAX_WAITING = 8;

export function createTerminals(parts: TerminalParts): Terminals {
  const { node, timeOf, startedNs, write, lost, count, nowMs = () => performance.now() } = parts;
  const all = new Tokens(LIMITS, nowMs());
  const parents = new Map<number, Tokens>();
  let waiting = 0;
  let writing = Promise.resolve();
  return {
    tell(killed) {
      // One that hangs for good may make others hang; these places are the scan's too.
      if (waiting >= MAX_WAITING || lost() > 0 || !allows(killed.ppid)) {
        count("too-many");
        return;
      }
      waiting++;
      writing = writing.then(async () => {
        count(await toldTo(killed));
        waiting--;
      });
    },
    settled: () => writing,
  };

  function allows(parent: number): boolean {
    const own = parents.get(parent) ?? new Tokens(OF_ONE, nowMs());
    parents.delete(parent);
    parents.set(parent, own);
    if (parents.size > MAX_PARENTS) parents.delete(parents.keys().next().value!);
    return own.has(1, nowMs()) && all.take(1, nowMs()) && own.take(1, nowMs());
  }

  async function toldTo({ pid, ppid, startTimeNs }: Killed): Promise<TerminalResult> {
    try {
      // Its number may be another's by now, which began later.
      if (ppid <= 1 || startedNs(ppid) > startTimeNs) return "gone";
      await write(ppid, Buffer.from(terminalLine(caseNumber(node, pid, timeOf(startTimeNs)))));
      return "told";
    } catch (error) {
      const { code } = error as { code?: string };
      return RESULTS[code ?? ""] ?? "failed";
    }
  }
}

const RESULTS: Readonly<Record<string, TerminalResult>> = {
  ENOTTY: "no-terminal",
  EAGAIN: "full",
  EACCES: "not-permitted",
  EPERM: "not-permitted",
  ENOENT: "gone",
  ESRCH: "gone",
  EIO: "gone",
  STUCK: "stuck",
};

/** On a line of its own, also where the terminal is raw. Nothing in it is the process's. */
export function terminalLine(number: string): string {
  return `\r\ncryptnono: a process that was started here was killed: it looks like cryptomining, which is not allowed. If it is not, tell the operators: case ${number}\r\n`;
}
