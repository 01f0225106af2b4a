import assert from "node:assert/strict";
import { test } from "node:test";
import { caseNumber } from "./case-number.js";
import { createTerminals, type TerminalParts, terminalLine } from "./terminals.js";

const timeOf = (ns: bigint) => `at ${ns}`;
const killed = (ppid: number, startTimeNs = 100n) => ({ pid: 7, ppid, startTimeNs, countedAs: {} });

function setUp(parts: Partial<TerminalParts> = {}) {
  const state = { nowMs: 0, lost: 0 };
  const written: string[] = [];
  const counted: string[] = [];
  const terminals = createTerminals({
    node: "node-1",
    timeOf,
    startedNs: () => 50n,
    write: async (pid, text) => void written.push(`${pid} ${Buffer.from(text)}`),
    lost: () => state.lost,
    count: (result) => void counted.push(result),
    nowMs: () => state.nowMs,
    ...parts,
  });
  return { state, written, counted, ...terminals };
}

test("a parent's terminal has one line, with the case's number", async () => {
  const { tell, settled, written, counted } = setUp();
  tell(killed(5));
  await settled();
  assert.deepEqual(written, [`5 ${terminalLine(caseNumber("node-1", 7, "at 100"))}`]);
  assert.deepEqual(counted, ["told"]);
  assert.match(written[0]!, /^5 \r\ncryptnono: [^\r\n]* case [0-9A-Z]{4}-[0-9A-Z]{4}\r\n$/);
});

test("a parent that began later is another process, and init is nobody's shell", async () => {
  const { tell, settled, written, counted } = setUp({ startedNs: () => 101n });
  for (const ppid of [5, 1, 0]) tell(killed(ppid));
  await settled();
  assert.deepEqual([written, counted], [[], ["gone", "gone", "gone"]]);
});

for (const [code, result] of [
  ["ENOTTY", "no-terminal"],
  ["EAGAIN", "full"],
  ["EACCES", "not-permitted"],
  ["ESRCH", "gone"],
  ["STUCK", "stuck"],
  ["ENOMEM", "failed"],
] as const) {
  test(`${code} is counted as ${result}`, async () => {
    const { tell, settled, counted } = setUp({
      write: () => Promise.reject(Object.assign(new Error(), { code })),
    });
    tell(killed(5));
    await settled();
    assert.deepEqual(counted, [result]);
  });
}

test("a flood writes little, to one parent and to all", async () => {
  const { tell, settled, state, written, counted } = setUp();
  for (let i = 0; i < 20; i++) tell(killed(5));
  await settled();
  assert.equal(written.length, 4);
  for (let i = 0; i < 20; i++) tell(killed(100 + i));
  await settled();
  assert.equal(written.length, 8);
  assert.equal(counted.filter((result) => result === "too-many").length, 32);
  state.nowMs = 61_000;
  for (let i = 0; i < 4; i++) tell(killed(5));
  await settled();
  assert.equal(written.filter((line) => line.startsWith("5 ")).length, 5);
});

test("they are written one after the other, and none while one hangs for good", async () => {
  let under = 0;
  let most = 0;
  const { tell, settled, state, counted } = setUp({
    write: async () => {
      most = Math.max(most, ++under);
      await new Promise((resolve) => setImmediate(resolve));
      under--;
    },
  });
  for (let i = 0; i < 6; i++) tell(killed(10 + i));
  await settled();
  assert.equal(most, 1);
  state.lost = 1;
  tell(killed(20));
  await settled();
  assert.equal(counted.at(-1), "too-many");
});
