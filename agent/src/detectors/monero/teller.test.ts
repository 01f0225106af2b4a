import assert from "node:assert/strict";
import { test } from "node:test";
import { Fields, type ProcessLine } from "../../report/index.js";
import { Teller } from "./teller.js";

const line = (pid: number): ProcessLine => ({
  kind: "kill",
  level: "info",
  cgroup: { source: "kernel", paths: ["/pod"] },
  pid,
  source: "monero.bpf",
  fill: (fields) => fields.set("pid", pid),
});

const shown = (own: ProcessLine) => {
  const fields = new Fields();
  own.fill(fields);
  return JSON.parse(fields.line()) as Record<string, unknown>;
};

test("the first of a kind are told, the others by their number, and each pod has its own", () => {
  const told: ProcessLine[] = [];
  const teller = new Teller({ wholeLines: 2, tell: (own) => void told.push(own), nowMs: () => 0 });
  const kind = (group: string) => ({ source: "monero.bpf", action: "killed", rule: "registers", group }) as const;
  for (let pid = 1; pid <= 5; pid++) teller.tell(kind("a"), line(pid), 1000, 0);
  teller.tell(kind("b"), line(9), 1000, 0);
  assert.deepEqual(
    told.map(({ pid }) => pid),
    [1, 2, 9],
  );
  assert.deepEqual(teller.untold(), { killed: 3n });
  teller.tellCounts();
  teller.tellCounts();
  assert.equal(told.length, 4);
  assert.deepEqual(shown(told[3]!), {
    source: "monero.bpf",
    action: "killed-summary",
    event: "Killed processes: 3 more",
    count: 3,
  });
});
