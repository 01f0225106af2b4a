// Arguments that the parent replaces in the middle of exec: what is judged is what was copied, and what runs.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { rounds } from "@cryptnono/matcher/test/rounds";
import { randomString, TestAgent } from "../lib/agent.js";
import { launch, numbersOf } from "../lib/progs.js";

const ROUNDS = rounds(100);
const banned = randomString();
const innocent = randomString("innocent");
let agent: TestAgent;
before(async () => {
  agent = await TestAgent.start({ bannedCommandStrings: [banned] });
});
after(() => agent?.stop());

describe("a parent that hides an argument from the judge and puts it back before main", () => {
  for (const way of ["process_vm_writev", "mem"]) {
    test(`by ${way}: no child prints it`, async (t) => {
      const before = await agent.metric("arguments_changed_total");
      const ended = await launch(
        "poke-argument",
        ["/bin/echo", "echo", banned],
        [String(ROUNDS), ...(way === "mem" ? [way] : [])],
      );
      const { killed, wrote } = numbersOf(ended.stderr);
      t.diagnostic(ended.stderr.trim());
      assert.equal(killed, ROUNDS, ended.stderr);
      assert.equal(ended.stdout.length, 0, "the banned argument was printed");
      const changed = (await agent.metric("arguments_changed_total")) - before;
      t.diagnostic(`${wrote} written to, ${changed} noticed as changed, the others killed by the string`);
      await agent.settle();
      const lines = agent.kills().filter(({ ppid }) => ppid === ended.pid);
      assert.equal(lines.length, ROUNDS);
      assert.equal(lines.filter(({ because }) => because === "arguments-changed").length, changed);
    });
  }

  test("and does the same to what is not banned: that is no honest exec either", async (t) => {
    const ended = await launch("poke-argument", ["/bin/echo", "echo", innocent], [String(ROUNDS)]);
    t.diagnostic(ended.stderr.trim());
    const { killed, ended: lived } = numbersOf(ended.stderr);
    assert.equal(killed! + lived!, ROUNDS);
  });
});

test("execs that nobody meddles with are known to be unchanged", async () => {
  const unchecked = await agent.metric("arguments_unchecked_total");
  const changed = await agent.metric("arguments_changed_total");
  const checked = await agent.metric('processes_checked_total{source="execwhacker.bpf"}');
  for (let i = 0; i < 50; i++) {
    const words = ["/bin/echo", "echo", ...Array.from({ length: i * i }, (_, n) => "x".repeat(n % 200)), ""];
    assert.equal((await launch("plain", words)).code, 0);
  }
  assert.ok((await agent.metric('processes_checked_total{source="execwhacker.bpf"}')) >= checked + 50);
  assert.equal(await agent.metric("arguments_changed_total"), changed);
  assert.equal(await agent.metric("arguments_unchecked_total"), unchecked);
});
