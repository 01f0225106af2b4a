// A detector of the tests' own lives in the same house, with no word of it in any shared file, and beside the first one.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, rmdirSync, statSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { unpin } from "@cryptnono/agent/sensor/index";
import { freePort, ROOT, randomString, run, TestAgent } from "../lib/agent.js";
import { cgroup2Mount } from "../lib/cgroups.js";

const MAIN = fileURLToPath(new URL("../lib/exec-counter-main.js", import.meta.url));

type Line = Readonly<Record<string, unknown>>;

class Counter {
  readonly lines: Line[] = [];
  readonly #process: ChildProcess;
  #rest = "";

  constructor(t: TestContext, flags: readonly string[] = []) {
    const args = [MAIN, "exec-counter", "--scope-pid", String(process.pid), ...flags];
    this.#process = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"], cwd: ROOT });
    t.after(() => this.#process.kill("SIGKILL"));
    this.#process.stdout!.setEncoding("utf8").on("data", (text: string) => {
      const lines = (this.#rest + text).split("\n");
      this.#rest = lines.pop()!;
      this.lines.push(...lines.map((line) => JSON.parse(line) as Line));
    });
  }

  async until(what: string, condition: (lines: readonly Line[]) => boolean): Promise<void> {
    const end = Date.now() + 60_000;
    while (!condition(this.lines)) {
      if (Date.now() > end) throw new Error(`waited for ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  guarding(): Promise<void> {
    return this.until("the counter to begin", (lines) => lines.some(({ event }) => event === "Guarding"));
  }

  async stop(): Promise<number | null> {
    const closed = once(this.#process, "close");
    this.#process.kill("SIGTERM");
    const [code] = (await closed) as [number | null];
    return code;
  }
}

const countOf = (lines: readonly Line[], cgroup: string) => {
  const last = lines.findLast(({ event }) => event === "Execs");
  return (last?.["by_cgroup"] as Readonly<Record<string, number>> | undefined)?.[cgroup] ?? 0;
};

/** A cgroup of the test's own, and a shell in it that executes something so many times. */
function cgroupOf(t: TestContext, mount: string): { readonly id: string; exec(times: number): Promise<unknown> } {
  const dir = `${mount}/${randomString("test-")}`;
  mkdirSync(dir);
  t.after(() => rmdirSync(dir));
  return {
    id: String(statSync(dir, { bigint: true }).ino),
    exec(times) {
      const loop = `echo $$ > ${dir}/cgroup.procs; for i in $(seq ${times}); do /bin/true; done`;
      return run("/bin/sh", ["-c", loop]);
    },
  };
}

test("it counts, tells of a cgroup's first exec, and ends well", async (t) => {
  const mount = cgroup2Mount();
  if (mount === null) return t.skip("no cgroup2 file system is mounted");
  const counter = new Counter(t);
  await counter.guarding();
  const cgroup = cgroupOf(t, mount);
  await cgroup.exec(20);
  // `seq` is one more.
  await counter.until("21 execs", (lines) => countOf(lines, cgroup.id) === 21);
  const firsts = counter.lines.filter((line) => line["event"] === "First exec" && line["cgroup"] === cgroup.id);
  assert.equal(firsts.length, 1);
  assert.equal(await counter.stop(), 0);
});

test("with one pin directory neither of the two retires the other", async (t) => {
  const pinDir = `/sys/fs/bpf/${randomString("test-")}`;
  t.after(() => unpin(pinDir));
  const banned = randomString();
  const counter = new Counter(t, ["--pin-dir", pinDir]);
  await counter.guarding();
  const guard = await TestAgent.start({ bannedCommandStrings: [banned] }, ["--pin-dir", pinDir]);
  t.after(() => guard.stop());
  await guard.untilReady();
  assert.deepEqual(readdirSync(pinDir).toSorted(), ["exec-counter", "execwhacker"]);
  const total = (lines: readonly Line[]) => {
    const last = lines.findLast(({ event }) => event === "Execs");
    return Object.values((last?.["by_cgroup"] ?? {}) as Record<string, number>).reduce((sum, n) => sum + n, 0);
  };
  const before = total(counter.lines);
  assert.equal((await run("/bin/true", [banned])).signal, "SIGKILL");
  await counter.until("that exec", (lines) => total(lines) > before);
  assert.ok(!counter.lines.some(({ event }) => String(event).startsWith("Retired")));
  assert.equal(await counter.stop(), 0);
  assert.equal(unpin(pinDir), 2);
});

test("its metrics are its own and those of every detector", async (t) => {
  const port = await freePort();
  const counter = new Counter(t, ["--serve-metrics-port", String(port)]);
  await counter.guarding();
  await run("/bin/true", []);
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  assert.match(text, /^cryptnono_exec_counter_execs_total [1-9]\d*$/m);
  assert.match(text, /^cryptnono_exec_counter_ready 1$/m);
  const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name!);
  assert.deepEqual(
    names.filter((name) => !name.startsWith("cryptnono_exec_counter_") && name !== "cryptnono_build_info"),
    [],
  );
  assert.equal(await counter.stop(), 0);
});

test("no shared file has a word of it", () => {
  const files = ["agent/src", "native/src", "bpf"].flatMap((dir) =>
    readdirSync(`${ROOT}${dir}`, { recursive: true, encoding: "utf8" }).map((name) => `${ROOT}${dir}/${name}`),
  );
  const naming = files.filter(
    (file) => statSync(file).isFile() && /exec[-_]?counter/i.test(readFileSync(file, "utf8")),
  );
  assert.deepEqual(naming, []);
});
