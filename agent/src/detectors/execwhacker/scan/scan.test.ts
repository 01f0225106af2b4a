import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type FakeProcess, fakeProc } from "./fixtures/fake-proc.js";
import type { Looked } from "./look.js";
import { Rounds, scanProcesses } from "./scan.js";

/** A process of a group of `cgroup`'s name. */
const of = (cgroup: string): FakeProcess => ({ cmdline: ["x\0"], cgroup: `0::/${cgroup}\n` });

interface Log {
  readonly order: number[];
  readonly counts: Record<string, number>;
  readonly learnt: number[];
  mostAtOnce: number;
}

/** A scan with looks that cost what `cost` says. */
async function scan(
  processes: Readonly<Record<number, FakeProcess>>,
  options: {
    cost?: (pid: number) => number;
    look?: (pid: number) => Promise<void>;
    rounds?: Rounds;
    stopAfter?: number;
  } = {},
): Promise<Log> {
  const { cost = () => 1, look = () => Promise.resolve(), rounds = new Rounds(), stopAfter = Infinity } = options;
  const log: Log = { order: [], counts: {}, learnt: [], mostAtOnce: 0 };
  let under = 0;
  const looker = {
    learn: (stats: Iterable<{ startTicks: number }>) =>
      void log.learnt.push(...[...stats].map(({ startTicks }) => startTicks / 10)),
    keep: () => {},
    async look(pid: number): Promise<Looked> {
      log.order.push(pid);
      log.mostAtOnce = Math.max(log.mostAtOnce, ++under);
      try {
        await look(pid);
      } finally {
        under--;
      }
      return { costMs: cost(pid), isStuck: false, stat: null };
    },
  };
  const count = {
    scanFailed(why: string) {
      log.counts[why] = (log.counts[why] ?? 0) + 1;
    },
  };
  await scanProcesses(looker, fakeProc(processes), rounds, count, {
    shareMs: 100,
    isStopped: () => log.order.length >= stopAfter,
  });
  return log;
}

test("each process is looked at once, by turns of the groups, once all have been learnt", async () => {
  const { order, learnt } = await scan({ 1: of("a"), 2: of("a"), 3: of("a"), 4: of("b"), 5: of("c") });
  assert.deepEqual(learnt, [1, 2, 3, 4, 5]);
  assert.deepEqual(order, [1, 4, 5, 2, 3]);
});

test("one that gives no answer keeps its own group waiting, and no other", async () => {
  const answered: number[] = [];
  let giveUp = (): void => {};
  const silent = new Promise<void>((resolve) => {
    giveUp = resolve;
  });
  const scanned = scan(
    { 1: of("hostile"), 2: of("hostile"), 3: of("a"), 4: of("a"), 5: of("b") },
    {
      look: async (pid) => {
        if (pid === 1) await silent;
        answered.push(pid);
      },
    },
  );
  while (answered.length < 3) await delay(1);
  assert.deepEqual(answered, [3, 5, 4]);
  giveUp();
  const { order, mostAtOnce } = await scanned;
  assert.deepEqual(order.at(-1), 2);
  assert.equal(mostAtOnce, 2);
});

test("a group that has had its share is put off, and its others come first the next time", async () => {
  const processes = { 1: of("big"), 2: of("big"), 3: of("big"), 4: of("big"), 5: of("small") };
  const options = { cost: (pid: number) => (pid === 5 ? 1 : 60), rounds: new Rounds() };
  const first = await scan(processes, options);
  assert.deepEqual([first.order, first.counts], [[1, 5, 2], { "put-off": 2 }]);
  const second = await scan(processes, options);
  assert.deepEqual(second.order, [3, 5, 4]);
  const third = await scan(processes, options);
  assert.deepEqual(third.order, [1, 5, 2]);
});

test("a fault of ours is thrown after all others have been looked at", async () => {
  const looked: number[] = [];
  const look = async (pid: number): Promise<void> => {
    looked.push(pid);
    if (pid === 1) throw new TypeError("fault");
  };
  await assert.rejects(scan({ 1: of("a"), 2: of("a"), 3: of("b") }, { look }), TypeError);
  assert.deepEqual(looked.sort(), [1, 2, 3]);
});

test("a scan that is stopped looks at no more", async () => {
  const { order } = await scan({ 1: of("a"), 2: of("b"), 3: of("c"), 4: of("d") }, { stopAfter: 2 });
  assert.ok(order.length <= 3);
});
