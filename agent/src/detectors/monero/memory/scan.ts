// Looks into processes that burn CPU for what an algorithm cannot do without: its constants, in code or beside it.
import { type CodeMapping, SEARCH_BYTES } from "@cryptnono/native";
import { type ProcFiles, type ProcStat, readStat } from "../../../proc/index.js";
import { type Algorithm, algorithmOf, familiesIn, type Hit } from "./algorithms.js";
import type { Budget } from "./budget.js";
import type { Burning, BurnWatch } from "./burning.js";
import { WINDOW_BYTES } from "./constants.js";
import { mappingKey, type Searched } from "./searched.js";

/** Where something was found. No byte of what was read is kept. */
export interface Place {
  readonly kind: "file" | "nameless-file" | "anonymous";
  readonly isExecutable: boolean;
  readonly bytes: number;
}

export interface Finding {
  readonly burning: Burning;
  readonly algorithm: Algorithm;
  /** Different patterns that were found, by family. */
  readonly families: ReadonlyMap<string, number>;
  readonly places: readonly Place[];
  /** What the file that it began with has. */
  readonly atExec?: Algorithm;
}

export type SearchFailure = "vanished" | "unreadable" | "stuck";

/** What a search tells for the metrics. */
export interface SearchCounts {
  candidate(): void;
  searched(bytes: number, cpuNs: number): void;
  failed(why: SearchFailure): void;
}

export interface MemoryScanParts {
  readonly proc: ProcFiles;
  readonly watch: BurnWatch;
  readonly budget: Budget;
  readonly searched: Searched;
  readonly count: SearchCounts;
  /** Share of one processor from which on a process is looked into. */
  readonly leastShare: number;
  readonly found: (finding: Finding) => Promise<void>;
  /** Between two looks at who burns CPU. */
  readonly everyMs: number;
  readonly selfPid?: number;
  readonly nowMs?: () => number;
  /** Processor time of the agent itself, its children apart. */
  readonly ownCpuNs?: () => number;
}

/** How far a process was searched, and what was found in it. */
interface Progress {
  readonly families: Map<string, number>;
  readonly places: Place[];
  /** Mappings in which something was found. */
  readonly found: Set<string>;
  /** Where the next list of its mappings begins. */
  from: bigint;
  /** A mapping that was begun. */
  begun: Begun | null;
  /** All that was spent on it. */
  bytes: number;
}

interface Begun {
  readonly mapping: string;
  readonly families: Map<string, number>;
  address: bigint;
  /** The last ones, which may stand near the next. */
  hits: readonly Hit[];
}

/** A process whose file has an algorithm's constants. */
interface Marked {
  readonly pid: number;
  readonly startTicks: ProcStat["startTicks"];
  readonly algorithm: Algorithm;
  cpuTicks: number;
  sinceMs: number;
}

interface Candidate {
  readonly burning: Burning;
  readonly key: string;
  readonly progress: Progress;
}

/** What one process gets before the next has its turn. */
const TURN_BYTES = 8 * 2 ** 20;
/** What a list of mappings and a search of nothing cost, as bytes of a turn: a process of a millisecond or less. */
const LIST_COST_BYTES = 2 ** 19;
const SEARCH_COST_BYTES = 2 ** 16;
/** The end of a child, which comes after it said what it took. */
const CHILD_END_NS = 50_000;

export class MemoryScan {
  readonly #parts: MemoryScanParts;
  /** Processes of which something was told, and how far each that burns was searched. */
  readonly #told = new Set<string>();
  #progress: ReadonlyMap<string, Progress> = new Map();
  #waiting: readonly Candidate[] = [];
  readonly #marked = new Map<string, Marked>();
  #lookedMs = Number.NEGATIVE_INFINITY;
  /** How much of the agent's own processor time is paid for. */
  #paidNs = 0;

  constructor(parts: MemoryScanParts) {
    this.#parts = parts;
  }

  /** Look each second whether it burns CPU, and into it before others then. */
  mark(pid: number, { startTicks, cpuTicks }: ProcStat, algorithm: Algorithm): void {
    const { nowMs = () => performance.now() } = this.#parts;
    this.#marked.set(`${pid} ${startTicks}`, { pid, startTicks, algorithm, cpuTicks, sinceMs: nowMs() });
    if (this.#marked.size > MOST_MARKED) this.#marked.delete(this.#marked.keys().next().value!);
  }

  /**
   * A step: a look at who burns CPU when it is time, and as much searching, in turns, as the budget has room for. What it has none for
   * is gone on with at the next step.
   */
  async run(isStopped: () => boolean): Promise<void> {
    const { everyMs, nowMs = () => performance.now() } = this.#parts;
    if (nowMs() - this.#lookedMs >= everyMs) {
      this.#lookedMs = nowMs();
      this.#waiting = await this.#candidates();
    }
    this.#waiting = [...this.#markedThatBurn(nowMs()), ...this.#waiting];
    // A look is not paid for, or many processes would leave nothing for searching; how often it is made bounds it.
    this.#paidNs = this.#ownCpuNs();
    await this.#takeTurns(isStopped);
    this.#pay();
  }

  async #takeTurns(isStopped: () => boolean): Promise<void> {
    let waiting = this.#waiting;
    while (waiting.length > 0) {
      const unfinished: Candidate[] = [];
      for (const [i, candidate] of waiting.entries()) {
        this.#pay();
        if (isStopped() || !this.#parts.budget.isOpen) {
          this.#waiting = [...waiting.slice(i), ...unfinished];
          return;
        }
        if (!(await this.#hasFinished(candidate, isStopped))) unfinished.push(candidate);
      }
      waiting = unfinished;
    }
    this.#waiting = [];
  }

  /** Those that were searched least for what they burn first, new ones before all. What does not burn any more is forgotten. */
  async #candidates(): Promise<Candidate[]> {
    const { count, selfPid = process.pid } = this.#parts;
    const all = await this.#burning();
    if (all === null) return [...this.#waiting];
    const candidates: Candidate[] = [];
    for (const burning of all) {
      const key = `${burning.pid} ${burning.stat.startTicks}`;
      if (burning.pid === selfPid || this.#told.has(key)) continue;
      candidates.push({ burning, key, progress: this.#progress.get(key) ?? noProgress() });
      count.candidate();
    }
    this.#progress = new Map(candidates.map(({ key, progress }) => [key, progress]));
    return candidates.sort((a, b) => a.progress.bytes / a.burning.share - b.progress.bytes / b.burning.share);
  }

  /** null: there was no answer, and no better is known than what waits already. */
  async #burning(): Promise<Burning[] | null> {
    const { watch, leastShare, count } = this.#parts;
    try {
      return await watch.look(leastShare);
    } catch (error) {
      if (failureOf(error) !== "stuck") throw error;
      count.failed("stuck");
      return null;
    }
  }

  /**
   * Of the marked ones that were looked at longest ago, those that burn and do not wait already. Those that are gone or were told are
   * forgotten.
   */
  #markedThatBurn(nowMs: number): Candidate[] {
    const { proc, leastShare, count } = this.#parts;
    const candidates: Candidate[] = [];
    for (const [key, marked] of [...this.#marked].slice(0, MARKED_OF_A_STEP)) {
      const elapsedMs = nowMs - marked.sinceMs;
      if (elapsedMs < LEAST_MARKED_MS) continue;
      this.#marked.delete(key);
      const stat = readStat(marked.pid, proc);
      if (stat?.startTicks !== marked.startTicks || this.#told.has(key)) continue;
      this.#marked.set(key, marked);
      const share = ((stat.cpuTicks - marked.cpuTicks) * MS_PER_TICK) / elapsedMs;
      marked.cpuTicks = stat.cpuTicks;
      marked.sinceMs = nowMs;
      if (share < leastShare || this.#waiting.some((one) => one.key === key)) continue;
      const progress = this.#progress.get(key) ?? noProgress();
      this.#progress = new Map([...this.#progress, [key, progress]]);
      candidates.push({ burning: { pid: marked.pid, stat, share }, key, progress });
      count.candidate();
    }
    return candidates;
  }

  /** One process's turn. Whether there is nothing more to search in it now. */
  async #hasFinished(candidate: Candidate, isStopped: () => boolean): Promise<boolean> {
    try {
      return await this.#searchProcess(candidate, isStopped);
    } catch (error) {
      const why = failureOf(error);
      if (why === null) throw error;
      this.#parts.count.failed(why);
      return true;
    }
  }

  async #searchProcess({ burning, key, progress }: Candidate, isStopped: () => boolean): Promise<boolean> {
    const { proc, searched, found } = this.#parts;
    const { families, places } = progress;
    const most = progress.bytes + TURN_BYTES;
    const { mappings, next } = await this.#paid(() => proc.code(burning.pid, progress.from));
    progress.bytes += LIST_COST_BYTES;
    // One search comes of each list, or lists alone could use up all that there is.
    const listed = progress.bytes;
    for (const mapping of bySuspicion(mappings, searched)) {
      const name = mappingKey(key, mapping);
      if (progress.found.has(name) || searched.has(key, mapping)) continue;
      const inMapping = await this.#searchMapping(burning.pid, name, mapping, progress, () => {
        const isFirst = progress.bytes === listed;
        return !isStopped() && (isFirst || (this.#parts.budget.isOpen && progress.bytes < most));
      });
      if (inMapping === null) return false;
      if (inMapping.size === 0) {
        searched.add(key, mapping);
        continue;
      }
      progress.found.add(name);
      for (const [name, words] of inMapping) families.set(name, Math.max(words, families.get(name) ?? 0));
      places.push(placeOf(mapping));
      const algorithm = algorithmOf(new Set(families.keys()));
      if (algorithm === null) continue;
      this.#remember(key);
      const atExec = this.#marked.get(key)?.algorithm;
      await found({ burning, algorithm, families, places, ...(atExec === undefined ? {} : { atExec }) });
      return true;
    }
    progress.from = next ?? 0n;
    return next === null;
  }

  /** Families that stand in it; null: it is gone on with at the next turn. */
  async #searchMapping(
    pid: number,
    name: string,
    mapping: CodeMapping,
    progress: Progress,
    mayGoOn: () => boolean,
  ): Promise<ReadonlyMap<string, number> | null> {
    const { proc, count, searched } = this.#parts;
    const begun: Begun =
      progress.begun?.mapping === name
        ? progress.begun
        : { mapping: name, families: new Map(), address: mapping.start, hits: [] };
    progress.begun = begun;
    while (begun.address < mapping.end) {
      if (!mayGoOn()) return null;
      const from = begun.address;
      const bytes = Math.min(SEARCH_BYTES, Number(mapping.end - from));
      const result = await this.#paid(() => proc.search(pid, from, bytes, searched.pages(mapping, from, bytes)));
      progress.bytes += result.bytes + SEARCH_COST_BYTES;
      count.searched(result.bytes, result.cpuNs);
      const hits = [...begun.hits, ...result.hits];
      for (const [family, words] of familiesIn(hits)) {
        begun.families.set(family, Math.max(words, begun.families.get(family) ?? 0));
      }
      // Pages with hits are for each process to be found in.
      if (result.hits.length === 0) searched.addPages(mapping, from, bytes, result.known);
      begun.hits = hits.filter(({ address }) => address + WINDOW_BYTES > result.next);
      begun.address = result.next;
    }
    progress.begun = null;
    return begun.families;
  }

  /** A read by a child: its processor time, and the agent's own until now. */
  async #paid<T extends { readonly cpuNs: number }>(read: () => Promise<T>): Promise<T> {
    let childNs = CHILD_END_NS;
    try {
      const answer = await read();
      childNs += answer.cpuNs;
      return answer;
    } finally {
      this.#parts.budget.spend(childNs);
      this.#pay();
    }
  }

  /** What the agent itself took since it last paid. What else it does meanwhile is in it: rather too much. */
  #pay(): void {
    const nowNs = this.#ownCpuNs();
    this.#parts.budget.spend(nowNs - this.#paidNs);
    this.#paidNs = nowNs;
  }

  #ownCpuNs(): number {
    const { ownCpuNs = usedByAgent } = this.#parts;
    return ownCpuNs();
  }

  #remember(key: string): void {
    this.#told.add(key);
    if (this.#told.size > MOST_TOLD) this.#told.delete(this.#told.values().next().value!);
  }
}

const MOST_TOLD = 4096;
const MOST_MARKED = 256;
/** Some 80 us each: many have their turns, one after the other. */
const MARKED_OF_A_STEP = 8;
/** A look after less would see a tick or two. */
const LEAST_MARKED_MS = 500;
/** USER_HZ is 100 on every architecture Node runs on (linux include/asm-generic/param.h). */
const MS_PER_TICK = 10;

function noProgress(): Progress {
  return { families: new Map(), places: [], found: new Set(), from: 0n, begun: null, bytes: 0 };
}

function usedByAgent(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
}

/**
 * What has no file first, then files that no process was searched for yet, small ones before large ones: a miner's library is small, and
 * not what others run. What was read is looked at last, for pages that were not there then.
 */
function bySuspicion(mappings: readonly CodeMapping[], searched: Searched): CodeMapping[] {
  const rank = (mapping: CodeMapping) => {
    const { isFile, isNameless, start, end } = mapping;
    const bytes = Number(end - start);
    if (!isFile || isNameless) return bytes;
    const isKnown = searched.pages(mapping, start, Math.min(SEARCH_BYTES, bytes)) !== undefined;
    return bytes + (isKnown ? 2 ** 51 : 2 ** 50);
  };
  return mappings
    .map((mapping) => ({ mapping, rank: rank(mapping) }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ mapping }) => mapping);
}

function placeOf({ isFile, isNameless, isExecutable, start, end }: CodeMapping): Place {
  return {
    kind: isNameless ? "nameless-file" : isFile ? "file" : "anonymous",
    isExecutable,
    bytes: Number(end - start),
  };
}

function failureOf(error: unknown): SearchFailure | null {
  const code = error instanceof Error && "code" in error ? error.code : null;
  if (code === "ENOENT" || code === "ESRCH") return "vanished";
  if (code === "STUCK") return "stuck";
  return code === "EPERM" || code === "EACCES" || code === "EIO" ? "unreadable" : null;
}
