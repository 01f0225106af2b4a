// From an exec to the mark on its process: usage: exec-known.js [EXECS OF A KNOWN FILE] [NEW FILES]
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { PATTERNS } from "@cryptnono/agent/detectors/monero/memory/algorithms";
import { AtExec, type ExecResult } from "@cryptnono/agent/detectors/monero/memory/at-exec";
import { Budget } from "@cryptnono/agent/detectors/monero/memory/budget";
import { execDecoder } from "@cryptnono/agent/detectors/monero/record";
import { EXECS, moneroSensor, OBJECT } from "@cryptnono/agent/detectors/monero/sensor";
import { openProc } from "@cryptnono/agent/proc/index";
import { constant, processReads, Sensor } from "@cryptnono/native";
import { ROOT } from "../lib/agent.js";
import { prog } from "../lib/progs.js";

const [KNOWN_EXECS, NEW_FILES] = [Number(process.argv[2] ?? 500), Number(process.argv[3] ?? 200)];
/** So long a process waits for its mark, and lives. */
const MOST_MS = 10_000;
/** Of more than 64 execs a second the agent is not told. */
const LEAST_MS = 20;
const unbounded = () => new Budget({ burstNs: 1e15, nsPerSecond: 1e15 });
const carry = prog("carry-constants");
const folder = mkdtempSync(join(tmpdir(), "cn-"));
const sensor = Sensor.open({
  object: readFileSync(`${ROOT}build/bpf/${OBJECT}`),
  skip: moneroSensor(false, true).skip,
});
sensor.load();
const layout = sensor.layout();
const decode = execDecoder(layout);
// Others' programs would use up what is told of a second.
sensor.map("control").set(constant(layout, "CONTROL_SCOPE_TGID"), process.pid);
processReads.prepareSearch(PATTERNS);
/** By the process: this machine must not have slept, as the kernel's clock goes on then and this one does not. */
const marked = new Map<number, (at: bigint) => void>();
const begun = new Map<number, bigint>();
const outcomes = new Map<number, ExecResult>();
const atExec = new AtExec({
  proc: openProc(),
  budgets: [unbounded()],
  further: unbounded(),
  became({ pid }, result) {
    outcomes.set(pid, result);
  },
  searched() {},
  mark({ pid }) {
    marked.get(pid)?.(process.hrtime.bigint());
  },
});
sensor.onRecords([EXECS], () => {
  for (const bytes of sensor.readRing(EXECS)) {
    const exec = decode(bytes)!;
    begun.set(exec.pid, exec.timeNs);
    atExec.add(exec);
  }
  sensor.drained();
  void atExec.run();
});
sensor.attach([{ program: "execed" }]);

/** @returns milliseconds, or why no mark came. */
async function untilMarked(file: string): Promise<number | ExecResult | "untold"> {
  const child = spawn(file, ["idle", String(MOST_MS / 1000)], { stdio: "ignore" });
  const at = await new Promise<bigint | null>((resolve) => {
    marked.set(child.pid!, resolve);
    child.once("exit", () => resolve(null));
  });
  child.kill("SIGKILL");
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  const beganAt = begun.get(child.pid!);
  const outcome = outcomes.get(child.pid!);
  for (const map of [marked, begun, outcomes]) map.delete(child.pid!);
  return at === null || beganAt === undefined ? (outcome ?? "untold") : Number(at - beganAt) / 1e6;
}

try {
  await untilMarked(carry);
  for (const [kind, execs] of [
    ["known", KNOWN_EXECS],
    ["new", NEW_FILES],
  ] as const) {
    const took: number[] = [];
    const missed: string[] = [];
    for (let i = 0; i < execs; i++) {
      const file = kind === "known" ? carry : join(folder, String(i));
      if (file !== carry) copyFileSync(carry, file);
      const [ms] = await Promise.all([untilMarked(file), sleep(LEAST_MS)]);
      if (typeof ms === "number") took.push(ms);
      else missed.push(ms);
      if (file !== carry) rmSync(file);
    }
    took.sort((a, b) => a - b);
    const of = (share: number) => took[Math.min(took.length - 1, Math.floor(took.length * share))]?.toFixed(2);
    console.log(
      `${kind} file: ${took.length} of ${execs} marked, p50 ${of(0.5)} ms, p90 ${of(0.9)} ms, p99 ${of(0.99)} ms, worst ${of(1)} ms${missed.length === 0 ? "" : `; not marked: ${missed.join(", ")}`}`,
    );
  }
} finally {
  sensor.close();
  rmSync(folder, { recursive: true });
}
