// So many lines of one kind in one pod, and from then on their number: who starts a thousand miners does not fill the log.
import { GroupPlaces, type ProcessLine, Tokens } from "../../report/index.js";
import type { CgroupIdentity } from "../../types.js";
import { type Action, type Source, summaryOf } from "./lines.js";
import type { Rule } from "./record.js";

/** What a line is of. */
export interface Kind {
  readonly source: Source;
  readonly action: Action;
  readonly rule: Rule;
  readonly group: string;
}

interface Tally extends Kind {
  told: number;
  untold: number;
  pid: number;
  uid: number;
}

export interface TellerParts {
  /** Lines of one kind that are told; 0: all. */
  readonly wholeLines: number;
  readonly tell: (line: ProcessLine, sinceMs: number) => void;
  readonly nowMs?: () => number;
}

/** Of all kinds together, a second. */
const LINES = { burst: 200, perSecond: 20 };
/** Kinds that are remembered; the longest unused goes, and is told then. */
const MOST_KINDS = 4096;
const NOWHERE: CgroupIdentity = { source: "kernel", paths: ["/"] };

export class Teller {
  readonly #parts: TellerParts;
  readonly #kinds = new Map<string, Tally>();
  readonly #places = new GroupPlaces();
  readonly #nowMs: () => number;
  readonly #tokens: Tokens;
  #untold = new Map<Action, bigint>();

  constructor(parts: TellerParts) {
    this.#parts = parts;
    this.#nowMs = parts.nowMs ?? (() => performance.now());
    this.#tokens = new Tokens(LINES, this.#nowMs());
  }

  /** Tell a line, or count it. */
  tell(kind: Kind, line: ProcessLine, uid: number, sinceMs: number): void {
    const { wholeLines } = this.#parts;
    const tally = this.#tallyOf(kind);
    if (line.cgroup !== null) this.#places.remember(kind.group, line.cgroup);
    tally.pid = line.pid;
    tally.uid = uid;
    if (wholeLines === 0 || (tally.told < wholeLines && this.#tokens.take(1, this.#nowMs()))) {
      tally.told++;
      this.#parts.tell(line, sinceMs);
      return;
    }
    tally.untold++;
    this.#untold.set(kind.action, (this.#untold.get(kind.action) ?? 0n) + 1n);
  }

  /** Tell the numbers. */
  tellCounts(): void {
    for (const tally of this.#kinds.values()) this.#tellCount(tally);
  }

  /** What was not told one by one, by what happened. */
  untold(): Readonly<Partial<Record<Action, bigint>>> {
    return Object.fromEntries(this.#untold);
  }

  #tellCount(tally: Tally): void {
    if (tally.untold === 0) return;
    const cgroup = this.#places.get(tally.group) ?? NOWHERE;
    this.#parts.tell(summaryOf({ ...tally, cgroup, count: tally.untold }), this.#nowMs());
    tally.untold = 0;
  }

  #tallyOf(kind: Kind): Tally {
    const key = `${kind.source} ${kind.action} ${kind.rule} ${kind.group}`;
    const tally = this.#kinds.get(key) ?? { ...kind, told: 0, untold: 0, pid: 0, uid: 0 };
    this.#kinds.delete(key);
    this.#kinds.set(key, tally);
    if (this.#kinds.size > MOST_KINDS) {
      const [oldest, gone] = this.#kinds.entries().next().value!;
      this.#kinds.delete(oldest);
      this.#tellCount(gone);
    }
    return tally;
  }
}
