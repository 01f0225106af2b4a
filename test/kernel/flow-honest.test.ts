// What fans out honestly lives under the egress budget that the how-to recommends, and all of it comes.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { FlowAgent, Lists } from "../lib/flow-agent.js";
import { doHonestWork, HONEST_WORK, missingPrograms } from "../lib/honest-work.js";

const lists = new Lists();
after(() => lists.remove());

test("installers and a browser reach 20 to 61 public hosts each: none is killed, none refused anything", async (t) => {
  const missing = missingPrograms();
  const works = HONEST_WORK.filter(({ program }) => !missing.includes(program));
  if (missing.length > 0) t.diagnostic(`not installed: ${missing.join(", ")}`);
  if (works.length === 0) return t.skip(`not installed: ${missing.join(", ")}`);
  const settings = ["unique_destinations_threshold=0", "egress_per_pod=200", "egress_per_node=1000"];
  const agent = await FlowAgent.start(settings.map((one) => `--FlowKiller.${one}`));
  t.after(() => agent.stop());
  const { done, packets, stderr } = await doHonestWork(lists, works, { together: true });
  for (const { name, parts } of works) {
    const result = done.get(name);
    assert.deepEqual(
      { parts: result?.parts, status: result?.status, wasKilled: result?.wasKilled },
      { parts, status: 0, wasKilled: false },
      `${name}: ${stderr}`,
    );
  }
  const hosts = works.reduce((sum, one) => sum + one.hosts, 0);
  const reached = [...packets.keys()].filter((address) => address.startsWith("8.77.")).length;
  assert.ok(reached >= hosts, String(reached));
  assert.ok((await agent.metric("new_destinations_total")) >= hosts);
  for (const reason of ["pod-budget", "node-budget", "unreachable", "scan"])
    assert.equal(await agent.metric(`destinations_refused_total{reason="${reason}"}`), 0, reason);
});
