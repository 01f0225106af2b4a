// What a context switch costs with the detector's programs attached and without, and with one that returns at once: rounds of all, in
// turns, so that what else the machine does falls on each. node test/dist/monero/cost.js [ROUNDS]; needs root.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { moneroSensor, OBJECT } from "@cryptnono/agent/detectors/monero/sensor";
import { Guard } from "@cryptnono/agent/sensor/index";
import { Sensor } from "@cryptnono/native";
import { ROOT } from "../lib/agent.js";

const ROUNDS = Number(process.argv[2] ?? 21);
const SWITCHES = "20000";
const BUILT = join(ROOT, "build/monero");
const PROGRAM = join(BUILT, "switch-cost");

mkdirSync(BUILT, { recursive: true });
execFileSync("gcc", ["-O2", "-o", PROGRAM, join(ROOT, "test/monero/switch-cost.c")]);

const parts = moneroSensor(true);
const object = readFileSync(join(ROOT, "build/bpf", OBJECT));
const nearlyNothing = readFileSync(join(ROOT, "build/test/bpf/saved-state.bpf.o"));

const WAYS: Readonly<Record<string, () => { close(): void }>> = {
  "nothing attached": () => ({ close() {} }),
  "a program that returns at once": () => {
    const sensor = Sensor.open({ object: nearlyNothing, constants: { watched_tgid: 0 } });
    sensor.attach([{ program: "look" }]);
    return sensor;
  },
  "as a process leaves the processor": () => guard(["switched_out"]),
  "as it leaves, and as it comes back": () => guard(["switched_in", "switched_out"]),
};

const times = new Map(Object.keys(WAYS).map((name) => [name, [] as number[]]));
for (let i = 0; i < ROUNDS; i++) {
  for (const [name, attach] of Object.entries(WAYS)) {
    const attached = attach();
    times.get(name)!.push(Number(execFileSync(PROGRAM, [SWITCHES], { encoding: "utf8" })));
    attached.close();
  }
}

const [bare] = [...times.values()];
console.log(`| attached, ${ROUNDS} rounds | ns a switch, median / best | more than nothing, median and quartiles |`);
console.log("| --- | --- | --- |");
for (const [name, all] of times) {
  const more = all.map((time, i) => time - bare![i]!);
  const [low, middle, high] = [0.25, 0.5, 0.75].map((at) => quantile(more, at).toFixed(0));
  console.log(
    `| ${name} | ${quantile(all, 0.5).toFixed(0)} / ${quantile(all, 0).toFixed(0)} | ${middle} (${low} to ${high}) |`,
  );
}

/** No settings are installed: nothing is judged. */
function guard(programs: readonly string[]): Guard {
  const guard = new Guard(
    { ...parts, programs: programs.map((program) => ({ program })) },
    { object, pinDir: null, onRecord: () => {}, onError: () => {} },
  );
  guard.attach();
  return guard;
}

function quantile(values: readonly number[], at: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * at)]!;
}
