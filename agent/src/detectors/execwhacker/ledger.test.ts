import assert from "node:assert/strict";
import { test } from "node:test";
import { rounds } from "@cryptnono/matcher/test/rounds";
import fc from "fast-check";
import type { SensorCounters } from "./counters.js";
import { Ledger, type Tally, type TallyStore, type Untold } from "./ledger.js";
import { TALLIED_VERDICTS, type TalliedVerdict } from "./tell/verdicts.js";

/** A kernel that counts, tallies, sends and counts what it sent, in this order; `most` tallies at a time. */
class FakeKernel implements TallyStore {
  readonly most: number;
  /** Sent as events. */
  sent = 0;
  gone = false;
  readonly saved = new Map<string, { readonly firstNs: bigint; readonly count: number }>();
  readonly #tallies = new Map<string, Tally>();
  readonly #counters: Record<string, bigint> = {};
  #ns = 1n;

  constructor(most = 1000) {
    this.most = most;
    for (const verdict of TALLIED_VERDICTS) {
      for (const prefix of ["", "told_", "summed_"]) this.#counters[`${prefix}${verdict}`] = 0n;
    }
  }

  count(verdict: TalliedVerdict): void {
    this.#counters[verdict]!++;
  }

  tally(group: string, verdict: TalliedVerdict): string {
    const key = `${group} ${verdict}`;
    const before = this.#tallies.get(key);
    const now = this.#ns++;
    this.#tallies.delete(key);
    this.#tallies.set(key, {
      key,
      verdict,
      group,
      stringId: 3,
      patternId: 0,
      generation: 1,
      told: 0,
      firstNs: now,
      ...before,
      total: (before?.total ?? 0) + 1,
      lastNs: now,
      cgroupId: 1n,
      pid: 1,
      uid: 0,
    });
    if (this.#tallies.size > this.most) this.#tallies.delete(this.#tallies.keys().next().value!);
    return key;
  }

  send(verdict: TalliedVerdict): void {
    this.sent++;
    this.#counters[`told_${verdict}`]!++;
  }

  sentOf(key: string): void {
    const tally = this.#tallies.get(key);
    if (tally !== undefined) this.#tallies.set(key, { ...tally, told: tally.told + 1 });
  }

  /** All of it, for one process. */
  decide(
    group: string,
    { verdict = "killed", isTold = false }: { verdict?: TalliedVerdict; isTold?: boolean } = {},
  ): void {
    this.count(verdict);
    const key = this.tally(group, verdict);
    if (!isTold) return;
    this.send(verdict);
    this.sentOf(key);
  }

  forget(key: string): void {
    this.#tallies.delete(key);
  }

  counters(): SensorCounters | null {
    return this.gone ? null : ({ ...this.#counters } as unknown as SensorCounters);
  }

  tallies(): readonly Tally[] {
    return [...this.#tallies.values()];
  }

  summed(): ReadonlyMap<string, { readonly firstNs: bigint; readonly count: number }> {
    return new Map(this.saved);
  }

  setSummed(key: string, firstNs: bigint, count: number): void {
    this.saved.set(key, { firstNs, count });
  }

  forgetSummed(key: string): void {
    this.saved.delete(key);
  }

  addSummed(verdict: TalliedVerdict, count: number): void {
    this.#counters[`summed_${verdict}`]! += BigInt(count);
  }
}

/** As many looks as it takes until nothing is in the midst of being counted. */
function look(ledger: Ledger): void {
  for (let i = 0; i < 3; i++) ledger.look();
}

const brief = (untold: readonly Untold[]) =>
  untold.map(({ verdict, count, tally }) => [tally?.group ?? null, verdict, count]);
const sum = (untold: readonly Untold[]) => untold.reduce((all, { count }) => all + count, 0);

test("what was sent is not told again, what was not is told once, by group and verdict", () => {
  const kernel = new FakeKernel();
  const ledger = new Ledger(kernel);
  for (let i = 0; i < 20; i++) kernel.decide("a", { isTold: i < 16 });
  kernel.decide("b", { verdict: "spared_substring" });
  look(ledger);
  assert.deepEqual(brief(ledger.take()), [
    ["a", "killed", 4],
    ["b", "spared_substring", 1],
  ]);
  look(ledger);
  assert.deepEqual(ledger.take(), []);
  for (let i = 0; i < 7; i++) kernel.decide("a");
  look(ledger);
  assert.deepEqual(brief(ledger.take()), [["a", "killed", 7]]);
});

test("how much each kind has grown is told once, what an earlier agent saw included", () => {
  const kernel = new FakeKernel(2);
  const grown: [string, number][] = [];
  const ledger = new Ledger(kernel, ({ group }, by) => grown.push([group, by]));
  const news = () => {
    ledger.look();
    return grown.splice(0);
  };
  for (let i = 0; i < 5; i++) kernel.decide("a", { isTold: i < 2 });
  assert.deepEqual(news(), [["a", 5]]);
  assert.deepEqual(news(), []);
  kernel.decide("a");
  kernel.decide("b");
  assert.deepEqual(news(), [
    ["a", 1],
    ["b", 1],
  ]);
  for (const group of ["c", "d"]) kernel.decide(group); // a and b make place
  for (let i = 0; i < 4; i++) news();
  kernel.decide("a");
  assert.deepEqual(news(), [["a", 1]], "which began anew");
});

test("what is in the midst of being counted is not told early", () => {
  const kernel = new FakeKernel();
  const ledger = new Ledger(kernel);
  kernel.decide("a", { isTold: true });
  look(ledger);
  kernel.count("killed");
  look(ledger);
  assert.deepEqual(brief(ledger.take()), [[null, "killed", 1]], "counted for three looks and in no tally");
});

test("a record that is being sent while the kernel is looked at is not told twice", () => {
  const kernel = new FakeKernel();
  const ledger = new Ledger(kernel);
  kernel.decide("a", { isTold: true });
  look(ledger);
  kernel.count("killed");
  const key = kernel.tally("a", "killed");
  ledger.look();
  assert.deepEqual(ledger.take(), []);
  kernel.send("killed");
  ledger.look();
  assert.deepEqual(ledger.take(), []);
  kernel.sentOf(key);
  look(ledger);
  assert.deepEqual(ledger.take(), []);
});

test("the last look tells everything at once", () => {
  const kernel = new FakeKernel();
  const ledger = new Ledger(kernel);
  for (let i = 0; i < 5; i++) kernel.decide("a", { isTold: i === 0 });
  ledger.look();
  assert.deepEqual(ledger.take(), []);
  assert.deepEqual(brief(ledger.take(true)), [["a", "killed", 4]]);
});

test("an entry that made place for others is told of, as far as it was seen; the rest is not told apart", () => {
  const kernel = new FakeKernel(1);
  const ledger = new Ledger(kernel);
  for (let i = 0; i < 5; i++) kernel.decide("a");
  look(ledger);
  for (let i = 0; i < 3; i++) kernel.decide("a");
  kernel.decide("b");
  look(ledger);
  assert.deepEqual(brief(ledger.take()), [
    ["a", "killed", 5],
    ["b", "killed", 1],
    [null, "killed", 3],
  ]);
  // It comes again, and counts anew.
  kernel.decide("a");
  look(ledger);
  assert.deepEqual(brief(ledger.take()), [["a", "killed", 1]]);
});

test("an entry that a look did not find is not forgotten at once", () => {
  const kernel = new FakeKernel();
  const ledger = new Ledger(kernel);
  for (let i = 0; i < 5; i++) kernel.decide("a");
  look(ledger);
  const tallies = kernel.tallies.bind(kernel);
  kernel.tallies = () => [];
  kernel.decide("b", { isTold: true });
  ledger.look();
  kernel.tallies = tallies;
  kernel.decide("b", { isTold: true });
  look(ledger);
  assert.deepEqual(brief(ledger.take()), [["a", "killed", 5]]);
});

test("the next agent tells what this one did not, and nothing again", () => {
  const kernel = new FakeKernel();
  const first = new Ledger(kernel);
  for (let i = 0; i < 10; i++) kernel.decide("a");
  for (let i = 0; i < 10; i++) kernel.decide("b");
  look(first);
  assert.equal(sum(first.take()), 20);
  for (let i = 0; i < 4; i++) kernel.decide("b");
  const second = new Ledger(kernel);
  look(second);
  assert.deepEqual(brief(second.take()), [["b", "killed", 4]]);
});

test("nothing is told of counts that another agent goes on with", () => {
  const kernel = new FakeKernel();
  const ledger = new Ledger(kernel);
  kernel.decide("a");
  look(ledger);
  kernel.gone = true;
  assert.equal(ledger.look(), false);
  assert.deepEqual(ledger.take(true), []);
});

test("tallies are read when something was decided, and not else", () => {
  const kernel = new FakeKernel();
  const ledger = new Ledger(kernel);
  let reads = 0;
  const tallies = kernel.tallies.bind(kernel);
  kernel.tallies = () => {
    reads++;
    return tallies();
  };
  for (let i = 0; i < 10; i++) ledger.look();
  assert.equal(reads, 1);
  kernel.decide("a");
  for (let i = 0; i < 10; i++) ledger.look();
  assert.equal(reads, 2);
});

test("what is sent and what is told by its number is what was counted, however looks fall and entries go", () => {
  const verdict = fc.constantFrom(...TALLIED_VERDICTS);
  const step = fc.oneof(
    fc.record({ kind: fc.constant("decide" as const), group: fc.nat(5), verdict, isTold: fc.boolean() }),
    fc.record({ kind: fc.constant("begin" as const), group: fc.nat(5), verdict }),
    fc.record({ kind: fc.constant("end" as const), isTold: fc.boolean() }),
    fc.record({ kind: fc.constantFrom("look" as const, "take" as const, "restart" as const) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), fc.integer({ min: 1, max: 6 }), (steps, most) => {
      const kernel = new FakeKernel(most);
      let ledger = new Ledger(kernel);
      let counted = 0;
      let told = 0;
      /** In the midst of being counted. */
      const midst: { key: string; verdict: TalliedVerdict }[] = [];
      const end = (isTold: boolean): void => {
        const one = midst.shift();
        if (one === undefined || !isTold) return;
        kernel.send(one.verdict);
        kernel.sentOf(one.key);
      };
      for (const one of steps) {
        if (one.kind === "decide") {
          kernel.decide(String(one.group), one);
          counted++;
        } else if (one.kind === "begin") {
          kernel.count(one.verdict);
          midst.push({ key: kernel.tally(String(one.group), one.verdict), verdict: one.verdict });
          counted++;
        } else if (one.kind === "end") end(one.isTold);
        else if (one.kind === "look") {
          // Nothing takes longer than from one look to the next.
          while (midst.length > 0) end(true);
          ledger.look();
        } else if (one.kind === "take") told += sum(ledger.take());
        else ledger = new Ledger(kernel);
        assert.ok(told + kernel.sent <= counted);
      }
      while (midst.length > 0) end(false);
      look(ledger);
      told += sum(ledger.take(true));
      assert.equal(told + kernel.sent, counted);
    }),
    { numRuns: rounds(400) },
  );
});
