// The addon's part of any detector: an object's types, constants, maps, slots, rings, pins and programs, by their names.
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, describe, type TestContext, test } from "node:test";
import { constant, layoutVersion, NativeError, Sensor, type SensorOptions, structLayout } from "@cryptnono/native";
import { ROOT, randomString } from "../lib/agent.js";
import { cgroup2Mount } from "../lib/cgroups.js";

const object = readFileSync(join(ROOT, "build/test/bpf/maps.bpf.o"));

function open(options: Omit<SensorOptions, "object"> = {}): Sensor {
  const sensor = Sensor.open({ object, ...options });
  opened.push(sensor);
  return sensor;
}
const opened: Sensor[] = [];
after(() => {
  for (const sensor of opened) sensor.close();
});

const refused = (code: string, text: RegExp) => (error: unknown) => {
  assert.ok(error instanceof NativeError, String(error));
  assert.deepEqual([error.code, text.test(error.message)], [code, true], error.message);
  return true;
};
const u32 = (...numbers: number[]) => new Uint8Array(Uint32Array.from(numbers).buffer);
const u64 = (...numbers: bigint[]) => new Uint8Array(BigUint64Array.from(numbers).buffer);

describe("an object's types", () => {
  const layout = Sensor.open({ object }).layout();

  test("are those of its border, with all that they contain", () => {
    assert.deepEqual(Object.keys(layout.structs).toSorted(), ["part", "shown"]);
    assert.deepEqual(layout.enums, { color: { RED: 1, GREEN: 2, LAST: 2 ** 30 } });
    assert.equal(constant(layout, "GREEN"), 2);
  });

  test("lie where the compiler put them, members of an unnamed union beside the others", () => {
    const { size, offsets, sizes } = structLayout(layout, "part");
    assert.deepEqual([size, offsets, sizes], [8, { small: 0, number: 4, bytes: 4 }, { small: 2, number: 4, bytes: 4 }]);
    const shown = structLayout(layout, "shown");
    assert.deepEqual(shown.offsets, { address: 0, value: 8, answer: 16, color: 20, parts: 24 });
    assert.equal(shown.sizes["parts"], 24);
  });

  test("have a version that each of their numbers changes", () => {
    const version = layoutVersion(layout);
    assert.match(version, /^[0-9a-f]{12}$/);
    assert.equal(layoutVersion(Sensor.open({ object }).layout()), version);
    assert.notEqual(layoutVersion({ ...layout, enums: { color: { RED: 1, GREEN: 3, LAST: 2 ** 30 } } }), version);
  });

  test("that are asked for and not there are an error", () => {
    assert.throws(() => constant(layout, "BLUE"), /no constant BLUE/);
    assert.throws(() => structLayout(layout, "whole"), /no structure whole/);
  });
});

describe("constants", () => {
  function shown(sensor: Sensor): { answer: number; value: bigint; returned: number } {
    const { size, offsets } = structLayout(sensor.layout(), "shown");
    const context = new Uint8Array(size);
    const returned = sensor.testRun("show", context, [[offsets["address"]!, u64(0x1122334455667788n)]]);
    const view = new DataView(context.buffer);
    return {
      returned,
      answer: view.getUint32(offsets["answer"]!, true),
      value: view.getBigUint64(offsets["value"]!, true),
    };
  }

  test("keep the object's own value, or have the one that is set, in their own size", () => {
    assert.deepEqual(shown(open()), { returned: 7, answer: 1, value: 0x1122334455667788n });
    const sensor = open({ constants: { answer: 4_000_000_000 - 1000 - 100_000, flag: true, wide: 2 ** 40 } });
    assert.equal(shown(sensor).answer, 4_000_000_000);
  });

  test("that are not in the object, or do not fit, are refused by name", () => {
    assert.throws(() => open({ constants: { nowhere: 1 } }), refused("ENOENT", /set a constant: nowhere/));
    assert.throws(() => open({ constants: { answer: 2 ** 32 } }), refused("ERANGE", /answer/));
    assert.throws(() => open({ constants: { answer: 0.5 } }), refused("EINVAL", /answer/));
  });
});

test("maps and programs that are not in the object are refused by name", () => {
  assert.throws(() => open({ maxEntries: { nowhere: 1 } }), refused("ENOENT", /find a map: nowhere/));
  assert.throws(() => open({ skip: ["nowhere"] }), refused("ENOENT", /find a program: nowhere/));
  const sensor = open();
  assert.throws(() => sensor.map("nowhere"), refused("ENOENT", /find a map: nowhere/));
  assert.throws(() => sensor.statistics("nowhere"), refused("ENOENT", /find a program: nowhere/));
  assert.throws(() => sensor.attach([{ program: "nowhere" }]), refused("ENOENT", /find a program: nowhere/));
});

test("an object that is none is refused, and so is a size that the kernel does not take", () => {
  assert.throws(() => Sensor.open({ object: Uint8Array.of(1, 2, 3) }), NativeError);
  const sensor = open({ maxEntries: { table: 0 } });
  assert.throws(() => sensor.map("numbers"), NativeError);
  assert.throws(() => sensor.map("numbers"), NativeError, "and again");
});

describe("maps", () => {
  const sensor = open({ maxEntries: { numbers: 7 } });

  test("an array has all its keys from the start, and a size of its own", () => {
    const numbers = sensor.map("numbers");
    assert.equal(numbers.maxEntries, 7);
    numbers.set(2, 2n ** 63n + 5n);
    numbers.set(6, 1);
    assert.deepEqual(numbers.get(2), u64(2n ** 63n + 5n));
    assert.deepEqual(numbers.sums(), [0n, 0n, 2n ** 63n + 5n, 0n, 0n, 0n, 1n]);
    assert.equal(numbers.get(7), null);
    assert.throws(() => numbers.set(7, 1), refused("E2BIG", /write a map: numbers/));
    assert.throws(() => numbers.delete(2), NativeError);
  });

  test("a hash gives and forgets, and all of its entries are read, more than one batch has", () => {
    const table = sensor.map("table");
    assert.deepEqual(table.entries(), []);
    for (let key = 0; key < 4096; key++) table.set(key, u32(key, key * 3));
    assert.throws(() => table.set(4096, u32(0, 0)), refused("E2BIG", /table/));
    const entries = table.entries();
    assert.equal(entries.length, 4096);
    for (const { key, value } of entries) {
      const number = new DataView(key.buffer, key.byteOffset).getUint32(0, true);
      assert.deepEqual(value, u32(number, number * 3));
    }
    assert.equal(new Set(table.keys().map(String)).size, 4096);
    assert.equal(table.delete(7), true);
    assert.equal(table.delete(7), false);
    assert.equal(table.get(7), null);
  });

  test("per-CPU values are summed, each in its own size", () => {
    const counts = sensor.map("counts");
    assert.deepEqual(counts.sums(), [0n, 0n, 0n]);
    counts.set(1, 5);
    assert.deepEqual(counts.sums(), [0n, 5n, 0n]);
    const cpus = counts.get(1)!.length / 8;
    counts.set(2, u64(...Array.from({ length: cpus }, () => 2n ** 40n)));
    assert.equal(counts.sum(2), BigInt(cpus) * 2n ** 40n);
    const byKey = sensor.map("counts_by_key");
    byKey.set(2n ** 60n, u32(...Array.from({ length: cpus * 2 }, () => 3)));
    assert.equal(byKey.sum(2n ** 60n), BigInt(cpus) * 3n);
    assert.equal(byKey.sum(1), 0n);
    assert.equal(byKey.entries().length, 1);
  });

  test("an LRU map that is full forgets instead of refusing", () => {
    const recent = sensor.map("recent");
    for (let key = 0; key < 1000; key++) recent.set(key, key);
    const { length } = recent.keys();
    assert.ok(length > 0 && length <= 64, `${length}`);
  });

  test("keys and values of another size are refused", () => {
    const numbers = sensor.map("numbers");
    assert.throws(() => numbers.get(new Uint8Array(8)), refused("EINVAL", /key/));
    assert.throws(() => numbers.set(0, new Uint8Array(4)), refused("EINVAL", /value/));
    assert.throws(() => sensor.map("counts").set(0, u32(1)), refused("EINVAL", /value/));
  });

  test("a map that has no entries to list says so", () => {
    assert.throws(() => sensor.map("stack").entries(), refused("EINVAL", /stack/));
  });
});

test("a slot gets tries and arrays as they are given, and programs see them", () => {
  const sensor = open();
  const { size, offsets } = structLayout(sensor.layout(), "shown");
  const lookUp = () => {
    const context = new Uint8Array(size);
    sensor.testRun("look_up", context);
    const view = new DataView(context.buffer);
    return [view.getUint32(offsets["answer"]!, true), view.getBigUint64(offsets["value"]!, true)];
  };
  assert.deepEqual(lookUp(), [0, 0n]);
  const prefix = (bits: number, ...address: number[]) => [...u32(bits), ...address];
  const keys = Uint8Array.from([...prefix(8, 10, 0, 0, 0), ...prefix(24, 10, 1, 2, 0), ...prefix(16, 11, 0, 0, 0)]);
  sensor.fill(0, { prefixes: { keys, values: u32(8, 24, 16) }, lists: u64(1n, 2n, 3n, 4n) });
  assert.deepEqual(lookUp(), [24, 3n]);
  sensor.fill(0, { prefixes: { keys: new Uint8Array(0), values: new Uint8Array(0) }, lists: u64(9n) });
  assert.deepEqual(lookUp(), [0, 0n]);
  assert.throws(() => sensor.fill(0, { lists: new Uint8Array(0) }), refused("EINVAL", /lists/));
  assert.throws(() => sensor.fill(0, { lists: new Uint8Array(7) }), refused("EINVAL", /lists/));
  assert.throws(() => sensor.fill(2, { lists: u64(1n) }), NativeError);
  assert.throws(() => sensor.fill(0, { numbers: u64(1n) }), refused("EINVAL", /holds no maps/));
  assert.throws(
    () => sensor.fill(0, { prefixes: { keys, values: u32(1) } }),
    refused("EINVAL", /as many keys as values/),
  );
  assert.deepEqual(lookUp(), [0, 0n], "what was refused changed nothing");
});

test("a ring's records come whole and in their order, and whoever waits is called", async () => {
  const sensor = open();
  const { size, offsets } = structLayout(sensor.layout(), "shown");
  const send = (number: number) => {
    const context = new Uint8Array(size);
    new DataView(context.buffer).setUint32(offsets["answer"]!, number, true);
    return sensor.testRun("send", context);
  };
  const called = new Promise<void>((resolve) => sensor.onRecords(["ring"], resolve));
  assert.throws(() => sensor.onRecords(["ring"], () => {}), refused("EBUSY", /someone does already/));
  for (let i = 0; i < 20; i++) assert.equal(send(i), 0);
  await called;
  const records = sensor.readRing("ring");
  assert.deepEqual(
    records.map((record) => [
      record.length,
      new DataView(record.buffer, record.byteOffset).getUint32(offsets["answer"]!, true),
    ]),
    Array.from({ length: 20 }, (_, i) => [size, i]),
  );
  assert.deepEqual(sensor.readRing("ring"), []);
  sensor.drained();
  assert.throws(() => sensor.readRing("numbers"), NativeError);
});

test("a waiter that cannot begin leaves no descriptor behind, and the next one does begin", () => {
  const sensor = open();
  sensor.readRing("ring");
  const before = openDescriptors();
  assert.throws(() => sensor.onRecords(["ring", "nowhere"], () => {}), refused("ENOENT", /nowhere/));
  assert.throws(() => sensor.onRecords(["ring"], null as unknown as () => void), NativeError);
  assert.equal(openDescriptors(), before);
  sensor.onRecords(["ring"], () => {});
});

function openDescriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

describe("pins", () => {
  const dir = (t: TestContext) => {
    const made = `/sys/fs/bpf/${randomString("test-")}`;
    mkdirSync(made);
    t.after(() => rmSync(made, { recursive: true }));
    return made;
  };

  test("are opened by a later sensor, and go on with what was written", (t) => {
    const pins = dir(t);
    const sensor = open();
    sensor.map("numbers").set(1, 11);
    sensor.pin(pins, ["numbers", "counts"]);
    const later = Sensor.openPinned(pins, ["numbers"]);
    opened.push(later);
    assert.equal(later.map("numbers").sum(1), 11n);
    assert.equal(later.map("numbers").id, sensor.map("numbers").id);
    assert.throws(() => later.map("counts"), refused("ENOENT", /counts/));
    assert.throws(() => Sensor.openPinned(pins, ["nowhere"]), refused("ENOENT", /open a pinned map/));
    assert.throws(() => sensor.pin(pins, ["numbers"]), refused("EEXIST", /pin a map/));
    assert.throws(() => sensor.pin("/tmp", ["numbers"]), refused("EPERM", /pin a map/));
  });

  test("are continued by a sensor that has a map of the same shape, and by no other", (t) => {
    const pins = dir(t);
    const sensor = open();
    sensor.map("counts").set(0, 4);
    sensor.pin(pins, ["counts", "numbers"]);
    const next = open();
    assert.equal(next.continueMap("counts", join(pins, "counts")), true);
    assert.equal(next.map("counts").sum(0), 4n);
    assert.equal(next.map("counts").id, sensor.map("counts").id);
    const larger = open({ maxEntries: { counts: 8 } });
    assert.equal(larger.continueMap("counts", join(pins, "counts")), false);
    assert.equal(larger.continueMap("counts", join(pins, "numbers")), false);
    assert.equal(larger.map("counts").sum(0), 0n);
    assert.throws(() => open().continueMap("counts", join(pins, "nowhere")), refused("ENOENT", /nowhere/));
    assert.throws(() => next.continueMap("counts", join(pins, "counts")), refused("EBUSY", /loaded already/));
  });
});

test("a program is attached to a cgroup, and detached", (t) => {
  const mount = cgroup2Mount();
  if (mount === null) {
    t.skip("no cgroup2 file system is mounted");
    return;
  }
  const cgroup = `${mount}/${randomString("test-")}`;
  mkdirSync(cgroup);
  t.after(() => rmdirSync(cgroup));
  const sensor = open();
  assert.throws(
    () => sensor.attach([{ program: "any_packet", cgroup: `${cgroup}/nowhere` }]),
    refused("ENOENT", /attach cgroup\/skb/),
  );
  const elsewhere = { program: "any_packet", cgroup: "/nowhere", optional: true };
  assert.deepEqual(sensor.attach([elsewhere, { program: "any_packet", cgroup }]), ["any_packet"]);
  assert.throws(() => sensor.attach([]), refused("EBUSY", /attached already/));
  sensor.detach();
  sensor.attach([{ program: "any_packet", cgroup }]);
});

test("a program's verification is told, and its runs are counted", () => {
  const sensor = open();
  const { verifiedInstructions, missed } = sensor.statistics("show");
  assert.ok(verifiedInstructions > 10);
  assert.equal(missed, 0);
});
