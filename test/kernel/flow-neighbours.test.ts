// The network guard beside another program at the same hook: one that shares it, and one that has it for itself.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { explainFailure } from "@cryptnono/agent/detectors/flowkiller/failures";
import { flowkillerSensor } from "@cryptnono/agent/detectors/flowkiller/sensor";
import { UnsupportedError } from "@cryptnono/agent/errors";
import { Guard } from "@cryptnono/agent/sensor/index";
import { ROOT, randomString } from "../lib/agent.js";
import { cgroup2Mount } from "../lib/cgroups.js";

const skip =
  cgroup2Mount() === null
    ? "no cgroup2 file system is mounted"
    : spawnSync("bpftool", ["version"]).status !== 0 && "bpftool is not installed";

function bpftool(...args: readonly string[]) {
  return spawnSync("bpftool", args, { encoding: "utf8" });
}

/** Attach a program that does nothing to a cgroup of the test's own. */
function neighbour(t: TestContext, ...flags: readonly string[]): { readonly cgroup: string; readonly program: string } {
  const name = randomString("test-");
  const cgroup = `${cgroup2Mount()}/${name}`;
  const pins = `/sys/fs/bpf/${name}`;
  mkdirSync(cgroup);
  t.after(() => rmdirSync(cgroup));
  mkdirSync(pins);
  t.after(() => rmSync(pins, { recursive: true }));
  const loaded = bpftool("prog", "loadall", `${ROOT}build/test/bpf/empty-hooks.bpf.o`, `${pins}/programs`);
  assert.equal(loaded.status, 0, loaded.stderr);
  const program = `${pins}/programs/empty_connect`;
  const attached = bpftool("cgroup", "attach", cgroup, "connect4", "pinned", program, ...flags);
  assert.equal(attached.status, 0, attached.stderr);
  t.after(() => bpftool("cgroup", "detach", cgroup, "connect4", "pinned", program));
  return { cgroup, program };
}

function guardAt(t: TestContext, cgroup: string): Guard {
  const guard = new Guard(flowkillerSensor({ way: "by-agent", hasErrno: false }, cgroup), {
    object: readFileSync(`${ROOT}build/bpf/flowkiller.bpf.o`),
    pinDir: null,
    scopePid: process.pid,
    onRecord: () => {},
    onError: (error) => assert.fail(error as Error),
  });
  t.after(() => guard.close());
  return guard;
}

test("a program that has the hook for itself keeps the guard out, and is named as the cause", { skip }, (t) => {
  const { cgroup } = neighbour(t);
  let error: unknown;
  try {
    guardAt(t, cgroup).attach();
  } catch (thrown) {
    error = explainFailure(thrown);
  }
  assert.ok(error instanceof UnsupportedError, String(error));
  assert.match(error.message, /^attach cgroup\/connect4: .*another program has the root cgroup's hook for itself/);
  assert.match(error.hint, /Cilium before 1\.14/);
});

test("one that shares the hook does not, and none can have it for itself any more", { skip }, (t) => {
  const { cgroup, program } = neighbour(t, "multi");
  const guard = guardAt(t, cgroup);
  guard.attach();
  const { stdout } = bpftool("cgroup", "show", cgroup);
  assert.match(stdout, / connect4 *$/m);
  assert.match(stdout, / empty_connect *$/m);
  bpftool("cgroup", "detach", cgroup, "connect4", "pinned", program);
  const alone = () => bpftool("cgroup", "attach", cgroup, "connect4", "pinned", program).status;
  assert.notEqual(alone(), 0);
  guard.close();
  assert.equal(alone(), 0);
});
