// From an exec to what the monero detector knows of the file: usage: exec-known.js [EXECS]
import { execFile } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { PATTERNS } from "@cryptnono/agent/detectors/monero/memory/algorithms";
import { AtExec } from "@cryptnono/agent/detectors/monero/memory/at-exec";
import { Budget } from "@cryptnono/agent/detectors/monero/memory/budget";
import { execDecoder } from "@cryptnono/agent/detectors/monero/record";
import { EXECS, moneroSensor, OBJECT } from "@cryptnono/agent/detectors/monero/sensor";
import { openProc } from "@cryptnono/agent/proc/index";
import { processReads, Sensor } from "@cryptnono/native";
import { ROOT } from "../lib/agent.js";
import { prog } from "../lib/progs.js";

const EXECS_EACH = Number(process.argv[2] ?? 200);
const unbounded = () => new Budget({ burstNs: 1e15, nsPerSecond: 1e15 });
const carry = prog("carry-constants");
const folder = mkdtempSync(join(tmpdir(), "cn-"));
const sensor = Sensor.open({
  object: readFileSync(`${ROOT}build/bpf/${OBJECT}`),
  skip: moneroSensor(false, true).skip,
});
sensor.load();
const decode = execDecoder(sensor.layout());
processReads.prepareSearch(PATTERNS);
/** By the process: this machine must not have slept, as the kernel's clock goes on then and this one does not. */
const known = new Map<number, { readonly begun: bigint; at?: bigint }>();
const atExec = new AtExec({
  proc: openProc(),
  budgets: [unbounded()],
  further: unbounded(),
  became() {},
  searched() {},
  mark({ pid }) {
    known.get(pid)!.at = process.hrtime.bigint();
  },
});
sensor.onRecords([EXECS], () => {
  for (const bytes of sensor.readRing(EXECS)) {
    const exec = decode(bytes)!;
    known.set(exec.pid, { begun: exec.timeNs });
    atExec.add(exec);
  }
  sensor.drained();
  void atExec.run();
});
sensor.attach([{ program: "execed" }]);
try {
  for (const kind of ["cached", "not cached"]) {
    const tookMs: number[] = [];
    for (let i = 0; i < EXECS_EACH; i++) {
      const file = kind === "cached" ? carry : join(folder, String(i));
      if (file !== carry) copyFileSync(carry, file);
      const child = promisify(execFile)(file, ["idle", "0.05"]);
      await child;
      const { begun, at } = known.get(child.child.pid!) ?? {};
      if (begun !== undefined && at !== undefined) tookMs.push(Number(at - begun) / 1e6);
    }
    tookMs.sort((a, b) => a - b);
    const of = (share: number) => tookMs[Math.min(tookMs.length - 1, Math.floor(tookMs.length * share))]?.toFixed(2);
    console.log(
      `${kind}: ${tookMs.length} of ${EXECS_EACH} known, median ${of(0.5)} ms, p99 ${of(0.99)} ms, most ${of(1)} ms`,
    );
  }
} finally {
  sensor.close();
  rmSync(folder, { recursive: true });
}
