// `cryptnono selftest`: a running agent kills a child of its own, on request.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ROOT, randomString, run, TestAgent } from "../lib/agent.js";

test("a running agent's child is killed, its event and its line come, and nobody else's verdict changes", async () => {
  const agent = await TestAgent.start({ bannedCommandStrings: [randomString()] });
  const ask = (...args: string[]) =>
    run(`${ROOT}bin/cryptnono`, ["selftest", ...args, "--health-port", String(agent.healthPort)]);
  try {
    await agent.untilReady();
    const { code, stdout } = await ask("execwhacker");
    assert.match(
      stdout.toString(),
      /^execwhacker: the child was killed in \d+ µs; the kernel's event came; the log line went out\n$/,
    );
    assert.equal(code, 0);
    const told = agent.lines.filter(({ event }) => event === "Self-test asked for");
    assert.equal(told.length, 1);
    assert.equal(told[0]!["result"], "the child was killed");
    const { latency_us: latencyUs } = JSON.parse((await ask("--json")).stdout.toString()) as { latency_us: number };
    assert.ok(latencyUs > 0 && latencyUs < 1_000_000, String(latencyUs));
    assert.equal((await ask("monero")).code, 1);
    await agent.settle();
    // It is nobody's kill.
    assert.deepEqual(agent.kills(), []);
  } finally {
    await agent.stop();
  }
  // Nobody answers any more.
  assert.equal((await ask()).code, 1);
});

test("two hundred who ask at once are answered by few tests", async () => {
  const agent = await TestAgent.start({ bannedCommandStrings: [randomString()] });
  try {
    await agent.untilReady();
    const url = `http://127.0.0.1:${agent.healthPort}/selftest`;
    // Sixty at a time: the port holds no more connections.
    for (let i = 0; i < 4; i++) {
      const answers = await Promise.all(
        Array.from({ length: 50 }, async () => (await (await fetch(url)).json()) as { result: string }),
      );
      assert.ok(answers.every(({ result }) => result === "killed"));
    }
    const tests = agent.lines.filter(({ event }) => event === "Self-test asked for").length;
    assert.ok(tests >= 1 && tests <= 30, String(tests));
  } finally {
    await agent.stop();
  }
});
