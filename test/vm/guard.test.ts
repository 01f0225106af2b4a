// What the guard needs of a kernel, asked of the one that runs, with the loop that this kernel has and with the one for
// kernels before 5.17: load, kill, spare, name the cgroup, swap lists, outlive the agent.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from "node:fs";
import { release } from "node:os";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type ExecRecord, execDecoder } from "@cryptnono/agent/detectors/execwhacker/record";
import { type CompiledRules, compileRules, type Ways } from "@cryptnono/agent/detectors/execwhacker/rules";
import { execwhackerSensor, guardProgram, slotContents } from "@cryptnono/agent/detectors/execwhacker/sensor";
import { Guard, unpin } from "@cryptnono/agent/sensor/index";
import { compileTables } from "@cryptnono/matcher";
import { Sensor } from "@cryptnono/native";
import { ROOT, randomString, run, TestAgent } from "../lib/agent.js";
import { cgroup2Mount } from "../lib/cgroups.js";
import { KernelMatcher } from "../lib/kernel-matcher.js";

const OBJECT = readFileSync(`${ROOT}build/bpf/execwhacker.bpf.o`);
const LOOPS = [
  { loop: "the kernel's own loop", withoutBpfLoop: false },
  { loop: "the loop for kernels before 5.17", withoutBpfLoop: true },
];

for (const { loop, withoutBpfLoop } of LOOPS) {
  describe(`${release()}, ${loop}`, { timeout: 600_000 }, () => {
    const banned = randomString();
    const allowed = `/bin/echo 'allowed ${banned}'`;
    const records: ExecRecord[] = [];
    let guard: Guard;

    before(async () => {
      const startedMs = performance.now();
      const sensor = execwhackerSensor();
      const constants = { ...sensor.constants, without_bpf_loop: withoutBpfLoop };
      guard = new Guard(
        { ...sensor, constants },
        {
          object: OBJECT,
          pinDir: null,
          scopePid: process.pid,
          onRecord: (bytes) => records.push(decode(bytes)),
          onError: (error) => assert.fail(error as Error),
        },
      );
      const decode = execDecoder(guard.layout);
      install(await rules([banned], [allowed]));
      guard.attach();
      guard.start();
      console.log(`guarding after ${Math.round(performance.now() - startedMs)} ms`);
    });
    after(() => guard.close());

    test("the verifier accepts the programs", (t) => {
      const { skip, absent = [], maxEntries, constants } = execwhackerSensor();
      const sensor = Sensor.open({
        object: OBJECT,
        constants: { ...constants, without_bpf_loop: withoutBpfLoop },
        maxEntries,
        skip,
        absent,
      });
      t.after(() => sensor.close());
      const { verifiedInstructions, missed } = sensor.statistics(guardProgram());
      console.log(`${verifiedInstructions} instructions verified`);
      assert.ok(verifiedInstructions < 150_000, "a seventh of what the kernel would look at");
      assert.equal(missed, 0);
    });

    test("kills a process before it prints", async () => {
      const ended = await run("/bin/echo", [`hello ${banned}`]);
      assert.equal(ended.signal, "SIGKILL");
      assert.equal(ended.stdout.length, 0);
      const record = await recordOf(ended.pid);
      assert.equal(record.verdict, "killed");
      assert.deepEqual(
        record.process.args.map((arg) => Buffer.from(arg).toString()),
        ["/bin/echo", `hello ${banned}`],
      );
      assert.equal(Buffer.from(record.process.path).toString(), "/bin/echo");
      assert.equal(Buffer.from(record.process.comm).toString(), "echo");
      assert.equal(record.process.ppid, process.pid);
      console.log(`verdict after ${Number(record.latencyNs) / 1000} us`);
    });

    test("finds a string behind 1 MB of arguments", async (t) => {
      // Beside allow patterns a line this long would go the over-long way.
      install(await rules([banned], []));
      t.after(async () => install(await rules([banned], [allowed])));
      const filling = Array.from({ length: 10 }, () => "x ".repeat(50_000));
      const ended = await run("/bin/echo", [...filling, banned]);
      assert.equal(ended.signal, "SIGKILL");
      assert.equal((await recordOf(ended.pid)).verdict, "killed");
    });

    test("spares what an allow pattern matches, and a string inside a word", async () => {
      const byPattern = await run("/bin/echo", [`allowed ${banned}`]);
      assert.equal(byPattern.stdout.toString(), `allowed ${banned}\n`);
      assert.equal((await recordOf(byPattern.pid)).verdict, "spared-pattern");
      const inWord = await run("/bin/echo", [`x${banned}`]);
      assert.equal(inWord.stdout.toString(), `x${banned}\n`);
      assert.equal((await recordOf(inWord.pid)).verdict, "spared-substring");
    });

    test("of 100 processes at once each has its own verdict", async () => {
      const ended = await Promise.all(
        Array.from({ length: 100 }, (_, i) => run("/bin/echo", [i % 2 === 0 ? banned : "harmless"])),
      );
      assert.equal(ended.filter(({ signal }) => signal === "SIGKILL").length, 50);
      assert.equal(ended.filter(({ stdout }) => stdout.toString() === "harmless\n").length, 50);
      for (const { pid, signal } of ended) if (signal !== null) assert.equal((await recordOf(pid)).verdict, "killed");
      assert.equal(guard.missedRuns(), 0);
    });

    test("kills what it cannot search whole, before its first instruction", async (t) => {
      install(await rules([banned], [], { maxScanBytes: 20_000, overLong: "kill" }));
      t.after(async () => install(await rules([banned], [allowed])));
      const ended = await run("/bin/echo", ["y".repeat(60_000)]);
      assert.deepEqual([ended.signal, ended.stdout.length], ["SIGKILL", 0]);
      const record = await recordOf(ended.pid);
      assert.deepEqual([record.verdict, record.overLong], ["killed", true]);
    });

    test("tells the cgroup v2 path and id", async (t) => {
      const root = cgroup2Mount();
      if (root === null) {
        t.skip("no cgroup2 file system is mounted");
        return;
      }
      const name = `cri-containerd-${"0123456789abcdef".repeat(4)}.scope`;
      const slice = `kubepods-${process.pid}.slice`;
      const dir = `${root}/${slice}/${name}`;
      mkdirSync(dir, { recursive: true });
      t.after(() => {
        rmdirSync(dir);
        rmdirSync(`${root}/${slice}`);
      });
      const { pid } = await runIn([dir], banned);
      const { cgroup, cgroupId } = (await recordOf(pid)).process;
      assert.ok(cgroup.source === "kernel");
      assert.equal(cgroup.paths[0], `${ownCgroup(/^0::(.*)$/m)}/${slice}/${name}`);
      assert.equal(cgroupId, statSync(dir, { bigint: true }).ino);
    });

    test("tells the cgroup v1 path too", async (t) => {
      const mounted = mountV1();
      if (mounted === null) {
        t.skip("this kernel has no memory controller for cgroup v1");
        return;
      }
      const dir = `${mounted}/docker-${process.pid}`;
      mkdirSync(dir);
      t.after(() => {
        rmdirSync(dir);
        execFileSync("busybox", ["umount", mounted]);
      });
      const { pid } = await runIn([dir], banned);
      const { cgroup } = (await recordOf(pid)).process;
      assert.ok(cgroup.source === "kernel");
      console.log(`cgroups ${JSON.stringify(cgroup.paths)}`);
      assert.equal(cgroup.paths.at(-1), `/docker-${process.pid}`);
    });

    test("judges buffers as the tables say", (t) => {
      const matcher = new KernelMatcher({ withoutBpfLoop });
      t.after(() => matcher.close());
      for (let length = 1; length <= 512; length = Math.ceil(length * 1.3)) {
        const string = Buffer.from("qz9_".repeat(128).slice(0, length));
        matcher.install(compileTables([{ value: Uint8Array.from(string), mode: "word" }]));
        for (const before of [0, 1, 63, 4095, 15_807, 16_383, 40_000]) {
          for (const [glued, expected] of [
            ["-", "killed"],
            ["a", "spared-substring"],
          ] as const) {
            const area = Buffer.concat([Buffer.from(".".repeat(before) + glued), string, Buffer.from("\0")]);
            const { verdict } = matcher.judge(Buffer.from("/bin/x\0"), Uint8Array.from(area));
            assert.equal(matcher.verdictName(verdict), expected, `${length} bytes behind ${before}`);
          }
        }
      }
    });

    function install({ tables }: CompiledRules): void {
      guard.install(slotContents(tables));
    }

    async function recordOf(pid: number): Promise<ExecRecord> {
      const find = () => records.find((record) => record.process.pid === pid);
      await until(() => find() !== undefined, `a record of process ${pid}`);
      return find()!;
    }
  });
}

test("an agent with pins is killed, the kernel goes on killing, the next agent takes over", async (t) => {
  const pinDir = `/sys/fs/bpf/cryptnono-${process.pid}`;
  const banned = randomString();
  const first = await TestAgent.start({ bannedCommandStrings: [banned] }, ["--pin-dir", pinDir]);
  t.after(() => unpin(pinDir));
  await first.stop("SIGKILL");
  const orphan = await run("/bin/echo", [banned]);
  assert.equal(orphan.signal, "SIGKILL");
  const second = await TestAgent.start({ bannedCommandStrings: [banned] }, ["--pin-dir", pinDir]);
  t.after(() => second.stop());
  await second.waitFor(() => second.actions("killed", orphan.pid).length === 1, "the kill that no agent saw");
  assert.equal(readdirSync(`${pinDir}/execwhacker`).length, 1);
});

async function rules(
  banned: readonly string[],
  allow: readonly string[],
  ways: Ways = { wholeLines: 0 },
): Promise<CompiledRules> {
  return compileRules(
    {
      strings: banned.map((text, index) => ({
        value: new TextEncoder().encode(text),
        mode: "word",
        list: "test",
        index,
        action: "enforce",
        allowSet: allow.length > 0 ? 1 : 0,
      })),
      allow: allow.map((source, index) => ({ source, list: "test", index })),
      allowSets: allow.length > 0 ? [[...allow.keys()]] : [],
    },
    1,
    ways,
  );
}

async function until(condition: () => boolean, what: string, deadlineMs = 30_000): Promise<void> {
  const end = Date.now() + deadlineMs;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`waited ${deadlineMs} ms for ${what}`);
    await sleep(5);
  }
}

/** A shell that moves itself into the cgroups and becomes a victim there. */
async function runIn(dirs: readonly string[], banned: string): Promise<{ pid: number }> {
  const file = `/tmp/move-${process.pid}.sh`;
  const moves = dirs.map((dir) => `echo $$ > ${dir}/cgroup.procs`).join("\n");
  writeFileSync(file, `set -e\n${moves}\nexec /bin/echo ${banned}\n`);
  const ended = await run("/bin/sh", [file]);
  assert.equal(ended.signal, "SIGKILL");
  return ended;
}

function ownCgroup(line: RegExp): string {
  const path = line.exec(readFileSync("/proc/self/cgroup", "utf8"))![1]!;
  return path === "/" ? "" : path;
}

/** The hierarchy of which the programs tell; null where the kernel has it no more. */
function mountV1(): string | null {
  const dir = `/tmp/cgroup-v1-${process.pid}`;
  mkdirSync(dir, { recursive: true });
  try {
    execFileSync("busybox", ["mount", "-t", "cgroup", "-o", "memory", "memory", dir], { stdio: "ignore" });
    return dir;
  } catch {
    return null;
  }
}
