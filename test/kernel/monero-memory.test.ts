// What burns CPU and holds an algorithm's constants where code is: looked for in memory, whatever its rounding.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Computing, lived, MoneroAgent } from "../lib/monero-agent.js";

const FOREVER = "300";
const FLAGS = ["--registers", "off", "--four-modes", "off", "--memory-every", "2", "--memory-percent", "5"];

const hold = (where: string) => new Computing("hold-constants", [where, FOREVER]);

describe("the memory scan", () => {
  let agent: MoneroAgent;
  before(async () => {
    agent = await MoneroAgent.start([...FLAGS, "--memory", "enforce"]);
  });
  after(() => agent.stop());

  test("kills what computes beside the constants, and says where they stand", async () => {
    const { ended: end } = hold("code");
    const ended = await end;
    assert.equal(ended.signal, "SIGKILL");
    const line = await agent.lineOf("killed", ended.pid);
    assert.equal(line["rule"], "algorithm");
    assert.equal(line["source"], "monero.memory");
    assert.equal(line["algorithm"], "RandomX");
    assert.deepEqual(line["constants"], { "randomx-superscalar": 14 });
    assert.equal(line["mappings"], "anonymous r-x 64 KiB");
    assert.equal(line["killed_by"], "agent");
    assert.match(line.cmdline!, /hold-constants code 300$/);
    assert.ok((line["cpu_seconds"] as number) > 0);
  });

  test("spares what sleeps, what has them among its data, and what has a few", async () => {
    const looks = () => agent.metric("memory_candidates_total");
    const before = await looks();
    const holding = ["idle", "heap", "few"].map(hold);
    // Two into each that does not sleep, or more.
    await agent.until("it looks", async () => (await looks()) >= before + 4);
    const all = await Promise.all(holding.map((one) => one.end()));
    assert.ok(all.every(lived), JSON.stringify(all.map(({ signal }) => signal)));
    assert.ok((await agent.metric("memory_searched_bytes_total")) > 0);
  });
});

test("by default it tells and does not kill", async (t) => {
  const agent = await MoneroAgent.start(FLAGS);
  t.after(() => agent.stop());
  const holding = hold("code");
  assert.equal((await agent.lineOf("would-kill", holding.pid))["algorithm"], "RandomX");
  assert.ok(lived(await holding.end()));
  await agent.stop();
  assert.equal(agent.actions("would-kill", holding.pid).length, 1);
});
