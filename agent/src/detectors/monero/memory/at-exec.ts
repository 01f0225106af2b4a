// Looks, as programs begin, for an algorithm's constants in their files. A file alone condemns nobody: it marks the process.
import { nsToTicks, type ProcFiles, type ProcStat, readStat } from "../../../proc/index.js";
import type { ExecRecord } from "../record.js";
import { type Algorithm, algorithmOf, familiesIn, type Hit } from "./algorithms.js";
import type { Budget, BudgetLimits } from "./budget.js";
import { WINDOW_BYTES } from "./constants.js";

export type ExecResult = "searched" | "cached" | "put-off" | "vanished" | "unreadable";

export interface AtExecParts {
  readonly proc: Pick<ProcFiles, "searchExe" | "read">;
  /** Its own part, and that of all searches: both must be open, both pay. */
  readonly budgets: readonly Budget[];
  /** Of them, what pieces after a file's first may take: large files must not keep others waiting. */
  readonly further: Budget;
  readonly mark: (exec: ExecRecord, stat: ProcStat, algorithm: Algorithm) => void;
  readonly became: (exec: ExecRecord, result: ExecResult) => void;
  readonly searched: (bytes: number, cpuNs: number) => void;
  readonly mostCached?: number;
}

/** Half of what all searches have, so that the memory of those that burn CPU has its share; also of what is forgiven. */
export const EXEC_BUDGET: BudgetLimits = { burstNs: 8_000_000, nsPerSecond: 750_000, closedMostMs: 20_000 };
/** What is larger is searched so far. */
export const MOST_FILE_BYTES = 64 * 2 ** 20;
export const FURTHER_BUDGET: BudgetLimits = { burstNs: 6_000_000, nsPerSecond: 400_000, closedMostMs: 30_000 };
/** A millisecond and a half. */
export const PIECE_BYTES = 2 ** 20;
/** Some 200 bytes each. */
const MOST_CACHED = 4096;
const MOST_WAITING = 256;
/** A child's end, and the agent's own part. */
const LOOK_NS = 150_000;
/** To see that a process is gone. */
const STAT_NS = 30_000;

/** What a file has. */
interface Known {
  readonly algorithm: Algorithm | null;
}

interface Waiting {
  readonly exec: ExecRecord;
  /** How far its file was searched. */
  file: {
    readonly key: string;
    readonly families: Set<string>;
    from: bigint;
    /** The last ones, which may stand near the next. */
    near: readonly Hit[];
  } | null;
}

export class AtExec {
  readonly #parts: AtExecParts;
  readonly #files = new Map<string, Known>();
  readonly #waiting: Waiting[] = [];
  readonly #begun: Waiting[] = [];
  #isBusy = false;

  constructor(parts: AtExecParts) {
    this.#parts = parts;
  }

  /** How many wait for their turn, files that are begun included. */
  get waiting(): number {
    return this.#waiting.length + this.#begun.length;
  }

  /** @returns false: there is no room for it, and it is not looked at. */
  add(exec: ExecRecord): boolean {
    if (this.#waiting.length >= MOST_WAITING) {
      this.#parts.became(exec, "put-off");
      return false;
    }
    this.#waiting.push({ exec, file: null });
    return true;
  }

  /** Look at those that wait, one after the other, while there is processor time for it; then go on with large files. */
  async run(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      for (let one = this.#next(); one !== undefined; one = this.#next()) await this.#look(one);
    } finally {
      this.#isBusy = false;
    }
  }

  #next(): Waiting | undefined {
    const { budgets, further } = this.#parts;
    for (;;) {
      const from = this.#waiting.length > 0 ? this.#waiting : this.#begun;
      if (from.length === 0 || (from === this.#begun && !further.isOpen)) return undefined;
      if (!budgets.every((budget) => budget.isOpen)) return undefined;
      const one = this.#firstThatLives(from);
      if (one !== undefined) return one;
    }
  }

  /** Most programs end soon: what is gone needs no child, and takes no other's turn. */
  #firstThatLives(from: Waiting[]): Waiting | undefined {
    for (let looked = 1; ; looked++) {
      const one = from.shift();
      if (one !== undefined && this.#statOf(one.exec) === null) {
        this.#parts.became(one.exec, "vanished");
        continue;
      }
      this.#spend(looked * STAT_NS);
      return one;
    }
  }

  async #look(one: Waiting): Promise<void> {
    try {
      await this.#lookOnce(one);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : null;
      if (typeof code !== "string") throw error;
      this.#parts.became(one.exec, code === "ENOENT" || code === "ESRCH" ? "vanished" : "unreadable");
    }
  }

  async #lookOnce(one: Waiting): Promise<void> {
    const { pid } = one.exec;
    const isFirst = one.file === null;
    const { key, size } = await this.#read(pid, 0n, 0, !isFirst);
    const known = this.#files.get(key);
    if (known !== undefined) return this.#found(one.exec, key, known, "cached");
    const end = size < MOST_FILE_BYTES ? size : BigInt(MOST_FILE_BYTES);
    // What the process executes may be another file than it was.
    if (one.file?.key !== key) one.file = { key, families: new Set(), from: 0n, near: [] };
    const { file } = one;
    const piece = await this.#read(pid, file.from, PIECE_BYTES, !isFirst);
    const hits = [...file.near, ...piece.hits];
    for (const name of familiesIn(hits).keys()) file.families.add(name);
    const isShort = piece.next === file.from;
    file.near = hits.filter(({ address }) => address + WINDOW_BYTES > piece.next);
    file.from = piece.next;
    const algorithm = piece.key === key ? algorithmOf(file.families) : null;
    if (algorithm !== null || (piece.key === key && (isShort || file.from >= end)))
      this.#found(one.exec, key, { algorithm }, "searched");
    else if (this.#begun.length < MOST_WAITING) this.#begun.push(one);
    else this.#parts.became(one.exec, "put-off");
  }

  #found(exec: ExecRecord, key: string, known: Known, result: ExecResult): void {
    this.#remember(key, known);
    this.#parts.became(exec, result);
    if (known.algorithm === null) return;
    const stat = this.#statOf(exec);
    if (stat !== null) this.#parts.mark(exec, stat, known.algorithm);
  }

  /** null: it is gone. */
  #statOf({ pid, startTimeNs }: ExecRecord): ProcStat | null {
    const stat = readStat(pid, this.#parts.proc);
    return stat?.startTicks === nsToTicks(startTimeNs) ? stat : null;
  }

  #spend(ns: number): void {
    for (const budget of this.#parts.budgets) budget.spend(ns);
  }

  async #read(pid: number, from: bigint, bytes: number, isFurther: boolean) {
    let cpuNs = LOOK_NS;
    try {
      const piece = await this.#parts.proc.searchExe(pid, from, bytes);
      cpuNs += piece.cpuNs;
      if (bytes > 0) this.#parts.searched(piece.bytes, piece.cpuNs);
      return piece;
    } finally {
      this.#spend(cpuNs);
      if (isFurther) this.#parts.further.spend(cpuNs);
    }
  }

  /** The longest unused goes. */
  #remember(key: string, known: Known): void {
    this.#files.delete(key);
    this.#files.set(key, known);
    if (this.#files.size > (this.#parts.mostCached ?? MOST_CACHED))
      this.#files.delete(this.#files.keys().next().value!);
  }
}
