// What the kernel decided and has not told of in events: how many, and of what kind. All counts together are exact: what is
// told whole and what is told by its number is what the kernel counted.
import type { SensorCounters } from "./counters.js";
import { TALLIED_VERDICTS, type TalliedVerdict } from "./tell/verdicts.js";

/** Verdicts that are told of by their number from now on. */
export interface Untold {
  readonly verdict: TalliedVerdict;
  readonly count: number;
  /** null: the kernel had too many kinds to remember of which one they were. */
  readonly tally: Tally | null;
}

/** Verdicts of one kind that the kernel counted together: one string, one pattern, one group of cgroups. */
export interface Tally {
  /** Which kind: the same for the same. */
  readonly key: string;
  readonly verdict: TalliedVerdict;
  /** As in `Report`. */
  readonly group: string;
  /** By its number in the list of `generation`; null when none was found. */
  readonly stringId: number | null;
  readonly patternId: number;
  readonly generation: number;
  /** Since the kernel has this count; it forgets the longest unused when it has too many. */
  readonly total: number;
  /** Of them, those that were sent as events. */
  readonly told: number;
  /** Nanoseconds since boot. */
  readonly firstNs: bigint;
  readonly lastNs: bigint;
  /** Of the last one. */
  readonly cgroupId: bigint;
  readonly pid: number;
  readonly uid: number;
}

/** The kernel's counts, and what was told of them, which outlives the agent as they do. */
export interface TallyStore {
  /** null: another agent goes on with them, or nothing is there any more. */
  counters(): SensorCounters | null;
  tallies(): readonly Tally[];
  /** How much of each was told of by its number, with its `firstNs`. */
  summed(): ReadonlyMap<string, { readonly firstNs: bigint; readonly count: number }>;
  setSummed(key: string, firstNs: bigint, count: number): void;
  forgetSummed(key: string): void;
  /** So many more of one verdict, tallied or not, were told of by their number. */
  addSummed(verdict: TalliedVerdict, count: number): void;
}

type Counts = Readonly<Record<TalliedVerdict, bigint>>;

/** Told, of each kind that a look finds, how much its total has grown; what earlier agents counted included. */
export type Grown = (tally: Tally, by: number) => void;

/** One kind, as it was looked at last. */
interface Kind {
  tally: Tally;
  /** Its total one look earlier. */
  before: number;
  summed: number;
  /** Of its total, what {@link Grown} was told. */
  grown: number;
  /** Looks at which it was not there. Who walks a map that others write may miss an entry once. */
  missing: number;
}

/** Kinds of which the kernel has made place for others, until they are told; as many as it has itself. */
const MAX_GONE = 8192;
/** Looks after which the kernel has forgotten a kind that is not there. */
const LOOKS_MISSING = 2;

/**
 * The kernel counts a verdict, tallies it, sends its event, and then counts that: between two of these a look sees one too many.
 * So what is untold is reckoned with the tallies' totals of the look before and the counters' of the one before that; what is
 * told, with this one's. Whatever is too few then is there the next time.
 */
export class Ledger {
  readonly #store: TallyStore;
  readonly #grown: Grown;
  readonly #kinds = new Map<string, Kind>();
  #gone: Untold[] = [];
  /** Of this look, the one before, and the one before that. */
  #verdicts: Counts[] = [];
  #told: Counts = NONE;
  #isRead = false;

  constructor(store: TallyStore, grown: Grown = () => {}) {
    this.#store = store;
    this.#grown = grown;
  }

  /** Read what the kernel has counted; next to nothing when that has not changed. @returns whether there is anything to read. */
  look(): boolean {
    const counters = this.#store.counters();
    if (counters === null) return false;
    const verdicts = pick(counters, "");
    const told = pick(counters, "told_");
    const isChanged = !same(verdicts, this.#verdicts[0] ?? NONE) || !same(told, this.#told);
    this.#verdicts = [verdicts, ...this.#verdicts].slice(0, LOOKS);
    this.#told = told;
    for (const kind of this.#kinds.values()) kind.before = kind.tally.total;
    if (isChanged || !this.#isRead) this.#readTallies();
    return true;
  }

  /**
   * What is untold, from now on told.
   *
   * @param isLast - Nothing is counted any more: what the last look saw is all.
   */
  take(isLast = false): Untold[] {
    const counters = this.#store.counters();
    if (counters === null || this.#verdicts.length === 0) return [];
    const summed = pick(counters, "summed_");
    const left = (age: number): Record<TalliedVerdict, number> => this.#left(isLast ? 0 : age, summed);
    const room = left(1);
    const untold: Untold[] = [];
    const take = (one: Untold): void => {
      const count = Math.min(one.count, room[one.verdict]);
      if (count <= 0) return;
      room[one.verdict] -= count;
      untold.push({ ...one, count });
    };
    for (const one of this.#gone) take(one);
    this.#gone = [];
    for (const [key, kind] of this.#kinds) {
      const { tally, before } = kind;
      const total = isLast ? tally.total : before;
      const taken = untold.length;
      take({ verdict: tally.verdict, count: total - tally.told - kind.summed, tally });
      if (untold.length === taken) continue;
      kind.summed += untold[taken]!.count;
      this.#store.setSummed(key, tally.firstNs, kind.summed);
    }
    this.#takeApart(left(2), untold);
    for (const [verdict, count] of countByVerdict(untold)) this.#store.addSummed(verdict, count);
    return untold;
  }

  /** What was counted `age` looks ago and has neither been sent nor summed, by verdict. */
  #left(age: number, summed: Counts): Record<TalliedVerdict, number> {
    const verdicts = this.#verdicts[age] ?? NONE;
    const left = TALLIED_VERDICTS.map((name) => [name, Number(verdicts[name] - this.#told[name] - summed[name])]);
    return Object.fromEntries(left) as Record<TalliedVerdict, number>;
  }

  /** What no tally knows of. */
  #takeApart(left: Readonly<Record<TalliedVerdict, number>>, untold: Untold[]): void {
    const taken = countByVerdict(untold);
    for (const verdict of TALLIED_VERDICTS) {
      const count = left[verdict] - (taken.get(verdict) ?? 0);
      if (count > 0) untold.push({ verdict, count, tally: null });
    }
  }

  #readTallies(): void {
    // Those before are an earlier agent's, whose counts this one goes on with.
    const summed = this.#isRead ? null : this.#store.summed();
    this.#isRead = true;
    const there = new Set<string>();
    for (const tally of this.#store.tallies()) {
      there.add(tally.key);
      const kind = this.#kinds.get(tally.key);
      if (kind !== undefined && kind.tally.firstNs === tally.firstNs) {
        kind.tally = tally;
        kind.missing = 0;
        this.#tellGrown(kind);
        continue;
      }
      if (kind !== undefined) this.#keepGone(kind);
      const before = summed?.get(tally.key);
      const count = before !== undefined && before.firstNs === tally.firstNs ? before.count : 0;
      const found: Kind = { tally, before: 0, summed: count, grown: 0, missing: 0 };
      this.#kinds.set(tally.key, found);
      this.#tellGrown(found);
    }
    for (const [key, kind] of this.#kinds) {
      if (there.has(key) || ++kind.missing < LOOKS_MISSING) continue;
      this.#kinds.delete(key);
      this.#keepGone(kind);
      if (kind.summed > 0) this.#store.forgetSummed(key);
    }
    for (const key of summed?.keys() ?? []) if (!there.has(key)) this.#store.forgetSummed(key);
  }

  #tellGrown(kind: Kind): void {
    const by = kind.tally.total - kind.grown;
    if (by > 0) this.#grown(kind.tally, by);
    kind.grown = kind.tally.total;
  }

  #keepGone({ tally, summed }: Kind): void {
    const count = tally.total - tally.told - summed;
    if (count > 0 && this.#gone.length < MAX_GONE) this.#gone.push({ verdict: tally.verdict, count, tally });
  }
}

const LOOKS = 3;
const NONE = Object.fromEntries(TALLIED_VERDICTS.map((name) => [name, 0n])) as Counts;

function pick(counters: SensorCounters, prefix: "" | "told_" | "summed_"): Counts {
  return Object.fromEntries(TALLIED_VERDICTS.map((name) => [name, counters[`${prefix}${name}`]])) as Counts;
}

function same(a: Counts, b: Counts): boolean {
  return TALLIED_VERDICTS.every((name) => a[name] === b[name]);
}

function countByVerdict(untold: readonly Untold[]): Map<TalliedVerdict, number> {
  const counts = new Map<TalliedVerdict, number>();
  for (const { verdict, count } of untold) counts.set(verdict, (counts.get(verdict) ?? 0) + count);
  return counts;
}
