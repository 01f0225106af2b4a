// From Linux 7.0 on, programs on tracepoints can be preempted, and the kernel skips a program that is being run on that CPU
// already. Each exec must get its verdict all the same.
import assert from "node:assert/strict";
import { test } from "node:test";
import { randomString, run, TestAgent } from "../lib/agent.js";

/** The CPU that all of them run on, as a mask. */
const CPU = "2";
const ON_CPU = ["taskset", CPU];
const SLOW_ROUNDS = 40;

test("an exec beside another one that is being searched on the same CPU gets its verdict", async (t) => {
  const banned = randomString();
  const agent = await TestAgent.start({ bannedCommandStrings: [banned] });
  t.after(() => agent.stop());

  const filling = Array.from({ length: 10 }, () => "x ".repeat(50_000));
  let isSearching = true;
  const slow = (async () => {
    for (let i = 0; i < SLOW_ROUNDS; i++)
      await Promise.all([1, 2].map(() => run("/bin/busybox", [...ON_CPU, "/bin/true", ...filling])));
    isSearching = false;
  })();
  // The string stands on no command line but the last one.
  const halves = [banned.slice(0, 9), banned.slice(9)];
  const victim = () => run("/bin/busybox", [...ON_CPU, "/bin/sh", "-c", 'exec /bin/echo "$0""$1"', ...halves]);
  let victims = 0;
  let survivors = 0;
  while (isSearching) {
    const ended = await Promise.all(Array.from({ length: 8 }, victim));
    victims += ended.length;
    survivors += ended.filter(({ signal }) => signal !== "SIGKILL").length;
  }
  await slow;
  const skipped = await agent.metric("program_missed_runs_total");
  console.log(`${victims} victims, ${survivors} survivors, ${skipped} execs at which the program was skipped`);
  assert.equal(survivors, 0);
});
