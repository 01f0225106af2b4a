// What a context switch costs with the detector's programs attached and without: pairs of rounds, one after the other.
// node test/dist/monero/cost.js [PAIRS]; needs root.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { moneroSensor, OBJECT } from "@cryptnono/agent/detectors/monero/sensor";
import { Guard } from "@cryptnono/agent/sensor/index";
import { ROOT } from "../lib/agent.js";

const PAIRS = Number(process.argv[2] ?? 21);
const ROUNDS = "20000";
const BUILT = join(ROOT, "build/monero");
const PROGRAM = join(BUILT, "switch-cost");

mkdirSync(BUILT, { recursive: true });
execFileSync("gcc", ["-O2", "-o", PROGRAM, join(ROOT, "test/monero/switch-cost.c")]);

const parts = moneroSensor(true);
const object = readFileSync(join(ROOT, "build/bpf", OBJECT));
const SETS: Readonly<Record<string, readonly string[]>> = {
  "as a process leaves the processor": ["switched_out"],
  "as it leaves, and as it comes back": ["switched_in", "switched_out"],
};

for (const [name, programs] of Object.entries(SETS)) {
  const differences: number[] = [];
  const without: number[] = [];
  for (let i = 0; i < PAIRS; i++) {
    const off = round();
    const guard = new Guard(
      { ...parts, programs: programs.map((program) => ({ program })) },
      { object, pinDir: null, onRecord: () => {}, onError: () => {} },
    );
    // No settings are installed: nothing is judged.
    guard.attach();
    const on = round();
    guard.close();
    without.push(off);
    differences.push(on - off);
  }
  console.log(
    `${name}: ${median(without).toFixed(0)} ns a switch without; difference ${median(differences).toFixed(0)} ns, ` +
      `quartiles ${quantile(differences, 0.25).toFixed(0)} and ${quantile(differences, 0.75).toFixed(0)}, ${PAIRS} pairs`,
  );
}

function round(): number {
  return Number(execFileSync(PROGRAM, [ROUNDS], { encoding: "utf8" }));
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

function quantile(values: readonly number[], at: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * at)]!;
}
