// What was spared at exec is remembered, with a hash of its arguments that whoever reads them later takes again; and a child has
// its parent's verdict.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { execMemory } from "@cryptnono/agent/detectors/execwhacker/exec-memory";
import { execwhackerSensor, slotContents } from "@cryptnono/agent/detectors/execwhacker/sensor";
import { parseStat } from "@cryptnono/agent/proc/index";
import { type CompilableString, compileAllow, compileTables } from "@cryptnono/matcher";
import { constant, Sensor } from "@cryptnono/native";
import { ROOT, randomString } from "../lib/agent.js";

const banned = randomString();
const CLOCK_TICK_NS = 10_000_000n;
let sensor: Sensor;

before(() => {
  const { programs, skip, maxEntries } = execwhackerSensor();
  sensor = Sensor.open({ object: readFileSync(join(ROOT, "build/bpf/execwhacker.bpf.o")), skip, maxEntries });
  const allow = compileAllow(["/bin/bash .*"]);
  const strings: CompilableString[] = [{ value: Buffer.from(banned), mode: "word", allowSet: 1 }];
  sensor.fill(0, slotContents(compileTables(strings, { allow, generation: 7 })));
  sensor.map("control").set(constant(sensor.layout(), "CONTROL_SCOPE_TGID"), process.pid);
  sensor.attach(programs);
});
after(() => sensor.close());

const startTimeNs = (pid: number) =>
  BigInt(readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]!.split(" ")[19]!) * CLOCK_TICK_NS;
const image = (pid: number) => parseStat(readFileSync(`/proc/${pid}/stat`))!.image;
const cmdline = (pid: number) => readFileSync(`/proc/${pid}/cmdline`);

test("a spared process and the children it forks are known, and that their arguments are the same", async () => {
  for (const filling of ["", "x", "x".repeat(7), "x".repeat(4000), "x".repeat(100_000)]) {
    const script = "(read line; :) <&0 & echo $!; wait";
    const child = spawn("/bin/bash", ["-c", script, banned, filling, ""], { stdio: ["pipe", "pipe", "inherit"] });
    const [text] = (await once(child.stdout, "data")) as [Buffer];
    const memory = execMemory(sensor.map("spared"), sensor.layout());
    try {
      for (const pid of [child.pid!, Number(text.toString())]) {
        const known = memory.spared(pid, startTimeNs(pid), image(pid));
        assert.ok(known !== null, `process ${pid}`);
        assert.deepEqual(
          [known.stringId, known.generation, Buffer.from(known.path ?? []).toString()],
          [0, 7, "/bin/bash"],
        );
        const area = cmdline(pid);
        assert.ok(area.includes(banned));
        assert.equal(known.hasChanged(area), false, `${area.length} bytes`);
        for (const at of [0, area.length >> 1, area.length - 1]) {
          const other = Buffer.from(area);
          other[at]! ^= 1;
          assert.equal(known.hasChanged(other), true, `byte ${at}`);
        }
        assert.equal(known.hasChanged(area.subarray(0, -1)), true);
        assert.equal(
          memory.spared(pid, startTimeNs(pid) - CLOCK_TICK_NS, image(pid)),
          null,
          "an earlier process of that number",
        );
      }
    } finally {
      child.stdin.end();
      await once(child, "close");
    }
  }
});

test("of a process that nothing had to be said about nothing is kept", async () => {
  const child = spawn("/bin/bash", ["-c", "read line"], { stdio: ["pipe", "ignore", "inherit"] });
  await once(child, "spawn");
  const memory = execMemory(sensor.map("spared"), sensor.layout());
  const pid = child.pid!;
  assert.equal(memory.spared(pid, startTimeNs(pid), image(pid)), null);
  child.stdin.end();
  await once(child, "close");
});
