// What is kept of looks and marks comes back as it was, by the border's layout.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Sensor } from "@cryptnono/native";
import { objectDir, readObject } from "../../../run/objects.js";
import { sentence } from "../explain.js";
import { OBJECT } from "../sensor.js";
import { type LookOutcome, Looks } from "./looks.js";

/** A map of numbers, as the kernel's. */
function fakeMap(maxEntries = 9) {
  const all = new Map<number, Uint8Array>();
  return {
    maxEntries,
    get: (pid: unknown) => all.get(pid as number) ?? null,
    set: (pid: unknown, bytes: unknown) => void all.set(pid as number, bytes as Uint8Array),
    entries: () => [...all].map(([pid, value]) => ({ key: new Uint8Array(new Uint32Array([pid]).buffer), value })),
  };
}

function kept() {
  const sensor = Sensor.open({ object: readObject(objectDir(), OBJECT) });
  const layout = sensor.layout();
  sensor.close();
  return new Looks({ looks: fakeMap(), marks: fakeMap() }, layout);
}

const EXEC = { pid: 70_000, startTimeNs: 2n ** 60n, timeNs: 2n ** 61n };

test("looks and marks come back as they were put", () => {
  const looks = kept();
  for (const outcome of ["waits", "untold", "searched", "cached", "put-off", "unreadable"] as const) {
    looks.put(EXEC, outcome, 5);
    assert.deepEqual(looks.look(EXEC.pid), { ...EXEC, outcome, lookedMs: 5 });
  }
  assert.equal(looks.all().length, 1);
  const { pid, startTimeNs } = EXEC;
  for (const algorithm of [{ name: "GhostRider or X16R" }, { name: "RandomX", variant: "Wownero" }]) {
    looks.putMark(EXEC, algorithm, 6);
    assert.deepEqual(looks.allMarks(), [{ pid, startTimeNs, markedMs: 6, algorithm }]);
    assert.deepEqual(looks.mark(pid), looks.allMarks()[0]);
  }
  assert.equal(looks.look(1), null);
  assert.equal(looks.mark(1), null);
});

test("who asks is told what became of the look, and why there is none", () => {
  const rest = { pid: 5, seen: null, told: [], mark: null };
  const said = (outcome: LookOutcome) =>
    sentence({ ...rest, looksAtExec: true, look: { ...EXEC, outcome, lookedMs: 0 } }, () => "then");
  assert.match(said("waits"), /its file: began at then, waits to be looked into/);
  assert.match(said("put-off"), /too many others waited/);
  assert.match(said("searched"), /searched at 1970-01-01T00:00:00.000Z\n$/);
  assert.match(sentence({ ...rest, looksAtExec: false, look: null }), /--memory-at-exec is off/);
  const mark = { ...EXEC, markedMs: 0, algorithm: { name: "RandomX", variant: "Wownero" } };
  assert.match(
    sentence({ ...rest, looksAtExec: true, look: null, mark }),
    /not known; .*\n {2}marked for .* RandomX \(Wownero\)/,
  );
});
