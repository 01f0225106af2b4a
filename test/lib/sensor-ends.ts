// A process of its own whose sensor ends in one of the ways that a sensor can end; run by test/kernel/teardown.test.ts.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { execwhackerSensor, KILL_RING, OTHER_RING, slotContents } from "@cryptnono/agent/detectors/execwhacker/sensor";
import { compileTables } from "@cryptnono/matcher";
import { constant, NativeError, Sensor } from "@cryptnono/native";
import { ROOT } from "./agent.js";

const WAYS: Readonly<Record<string, () => void | Promise<void>>> = {
  /** Records wait in the ring, and the call-back that would read them never does. */
  "exit-with-records-pending"() {
    const sensor = attached();
    sensor.onRecords(RINGS, () => {});
    execSome();
    process.exit(0);
  },
  /** Nothing keeps the process, although a thread waits for records. */
  "end-of-the-program"() {
    const sensor = attached();
    sensor.onRecords(RINGS, () => sensor.drained());
    execSome();
    sensor.close();
  },
  /** What is called after the end, but its end, answers with an error. */
  "used-after-close"() {
    const sensor = attached();
    const control = sensor.map("control");
    sensor.onRecords(RINGS, () => {});
    execSome();
    sensor.close();
    sensor.close();
    expectDescriptors(0);
    const calls = [
      () => sensor.load(),
      () => sensor.attach([]),
      () => sensor.detach(),
      () => sensor.readRing(KILL_RING),
      () => control.get(0),
      () => control.set(0, 0),
      () => control.delete(0),
      () => control.entries(),
      () => sensor.map("counters"),
      () => sensor.statistics("guard_exec"),
      () => sensor.drained(),
      () => sensor.onRecords([KILL_RING], () => {}),
      () => sensor.testRun("judge_buffer", new Uint8Array(64)),
      () => sensor.fill(0, { filters_slots: new Uint8Array(1) }),
      () => sensor.pin("/nowhere", []),
    ];
    for (const call of calls) {
      try {
        call();
      } catch (error) {
        if (error instanceof NativeError && error.code === "EBADF") continue;
        throw error;
      }
      throw new Error(`${call} answered`);
    }
  },
  /** The thread ends with its sensor open; the rest of the process goes on. */
  async "worker-ended"() {
    const worker = new Worker(new URL(import.meta.url), { workerData: "open-and-wait" });
    await new Promise((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
    });
    if (bpfDescriptors() === 0) throw new Error("the worker opened nothing");
    await worker.terminate();
    expectDescriptors(0);
    attached().close();
    expectDescriptors(0);
  },
  /** A sensor that no one holds is freed by the collector, its descriptors with it. */
  async garbage() {
    for (let i = 0; i < 3; i++) attached();
    for (let turn = 0; turn < 50 && bpfDescriptors() > 0; turn++) {
      globalThis.gc!();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expectDescriptors(0);
  },
};

const RINGS = [KILL_RING, OTHER_RING];

function attached(): Sensor {
  const { programs, skip, maxEntries } = execwhackerSensor();
  const object = readFileSync(`${ROOT}build/bpf/execwhacker.bpf.o`);
  const sensor = Sensor.open({ object, constants: { report_all: true }, maxEntries, skip });
  sensor.map("control").set(constant(sensor.layout(), "CONTROL_SCOPE_TGID"), process.pid);
  sensor.fill(0, slotContents(compileTables([{ value: new TextEncoder().encode("nowhere"), mode: "word" }])));
  sensor.attach(programs);
  return sensor;
}

function execSome(): void {
  for (let i = 0; i < 20; i++) spawnSync("/bin/true");
}

/** Open descriptors of BPF programs, maps and links. */
function bpfDescriptors(): number {
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return /bpf/.test(readlinkSync(`/proc/self/fd/${fd}`));
    } catch {
      return false; // the listing's own
    }
  }).length;
}

function expectDescriptors(count: number): void {
  if (bpfDescriptors() !== count) throw new Error(`${bpfDescriptors()} BPF descriptors are open`);
}

if (isMainThread) await WAYS[process.argv[2]!]!();
else if (workerData === "open-and-wait") {
  const sensor = attached();
  sensor.onRecords(RINGS, () => {});
  parentPort!.postMessage("open");
  setInterval(() => sensor.map("counters").sums(), 1000);
}
