import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeSensor } from "./fixtures/fake-sensor.js";
import { Guard, type GuardOptions, type SensorParts } from "./guard.js";

const PARTS: SensorParts = {
  detector: "some",
  programs: [{ program: "first" }, { program: "second" }],
  mainProgram: "second",
  skip: [],
  constants: {},
  maxEntries: {},
  rings: ["kills", "others"],
};

function guardOf(options: Partial<GuardOptions> = {}) {
  const sensor = new FakeSensor();
  const records: string[] = [];
  const errors: string[] = [];
  const guard = new Guard(
    PARTS,
    {
      object: new Uint8Array(),
      pinDir: null,
      onRecord: (record) => void records.push(Buffer.from(record).toString()),
      onError: (error) => void errors.push(String(error)),
      ...options,
    },
    sensor.factory(),
  );
  return { guard, sensor, records, errors };
}

const batch = (...texts: string[]) => texts.map((text) => Buffer.from(text));
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const CONTENT = { tables: new Uint8Array(1) };

test("contents come into the slot that is not in force, and are in force once they are whole", () => {
  const { guard, sensor } = guardOf();
  guard.install(CONTENT);
  guard.install(CONTENT);
  guard.install(CONTENT);
  assert.deepEqual(sensor.calls, [
    "load",
    ...["fill 1 tables", "set CONTROL_SLOT 1"],
    ...["fill 0 tables", "set CONTROL_SLOT 0"],
    ...["fill 1 tables", "set CONTROL_SLOT 1"],
  ]);
});

test("more programs are loaded over the same maps, while others get their turns, and end before the first ones", async () => {
  const { guard, sensor } = guardOf();
  guard.attach();
  const before = sensor.calls.length;
  const more = { programs: [{ program: "third" }], skip: [], constants: {}, maxEntries: {}, own: ["states"] };
  await guard.extend(more);
  assert.deepEqual(sensor.calls.slice(before), ["shareMaps states", "load", "attach third"]);
  sensor.failing.set("attach", new Error("refused"));
  await assert.rejects(guard.extend(more), /refused/);
  assert.equal(sensor.calls.at(-1), "close");
  guard.retire();
  assert.deepEqual(sensor.calls.slice(-2), ["detach", "detach"]);
});

test("contents that the kernel refuses change nothing, and the next ones come into the same slot", () => {
  const { guard, sensor } = guardOf();
  guard.install(CONTENT);
  sensor.failing.set("fill", new Error("no memory"));
  assert.throws(() => guard.install(CONTENT), /no memory/);
  assert.equal(sensor.control.get(3), 1);
  guard.install(CONTENT);
  assert.deepEqual(sensor.calls.slice(-3), ["fill 0 tables", "fill 0 tables", "set CONTROL_SLOT 0"]);
});

test("programs know the agent and the scope before they run", () => {
  const { guard, sensor } = guardOf({ scopePid: 77 });
  assert.equal(guard.isAttached, false);
  guard.attach();
  assert.equal(guard.isAttached, true);
  assert.deepEqual(sensor.calls.slice(1), [
    `set CONTROL_AGENT_TGID ${process.pid}`,
    "set CONTROL_SCOPE_TGID 77",
    "attach first second",
  ]);
});

test("what fails to attach is not attached", () => {
  const { guard, sensor } = guardOf();
  sensor.failing.set("attach", new Error("not permitted"));
  assert.throws(() => guard.attach(), /not permitted/);
  assert.equal(guard.isAttached, false);
});

test("records that wait at the start and those of each wake-up are read, the first ring's first", async () => {
  const { guard, sensor, records } = guardOf();
  sensor.rings.set("others", [batch("o1")]);
  sensor.rings.set("kills", [batch("k1", "k2"), batch("k3")]);
  guard.attach();
  guard.start();
  await turn();
  assert.deepEqual(records, ["k1", "k2", "k3", "o1"]);
  assert.equal(sensor.calls.at(-1), "drained");
  sensor.rings.set("others", [batch("o2"), batch("o3")]);
  sensor.wake();
  await turn();
  await turn();
  assert.deepEqual(records.slice(4), ["o2", "o3"]);
});

test("a record that cannot be taken, or a ring that cannot be read, is told and stops nothing", async () => {
  const taken: string[] = [];
  const { guard, sensor, errors } = guardOf({
    onRecord(record) {
      if (record.length === 3) throw new Error("odd");
      taken.push(Buffer.from(record).toString());
    },
  });
  sensor.rings.set("kills", [batch("odd", "k1")]);
  sensor.rings.set("others", [batch("o1")]);
  guard.attach();
  guard.start();
  sensor.failing.set("readRing kills", new Error("torn"));
  sensor.rings.set("others", [batch("o2")]);
  sensor.wake();
  await turn();
  await turn();
  assert.deepEqual(taken, ["k1", "o1", "o2"]);
  assert.deepEqual(errors, ["Error: odd", "Error: torn"]);
});

test("the end detaches, reads all, lets the maps be asked once more, and closes; once", () => {
  const order: string[] = [];
  const { guard, sensor, records } = guardOf({
    onEnd(isDetached) {
      order.push(`${isDetached} ${guard.counters()?.["killed"]} ${records}`);
    },
  });
  guard.attach();
  sensor.counters[1] = 5n;
  sensor.rings.set("kills", [batch("k1"), batch("k2")]);
  guard.close();
  guard.close();
  assert.deepEqual(order, ["true 5 k1,k2"]);
  assert.deepEqual(sensor.calls.slice(-2), ["detach", "close"]);
  assert.equal(guard.isAttached, false);
  assert.equal(guard.counters(), null);
  assert.equal(guard.missedRuns(), 0);
});

test("counters have the names of the object's own enum", () => {
  const { guard, sensor } = guardOf();
  sensor.counters[0] = 2n ** 60n;
  assert.deepEqual(guard.counters(), { seen: 2n ** 60n, killed: 0n });
  assert.equal(guard.missedRuns(), 3);
});
