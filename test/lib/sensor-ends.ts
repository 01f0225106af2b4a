// A process of its own whose sensor ends in one of the ways that a sensor can end; run by test/kernel/teardown.test.ts.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { compileTables } from "@cryptnono/matcher";
import { KILL_RING, layout, NativeError, OTHER_RING, Sensor } from "@cryptnono/native";
import { ROOT } from "./agent.js";

const WAYS: Readonly<Record<string, () => void | Promise<void>>> = {
  /** Records wait in the ring, and the call-back that would read them never does. */
  "exit-with-records-pending"() {
    const sensor = attached();
    sensor.onRecords(() => {});
    execSome();
    process.exit(0);
  },
  /** Nothing keeps the process, although a thread waits for records. */
  "end-of-the-program"() {
    const sensor = attached();
    sensor.onRecords(() => sensor.drained());
    execSome();
    sensor.close();
  },
  "closed-twice"() {
    const sensor = attached();
    sensor.onRecords(() => {});
    execSome();
    sensor.close();
    sensor.close();
    expectDescriptors(0);
  },
  /** What is called after the end answers with an error. */
  "used-after-close"() {
    const sensor = attached();
    sensor.close();
    const calls = [
      () => sensor.attach(),
      () => sensor.detach(),
      () => sensor.readRing(KILL_RING),
      () => sensor.readRing(OTHER_RING),
      () => sensor.counters(),
      () => sensor.programStatistics(),
      () => sensor.setControl(0, 0),
      () => sensor.drained(),
      () => sensor.onRecords(() => {}),
      () => sensor.judgeBuffer(Uint8Array.of(0), new Uint8Array(0)),
      () => sensor.fillSlot(0, { filters: new Uint8Array(1), cells: new Uint8Array(1), allow: new Uint8Array(1) }),
      () => sensor.pin("/nowhere"),
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
    for (let i = 0; i < 5; i++) attached();
    for (let turn = 0; turn < 50 && bpfDescriptors() > 0; turn++) {
      globalThis.gc!();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expectDescriptors(0);
  },
};

function attached(): Sensor {
  const sensor = Sensor.open(readFileSync(`${ROOT}build/bpf/execwhacker.bpf.o`), { reportAll: true });
  const { constants } = layout();
  sensor.setControl(constants["CONTROL_SCOPE_TGID"]!, process.pid);
  sensor.fillSlot(0, compileTables([{ value: new TextEncoder().encode("nowhere"), mode: "word" }]));
  sensor.attach();
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
  sensor.onRecords(() => {});
  parentPort!.postMessage("open");
  setInterval(() => sensor.counters(), 1000);
}
