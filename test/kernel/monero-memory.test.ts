// What burns CPU and holds an algorithm's constants where code is: looked for in memory, whatever its rounding.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Ended, run } from "../lib/agent.js";
import { MoneroAgent } from "../lib/monero-agent.js";
import { prog } from "../lib/progs.js";

/** Some looks long. */
const AWHILE = "9";
const FOREVER = "100";
const FLAGS = ["--registers", "off", "--four-modes", "off", "--memory-every", "2", "--memory-percent", "5"];

const hold = (where: string, seconds: string): Promise<Ended> => run(prog("hold-constants"), [where, seconds]);
const lived = ({ signal, stdout }: Ended) => signal === null && stdout.toString() === "lived\n";

describe("the memory scan", () => {
  let agent: MoneroAgent;
  before(async () => {
    agent = await MoneroAgent.start([...FLAGS, "--memory", "enforce"]);
  });
  after(() => agent.stop());

  test("kills what computes beside the constants, and says where they stand", async () => {
    const ended = await hold("code", FOREVER);
    assert.equal(ended.signal, "SIGKILL");
    const line = await agent.lineOf("killed", ended.pid);
    assert.equal(line["rule"], "algorithm");
    assert.equal(line["source"], "monero.memory");
    assert.equal(line["algorithm"], "RandomX");
    assert.deepEqual(line["constants"], { "randomx-superscalar": 14 });
    assert.equal(line["mappings"], "anonymous r-x 64 KiB");
    assert.equal(line["killed_by"], "agent");
    assert.match(line.cmdline!, /hold-constants code 100$/);
    assert.ok((line["cpu_seconds"] as number) > 0);
  });

  test("spares what sleeps, what has them among its data, and what has a few", async () => {
    const all = await Promise.all(["idle", "heap", "few"].map((where) => hold(where, AWHILE)));
    assert.ok(all.every(lived), JSON.stringify(all.map(({ signal }) => signal)));
    assert.ok((await agent.metric("memory_searched_bytes_total")) > 0);
    assert.ok((await agent.metric("memory_candidates_total")) >= 2);
  });
});

test("by default it tells and does not kill", async (t) => {
  const agent = await MoneroAgent.start(FLAGS);
  t.after(() => agent.stop());
  const ended = await hold("code", AWHILE);
  assert.ok(lived(ended));
  assert.equal((await agent.lineOf("would-kill", ended.pid))["algorithm"], "RandomX");
  assert.equal(agent.actions("would-kill", ended.pid).length, 1);
});
