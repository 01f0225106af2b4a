import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import fc from "fast-check";
import type { CgroupIdentity, ContainerLookup } from "../types.js";
import type { RuntimeType } from "./container-id.js";
import { createContainerLookup } from "./lookup.js";
import { type ContainerFacts, type Runtime, RuntimeError } from "./runtime.js";
import { DEFAULT_SESSION_TIMES } from "./runtime-session.js";

/** On a shared machine timers come late; a call that hangs takes five seconds. */
const SLACK_MS = 1000;
const A = "aa".repeat(32);
const B = "bb".repeat(32);
const inPod = kernel(`/kubepods/burstable/podd2ed6416-812f-413b-ba53-e62d11646809/${A}`);
const dockerInPod = kernel(`/kubepods.slice/cri-containerd-${A}.scope/docker/${B}`);
const inDocker = kernel(`/docker/${B}`);
const inKind = kernel(`/docker/${B}/kubelet/kubepods/podd2ed6416-812f-413b-ba53-e62d11646809/${A}`);

describe("a look-up", () => {
  it("says host of a process without a container, and asks nobody", async (context) => {
    const cri = fake({ list: () => pending() });
    const lookup = create(context, { cri });
    assert.deepEqual(await lookup.lookup(kernel("/system.slice/cron.service")), { kind: "host" });
    assert.equal(cri.inspected.length, 0);
  });

  it("says so, with the line, of a container of no known runtime", async (context) => {
    const lookup = create(context, { cri: fake() });
    const cgroupLine = `/machine.slice/libpod-${A}.scope`;
    assert.deepEqual(await lookup.lookup(kernel(cgroupLine)), {
      kind: "failed",
      reason: "look up container: cgroup is of no known runtime",
      cgroupLine,
    });
  });

  it("asks the runtime for a container it does not know yet, and only once", async (context) => {
    const cri = fake({ inspect: async (id) => facts("cri", id) });
    const lookup = create(context, { cri });
    const results = await Promise.all([lookup.lookup(inPod), lookup.lookup(inPod), lookup.lookup(inPod)]);
    results.push(await lookup.lookup(inPod));
    for (const result of results) assert.deepEqual(result, found("cri", A));
    assert.deepEqual(cri.inspected, [A]);
  });

  it("names a container that was listed at the start and is gone", async (context) => {
    const cri = fake({ list: async () => [facts("cri", A)], inspect: async () => null });
    const lookup = create(context, { cri });
    await cri.watching;
    assert.deepEqual(await lookup.lookup(inPod), found("cri", A));
    assert.deepEqual(cri.inspected, []);
  });

  it("completes a listed container before it is asked for", async (context) => {
    let inspected = () => {};
    const done = new Promise<void>((resolve) => {
      inspected = resolve;
    });
    const cri = fake({
      list: async () => [{ ...facts("cri", A), image: "sha256:0", complete: false }],
      inspect: async (id) => {
        inspected();
        return facts("cri", id);
      },
    });
    const lookup = create(context, { cri });
    await done;
    assert.deepEqual(await lookup.lookup(inPod), found("cri", A));
    assert.deepEqual(cri.inspected, [A]);
  });

  it("names a container that an event told of, though the runtime has forgotten it", async (context) => {
    const docker = fake({ inspect: async () => null });
    const lookup = create(context, { docker });
    const tell = await docker.watching;
    tell(B, { ...facts("docker", B), complete: false });
    assert.deepEqual(await lookup.lookup(inDocker), found("docker", B));
  });

  it("names the pod when Docker runs in it", async (context) => {
    const cri = fake({ inspect: async (id) => facts("cri", id) });
    const docker = fake({ inspect: async (id) => facts("docker", id) });
    const lookup = create(context, { cri, docker });
    assert.deepEqual(await lookup.lookup(dockerInPod), found("cri", A));
    assert.deepEqual(docker.inspected, []);
  });

  it("does not take an inner container's name when the pod's runtime fails or knows no such pod", async (context) => {
    for (const inspect of [async () => null, () => Promise.reject(new RuntimeError("unreachable", "gone"))]) {
      const lookup = create(context, {
        cri: fake({ inspect }),
        docker: fake({ inspect: async (id) => facts("docker", id) }),
      });
      const result = await lookup.lookup(dockerInPod);
      assert.equal(result.kind, "failed");
      assert.equal(result.id, A);
    }
  });

  it("names the pod when its node is a container that nobody here knows", async (context) => {
    const lookup = create(context, { cri: fake({ inspect: async (id) => facts("cri", id) }) });
    assert.deepEqual(await lookup.lookup(inKind), found("cri", A));
  });

  it("asks all runtimes that may know the container and takes the first that does", async (context) => {
    const cri = fake({ inspect: () => pending() });
    const docker = fake({ inspect: async (id) => facts("docker", id) });
    const lookup = create(context, { cri, docker });
    assert.deepEqual(await lookup.lookup(kernel(`/batch/${B}`)), found("docker", B));
  });

  it("says which sockets were tried when none is there", async () => {
    const lookup = createContainerLookup({ endpoints: [{ type: "cri", socketPath: "/nonexistent/c.sock" }] });
    assert.deepEqual(await lookup.lookup(inPod), {
      kind: "failed",
      reason: "look up container aaaaaaaaaaaa: no runtime for it at unix:///nonexistent/c.sock",
      cgroupLine: inPod.source === "kernel" ? inPod.paths[0] : "",
      id: A,
    });
    await lookup.close();
  });

  it("remembers for a second that nobody knows a container", async (context) => {
    let nowMs = 0;
    const cri = fake({ inspect: async () => null });
    const lookup = create(context, { cri }, { nowMs: () => nowMs });
    const ask = async () => (await lookup.lookup(kernel(`/k8s.io/${A}`))).kind;
    assert.deepEqual([await ask(), await ask(), cri.inspected.length], ["failed", "failed", 1]);
    nowMs = 1000;
    assert.deepEqual([await ask(), cri.inspected.length], ["failed", 2]);
  });

  it("ends at its deadline when the runtime hangs, spares the next ones the wait, and recovers", async (context) => {
    let nowMs = 0;
    let hangs = true;
    const cri = fake({ inspect: (id) => (hangs ? pending() : Promise.resolve(facts("cri", id))) });
    const lookup = create(context, { cri }, { deadlineMs: 100, nowMs: () => nowMs });
    const startMs = performance.now();
    const first = await lookup.lookup(inPod);
    const firstMs = performance.now() - startMs;
    assert.equal(first.kind, "failed");
    assert.match(first.reason, /^look up container aaaaaaaaaaaa: unix:\/\/.*: no answer within 100 ms$/);
    assert.ok(firstMs < 100 + SLACK_MS, `${firstMs} ms`);

    const others = await Promise.all(Array.from({ length: 1000 }, (_, index) => lookup.lookup(podOf(index))));
    assert.ok(performance.now() - startMs - firstMs < SLACK_MS);
    assert.ok(others.every((result) => result.kind === "failed" && result.cgroupLine !== ""));
    assert.deepEqual(cri.inspected, [A]);

    hangs = false;
    nowMs = DEFAULT_SESSION_TIMES.retryMs;
    assert.equal((await lookup.lookup(podOf(1))).kind, "container");
    assert.equal((await lookup.lookup(podOf(2))).kind, "container");
  });

  it("keeps a late answer for the next look-up", async (context) => {
    let answer: (facts: ContainerFacts) => void = () => {};
    const cri = fake({
      inspect: () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    });
    const lookup = create(context, { cri }, { deadlineMs: 20 });
    assert.equal((await lookup.lookup(inPod)).kind, "failed");
    answer(facts("cri", A));
    await new Promise(setImmediate);
    assert.deepEqual(await lookup.lookup(inPod), found("cri", A));
  });

  it("tells what a list had when the runtime hangs after it", async (context) => {
    const cri = fake({ list: async () => [{ ...facts("cri", A), complete: false }], inspect: () => pending() });
    const lookup = create(context, { cri }, { deadlineMs: 20 });
    await cri.watching;
    assert.deepEqual(await lookup.lookup(inPod), found("cri", A));
  });

  it("finds a runtime whose socket appears later, and one that answers again", async (context) => {
    let runs = true;
    const cri = fake({
      inspect: (id) =>
        runs ? Promise.resolve(facts("cri", id)) : Promise.reject(new RuntimeError("unreachable", "refused")),
    });
    const socketPath = join(temporary(context), "c.sock");
    const lookup = createContainerLookup({ endpoints: [{ type: "cri", socketPath }], open: async () => cri.runtime });
    context.after(() => lookup.close());
    assert.equal((await lookup.lookup(podOf(1))).kind, "failed");
    writeFileSync(socketPath, "");
    assert.equal((await lookup.lookup(podOf(1))).kind, "container");
    runs = false;
    assert.equal((await lookup.lookup(podOf(2))).kind, "failed");
    runs = true;
    assert.equal((await lookup.lookup(podOf(2))).kind, "container");
  });

  it("holds no more than a bounded number of calls when every look-up is for another container", async (context) => {
    const cri = fake({ inspect: () => pending() });
    const lookup = create(context, { cri }, { deadlineMs: 50 });
    const results = await Promise.all(Array.from({ length: 1000 }, (_, index) => lookup.lookup(podOf(index))));
    assert.ok(results.every((result) => result.kind === "failed"));
    assert.equal(cri.inspected.length, 64);
  });

  it("drops a connection that all calls hang on, and finds the runtime that answers on the next", async (context) => {
    let nowMs = 0;
    let connections = 1;
    const cri = fake({
      inspect: (id) => (connections === 1 ? pending() : Promise.resolve(facts("cri", id))),
      reset: () => {
        connections += 1;
      },
    });
    const lookup = create(context, { cri }, { deadlineMs: 50, nowMs: () => nowMs });
    await Promise.all(Array.from({ length: 100 }, (_, index) => lookup.lookup(podOf(index))));
    nowMs += DEFAULT_SESSION_TIMES.retryMs;
    assert.equal((await lookup.lookup(podOf(100))).kind, "failed");
    assert.equal(connections, 2);
    nowMs += DEFAULT_SESSION_TIMES.retryMs;
    assert.equal((await lookup.lookup(podOf(101))).kind, "container");
  });

  it("is not disturbed by a runtime that floods events", async (context) => {
    const cri = fake({ inspect: async (id) => facts("cri", id) });
    const lookup = create(context, { cri });
    const tell = await cri.watching;
    assert.deepEqual(await lookup.lookup(inPod), found("cri", A));
    for (let index = 0; index < 20_000; index++) tell(idOf(index), null);
    const startMs = performance.now();
    assert.deepEqual(await lookup.lookup(inPod), found("cri", A));
    assert.ok(performance.now() - startMs < SLACK_MS);
    assert.ok(cri.inspected.length <= 1 + 1024 + 2);
  });

  it("never rejects and is never late, whatever the runtime does", async (context) => {
    const behaviours: readonly (() => Promise<ContainerFacts | null>)[] = [
      async () => facts("cri", A),
      async () => null,
      () => pending(),
      () => Promise.reject(new RuntimeError("failed", "broken")),
      () => Promise.reject(new Error("unexpected")),
      () => Promise.reject("no error at all"),
      () => {
        throw new TypeError("thrown, not rejected");
      },
    ];
    const behaviour = fc.constantFrom(...behaviours);
    await fc.assert(
      fc.asyncProperty(fc.array(behaviour, { minLength: 3, maxLength: 3 }), behaviour, async (inspects, list) => {
        const cri = fake({
          inspect: () => (inspects.shift() ?? pending)(),
          list: async () => [await list()].filter((one) => one !== null),
        });
        const lookup = create(context, { cri }, { deadlineMs: 20 });
        const startMs = performance.now();
        for (let index = 0; index < 3; index++) {
          const result = await lookup.lookup(podOf(index));
          assert.notEqual(result.kind, "host");
        }
        assert.ok(performance.now() - startMs < 3 * 20 + SLACK_MS);
        await lookup.close();
      }),
      { numRuns: 60 },
    );
  });

  it("ends when it is closed with a call under way, and can be closed twice", async (context) => {
    const cri = fake({ inspect: () => pending() });
    const lookup = create(context, { cri }, { deadlineMs: 50 });
    const waiting = lookup.lookup(inPod);
    await lookup.close();
    await lookup.close();
    assert.equal((await waiting).kind, "failed");
  });
});

interface Fake {
  readonly runtime: Runtime;
  /** Ids in the order they were asked for. */
  readonly inspected: string[];
  /** Resolves when the session has listed and watches, with the function that tells it of a container. */
  readonly watching: Promise<Parameters<Runtime["watch"]>[0]>;
}

function fake(behaviour: Partial<Pick<Runtime, "list" | "inspect" | "reset">> = {}): Fake {
  const inspected: string[] = [];
  let watched: (tell: Parameters<Runtime["watch"]>[0]) => void = () => {};
  const watching = new Promise<Parameters<Runtime["watch"]>[0]>((resolve) => {
    watched = resolve;
  });
  const { list = async () => [], inspect = async () => null, reset = () => {} } = behaviour;
  const runtime: Runtime = {
    list,
    inspect(id, timeoutMs) {
      inspected.push(id);
      return inspect(id, timeoutMs);
    },
    watch(onContainer, signal) {
      watched(onContainer);
      return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
    },
    reset,
    close() {},
  };
  return { runtime, inspected, watching };
}

function create(
  context: TestContext,
  runtimes: Partial<Record<RuntimeType, Fake>>,
  options: { deadlineMs?: number; nowMs?: () => number } = {},
): ContainerLookup {
  const directory = temporary(context);
  const types = Object.keys(runtimes) as RuntimeType[];
  const endpoints = types.map((type) => ({ type, socketPath: join(directory, type) }));
  for (const { socketPath } of endpoints) writeFileSync(socketPath, "");
  const open = async (type: RuntimeType) => {
    const { [type]: opened } = runtimes;
    assert.ok(opened);
    return opened.runtime;
  };
  const lookup = createContainerLookup({ endpoints, open, ...options });
  context.after(() => lookup.close());
  return lookup;
}

function temporary(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "cn-"));
  context.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

function kernel(path: string): CgroupIdentity {
  return { source: "kernel", paths: [path] };
}

function idOf(index: number): string {
  return index.toString(16).padStart(64, "0");
}

function podOf(index: number): CgroupIdentity {
  return kernel(`/k8s.io/${idOf(index)}`);
}

function facts(type: RuntimeType, id: string): ContainerFacts {
  return { type, id, labels: { name: "x" }, image: "i:1", complete: true };
}

function found(type: RuntimeType, id: string): object {
  return { kind: "container", type, id, labels: { name: "x" }, image: "i:1" };
}

function pending(): Promise<never> {
  return new Promise(() => {});
}
