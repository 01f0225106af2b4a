// Looks into processes that burn CPU for what an algorithm cannot do without: its constants, in code or beside it.
import type { CodeMapping } from "@cryptnono/native";
import type { ProcFiles } from "../../../proc/index.js";
import { algorithmOf, familiesIn } from "./algorithms.js";
import type { Budget } from "./budget.js";
import type { Burning, BurnWatch } from "./burning.js";
import type { Searched } from "./searched.js";

/** Where something was found. No byte of what was read is kept. */
export interface Place {
  readonly kind: "file" | "nameless-file" | "anonymous";
  readonly isExecutable: boolean;
  readonly bytes: number;
}

export interface Finding {
  readonly burning: Burning;
  readonly algorithm: string;
  /** Different words that were found, by family. */
  readonly families: ReadonlyMap<string, number>;
  readonly places: readonly Place[];
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
  readonly selfPid?: number;
}

interface Evidence {
  readonly families: Map<string, number>;
  readonly places: Place[];
}

/** Of one read: some 5 ms. */
const PIECE_BYTES = 4 * 2 ** 20;

export class MemoryScan {
  readonly #parts: MemoryScanParts;
  /** Processes of which something was told, and what was found in a process so far. */
  readonly #told = new Set<string>();
  #evidence: ReadonlyMap<string, Evidence> = new Map();

  constructor(parts: MemoryScanParts) {
    this.#parts = parts;
  }

  /** One look at all that burn CPU. What the budget has no room for is looked into at the next. */
  async run(isStopped: () => boolean): Promise<void> {
    const { watch, leastShare, count, selfPid = process.pid } = this.#parts;
    const evidence = new Map<string, Evidence>();
    for (const burning of watch.look(leastShare)) {
      if (isStopped()) break;
      if (burning.pid === selfPid) continue;
      const key = `${burning.pid} ${burning.stat.startTicks}`;
      if (this.#told.has(key)) continue;
      evidence.set(key, this.#evidence.get(key) ?? { families: new Map(), places: [] });
      this.#evidence = new Map([...this.#evidence, ...evidence]);
      count.candidate();
      try {
        await this.#lookInto(burning, key, isStopped);
      } catch (error) {
        const why = failureOf(error);
        if (why === null) throw error;
        count.failed(why);
      }
    }
    // What does not burn any more is forgotten.
    this.#evidence = evidence;
  }

  async #lookInto(burning: Burning, key: string, isStopped: () => boolean): Promise<void> {
    const { proc, searched, budget, found } = this.#parts;
    const { families, places } = this.#evidence.get(key)!;
    for (const mapping of bySuspicion(await proc.code(burning.pid))) {
      if (isStopped() || !budget.isOpen) return;
      if (searched.has(key, mapping)) continue;
      const inMapping = await this.#search(burning.pid, mapping);
      if (inMapping === null) return;
      if (inMapping.size === 0) {
        searched.add(key, mapping);
        continue;
      }
      for (const [name, words] of inMapping) families.set(name, Math.max(words, families.get(name) ?? 0));
      places.push(placeOf(mapping));
      const algorithm = algorithmOf(new Set(families.keys()));
      if (algorithm === null) continue;
      this.#remember(key);
      await found({ burning, algorithm, families, places });
      return;
    }
  }

  /** null: the budget was used up before the mapping's end. */
  async #search(pid: number, { start, end }: CodeMapping): Promise<Map<string, number> | null> {
    const { proc, budget, count } = this.#parts;
    const hits: { readonly address: bigint; readonly word: number }[] = [];
    for (let from = start; from < end; from += BigInt(PIECE_BYTES)) {
      if (!budget.isOpen) return null;
      const bytes = Math.min(PIECE_BYTES, Number(end - from));
      const result = await proc.search(pid, from, bytes);
      budget.spend(result.bytes);
      count.searched(result.bytes, result.cpuNs);
      hits.push(...result.hits);
    }
    return familiesIn(hits);
  }

  #remember(key: string): void {
    this.#told.add(key);
    if (this.#told.size > MOST_TOLD) this.#told.delete(this.#told.values().next().value!);
  }
}

const MOST_TOLD = 4096;

/** What has no file first, then small files: a miner's library is small, and what is large is read once for all processes. */
function bySuspicion(mappings: readonly CodeMapping[]): CodeMapping[] {
  const rank = ({ isFile, isNameless, start, end }: CodeMapping) =>
    (isFile && !isNameless ? 2 ** 50 : 0) + Number(end - start);
  return mappings.toSorted((a, b) => rank(a) - rank(b));
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
