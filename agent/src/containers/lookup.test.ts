import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import fc from "fast-check";
import type { CgroupIdentity, ContainerLookup } from "../types.js";
import type { RuntimeType } from "./container-id.js";
import { type ContainerLookupOptions, createContainerLookup } from "./lookup.js";
import { type ContainerFacts, type Runtime, RuntimeError } from "./runtime.js";
import { DEFAULT_SESSION_TIMES, type SessionTimes } from "./runtime-session.js";

/** Long enough that a busy machine answers within it, where nothing is said of time. */
const PATIENT_MS = 60_000;
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
      why: "foreign",
      reason: "look up container: cgroup is of no known runtime",
      cgroupLine,
    });
  });

  it("says so of a process whose cgroup could not be read", async (context) => {
    const result = await create(context, { cri: fake() }).lookup({ source: "proc", lines: "" });
    assert.deepEqual(result.kind === "failed" && result.reason, "look up container: cgroup could not be read");
  });

  it("never gives a pod's words to a process that made the pod's name below a container of no known runtime", async (context) => {
    const cri = fake({ list: async () => [facts("cri", A)], inspect: async (id) => facts("cri", id) });
    const lookup = create(context, { cri, docker: fake() });
    await cri.watching;
    for (const outer of [`/machine.slice/libpod-${B}.scope`, "/lxc.payload.web", "/user.slice/user-1000.slice/x"]) {
      // The second could be Docker's too, by its name; the look-up knows the id from the CRI's list.
      for (const name of [`/cri-containerd-${A}.scope`, `/kubepods/podd2ed6416-812f-413b-ba53-e62d11646809/${A}`]) {
        const result = await lookup.lookup(kernel(outer + name));
        assert.equal(result.kind, "failed");
        assert.deepEqual(result.inner, { id: A });
      }
    }
    assert.deepEqual(cri.inspected, []);
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

  it("names the pod when Docker runs in it, and tells Docker's container under inner", async (context) => {
    const cri = fake({ inspect: async (id) => facts("cri", id) });
    const docker = fake({ inspect: async (id) => facts("docker", id) });
    const lookup = create(context, { cri, docker });
    const { complete: _complete, ...inner } = facts("docker", B);
    assert.deepEqual(await lookup.lookup(dockerInPod), { ...found("cri", A), inner });
  });

  it("tells no more than the id of an inner container that Docker does not know, or does not answer for", async (context) => {
    for (const inspect of [
      async () => null,
      () => pending(),
      () => Promise.reject(new RuntimeError("refused", "no")),
    ]) {
      const cri = fake({ inspect: async (id) => facts("cri", id) });
      const lookup = create(context, { cri, docker: fake({ inspect }) }, { momentMs: 50 });
      assert.deepEqual(await lookup.lookup(dockerInPod), { ...found("cri", A), inner: { id: B } });
    }
  });

  it("names a pod though another's process has had Docker asked for the pod's id, and been told of none", async (context) => {
    const cri = fake({ inspect: async (id) => facts("cri", id) });
    const lookup = create(context, { cri, docker: fake({ inspect: async () => null }) });
    const claimed = `/docker/${B}/kubepods/podd2ed6416-812f-413b-ba53-e62d11646809/${A}`;
    assert.equal((await lookup.lookup(kernel(claimed))).kind, "failed");
    assert.deepEqual(await lookup.lookup(inPod), found("cri", A));
  });

  it("does not press the others by any number of names within a container, though Docker hangs", async (context) => {
    let answer: (facts: ContainerFacts) => void = () => {};
    const cri = fake({
      inspect: (id) =>
        id === A
          ? Promise.resolve(facts("cri", id))
          : new Promise((resolve) => {
              answer = resolve;
            }),
    });
    const lookup = create(
      context,
      { cri, docker: fake({ inspect: () => pending() }) },
      { momentMs: 20, waitMs: PATIENT_MS },
    );
    await lookup.lookup(inPod);
    const waiting = lookup.lookup(podOf(1));
    const claims = Array.from({ length: 200 }, (_, index) => kernel(`/k8s.io/${A}/docker/${idOf(index + 2)}`));
    const others = await Promise.all(claims.map((cgroup) => lookup.lookup(cgroup)));
    assert.ok(others.every((result) => result.kind === "container" && result.inner?.type === undefined));
    answer(facts("cri", idOf(1)));
    assert.equal((await waiting).kind, "container");
  });

  it("does not take an inner container's name when the pod's runtime fails or knows no such pod", async (context) => {
    for (const inspect of [async () => null, () => Promise.reject(new RuntimeError("unreachable", "gone"))]) {
      const lookup = create(
        context,
        { cri: fake({ inspect }), docker: fake({ inspect: async (id) => facts("docker", id) }) },
        { waitMs: 50 },
      );
      const result = await lookup.lookup(dockerInPod);
      assert.equal(result.kind, "failed");
      assert.equal(result.id, A);
      assert.equal(result.inner?.id, B);
    }
  });

  it("does not name a pod by a name in a container that nobody here knows, unless the operator vouches for it", async (context) => {
    const cri = () => fake({ inspect: async (id) => facts("cri", id) });
    const result = await create(context, { cri: cri() }).lookup(inKind);
    assert.deepEqual([result.kind, result.kind === "failed" && result.id], ["failed", B]);
    const vouched = create(context, { cri: cri() }, { trustedCgroups: [`/docker/${B}`] });
    assert.deepEqual(await vouched.lookup(inKind), found("cri", A));
  });

  it("asks all runtimes that may know the container and takes the first that does", async (context) => {
    const cri = fake({ inspect: () => pending() });
    const docker = fake({ inspect: async (id) => facts("docker", id) });
    const lookup = create(context, { cri, docker });
    assert.deepEqual(await lookup.lookup(kernel(`/batch.slice/${B}`)), found("docker", B));
  });

  it("says which sockets were tried when none is there", async () => {
    const lookup = createContainerLookup({ endpoints: [{ type: "cri", socketPath: "/nonexistent/c.sock" }] });
    assert.deepEqual(await lookup.lookup(inPod), {
      kind: "failed",
      why: "absent",
      reason: "look up container aaaaaaaaaaaa: unix:///nonexistent/c.sock: absent (stat ENOENT)",
      cgroupLine: inPod.source === "kernel" ? inPod.paths[0] : "",
      id: A,
    });
    await lookup.close();
  });

  it("says so when there is no runtime of the kind that is needed", async (context) => {
    const result = await create(context, { cri: fake() }).lookup(inDocker);
    assert.deepEqual(result.kind === "failed" && [result.why, result.reason], [
      "absent",
      `look up container ${B.slice(0, 12)}: no runtime to ask`,
    ]);
  });

  const states: readonly (readonly [title: string, error: RuntimeError, why: string, reason: RegExp])[] = [
    [
      "not permitted",
      new RuntimeError("not-permitted", "connect EACCES"),
      "not-permitted",
      /: not permitted \(connect EACCES\)$/,
    ],
    ["refused", new RuntimeError("refused", "connect ECONNREFUSED"), "refused", /: refused \(connect ECONNREFUSED\)$/],
    [
      "silent",
      new RuntimeError("timeout", "no answer within 5000 ms"),
      "silent",
      /: silent \(no answer within 5000 ms\)$/,
    ],
    ["no CRI", new RuntimeError("unsupported", "not gRPC"), "not-a-runtime", /: not a CRI \(not gRPC\)$/],
    ["cut off", new RuntimeError("unreachable", "connection closed"), "failing", /: fails \(connection closed\)$/],
  ];
  for (const [title, error, why, reason] of states) {
    it(`names the reason when the runtime is ${title}, in its result and in the runtimes' states`, async (context) => {
      const cri = fake({ list: () => Promise.reject(error), inspect: () => Promise.reject(error) });
      const seen: string[] = [];
      const lookup = create(context, { cri }, { waitMs: 50, onStatus: ([status]) => seen.push(status?.state ?? "") });
      const result = await lookup.lookup(inPod);
      assert.ok(result.kind === "failed");
      assert.equal(result.why, why);
      assert.match(result.reason, reason);
      assert.deepEqual(
        lookup.runtimes().map(({ state, detail }) => [state, detail]),
        [[why, error.message]],
      );
      assert.deepEqual([...new Set(seen)], [why]);
    });
  }

  it("says that the socket which answers has none of that id, though others are absent", async (context) => {
    const socketPath = join(temporary(context), "c.sock");
    writeFileSync(socketPath, "");
    const lookup = createContainerLookup({
      endpoints: [
        { type: "cri", socketPath: "/nonexistent/c.sock" },
        { type: "cri", socketPath },
      ],
      open: async () => fake().runtime,
    });
    context.after(() => lookup.close());
    const result = await lookup.lookup(inPod);
    assert.deepEqual(result.kind === "failed" && [result.why, result.reason], [
      "not-known",
      `look up container aaaaaaaaaaaa: not known at unix://${socketPath}`,
    ]);
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

  it("waits for an answer that takes longer than a moment, while few wait", async (context) => {
    let answer: (facts: ContainerFacts) => void = () => {};
    const cri = fake({ inspect: () => new Promise((resolve) => (answer = resolve)) });
    const lookup = create(context, { cri }, { momentMs: 20, waitMs: PATIENT_MS });
    const waiting = lookup.lookup(inPod);
    // Then the moment is over, and the look-up goes on.
    await until(() => lookup.runtimes()[0]?.state === "silent");
    answer(facts("cri", A));
    assert.deepEqual(await waiting, found("cri", A));
  });

  for (const kind of ["refused", "absent", "unreachable", "unsupported"] as const) {
    it(`waits for a runtime that is restarted, while few wait: ${kind} for a while`, async (context) => {
      let runs = true;
      let tries = 0;
      const cri = fake({
        inspect: async (id) => {
          tries += 1;
          if (!runs) throw new RuntimeError(kind, "restarts");
          return facts("cri", id);
        },
      });
      const lookup = create(context, { cri }, { waitMs: PATIENT_MS, retryMs: 10 });
      await lookup.lookup(podOf(1));
      runs = false;
      const waiting = lookup.lookup(podOf(2));
      await until(() => tries > 3);
      runs = true;
      assert.equal((await waiting).kind, "container");
    });
  }

  it("is not refused because the runtime had an error for another container", async (context) => {
    const cri = fake({
      inspect: (id) =>
        id === A ? Promise.reject(new RuntimeError("failed", "HTTP 500")) : Promise.resolve(facts("cri", id)),
    });
    const lookup = create(context, { cri }, { nowMs: () => 0 });
    const failed = await lookup.lookup(inPod);
    assert.deepEqual(failed.kind === "failed" && failed.why, "failing");
    assert.equal((await lookup.lookup(podOf(1))).kind, "container");
  });

  it("does not wait for a runtime that was never there", async (context) => {
    const refused = new RuntimeError("refused", "connect ECONNREFUSED");
    const cri = fake({ list: () => Promise.reject(refused), inspect: () => Promise.reject(refused) });
    const lookup = create(context, { cri }, { waitMs: 2 ** 30 });
    assert.equal((await lookup.lookup(inPod)).kind, "failed");
  });

  it("knocks at a closed door no more often than in peace, however many ask", async (context) => {
    let nowMs = 0;
    const refused = new RuntimeError("refused", "connect ECONNREFUSED");
    const cri = fake({ list: () => Promise.reject(refused), inspect: () => Promise.reject(refused) });
    const lookup = create(context, { cri }, { nowMs: () => nowMs });
    await until(() => lookup.runtimes()[0]?.state === "refused");
    for (let index = 0; index < 1000; index++) await lookup.lookup(podOf(index));
    assert.equal(cri.inspected.length, 0);
    nowMs = DEFAULT_SESSION_TIMES.minPauseMs;
    await lookup.lookup(podOf(0));
    assert.equal(cri.inspected.length, 1);
  });

  it("ends when its wait is over though the runtime hangs, spares it the next ones, and recovers", async (context) => {
    let nowMs = 0;
    let hangs = true;
    const cri = fake({ inspect: (id) => (hangs ? pending() : Promise.resolve(facts("cri", id))) });
    const lookup = create(context, { cri }, { momentMs: 20, waitMs: 50, nowMs: () => nowMs });
    const first = await lookup.lookup(inPod);
    assert.ok(first.kind === "failed");
    assert.equal(first.why, "silent");
    assert.match(first.reason, /^look up container aaaaaaaaaaaa: unix:\/\/.*: silent \(no answer within 20 ms\)$/);

    const others = await Promise.all(Array.from({ length: 1000 }, (_, index) => lookup.lookup(podOf(index))));
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
    const lookup = create(context, { cri }, { momentMs: 20, waitMs: 20 });
    assert.equal((await lookup.lookup(inPod)).kind, "failed");
    answer(facts("cri", A));
    await new Promise(setImmediate);
    assert.deepEqual(await lookup.lookup(inPod), found("cri", A));
  });

  it("tells what a list had when the runtime hangs after it", async (context) => {
    const cri = fake({ list: async () => [{ ...facts("cri", A), complete: false }], inspect: () => pending() });
    const lookup = create(context, { cri }, { momentMs: 20, waitMs: 20 });
    await cri.watching;
    assert.deepEqual(await lookup.lookup(inPod), found("cri", A));
  });

  it("finds a runtime whose socket appears later", async (context) => {
    const cri = fake({ inspect: async (id) => facts("cri", id) });
    const socketPath = join(temporary(context), "c.sock");
    const lookup = createContainerLookup({ endpoints: [{ type: "cri", socketPath }], open: async () => cri.runtime });
    context.after(() => lookup.close());
    assert.equal((await lookup.lookup(podOf(1))).kind, "failed");
    writeFileSync(socketPath, "");
    await until(async () => (await lookup.lookup(podOf(1))).kind === "container");
    assert.equal(lookup.runtimes()[0]?.state, "answers");
  });

  it("makes no more than a bounded number of calls when every look-up is for another container", async (context) => {
    const cri = fake({ inspect: () => pending() });
    const lookup = create(context, { cri }, { momentMs: 50, waitMs: 50, retryMs: 2 ** 30 });
    const results = await Promise.all(Array.from({ length: 1000 }, (_, index) => lookup.lookup(podOf(index))));
    assert.ok(results.every((result) => result.kind === "failed"));
    assert.equal(cri.inspected.length, 64);
  });

  it("names all of many containers by a runtime that is slow, one after the other, while few wait", async (context) => {
    let underWay = 0;
    let most = 0;
    const cri = fake({
      inspect: async (id) => {
        underWay += 1;
        most = Math.max(most, underWay);
        for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
        underWay -= 1;
        return facts("cri", id);
      },
    });
    const lookup = create(context, { cri }, { momentMs: PATIENT_MS });
    const results = await Promise.all(Array.from({ length: 200 }, (_, index) => lookup.lookup(podOf(index))));
    assert.ok(results.every((result) => result.kind === "container"));
    assert.equal(most, 64);
  });

  it("drops a connection that all calls hang on, and finds the runtime that answers on the next", async (context) => {
    let connections = 1;
    const cri = fake({
      inspect: (id) => (connections === 1 ? pending() : Promise.resolve(facts("cri", id))),
      reset: () => {
        connections += 1;
      },
    });
    const lookup = create(context, { cri }, { momentMs: 20, retryMs: 20, waitMs: PATIENT_MS });
    assert.equal((await lookup.lookup(podOf(1))).kind, "container");
    assert.ok(connections > 1);
  });

  it("is not disturbed by a runtime that floods events", async (context) => {
    const cri = fake({ inspect: async (id) => facts("cri", id) });
    const lookup = create(context, { cri }, { momentMs: PATIENT_MS });
    const tell = await cri.watching;
    assert.deepEqual(await lookup.lookup(inPod), found("cri", A));
    for (let index = 0; index < 20_000; index++) tell(idOf(index), null);
    assert.deepEqual(await lookup.lookup(inPod), found("cri", A));
    assert.ok(cri.inspected.length <= 1 + 1024 + 2);
  });

  it("never rejects and always ends, whatever the runtime does", async (context) => {
    const behaviours: readonly (() => Promise<ContainerFacts | null>)[] = [
      async () => facts("cri", A),
      async () => null,
      () => pending(),
      () => Promise.reject(new RuntimeError("failed", "broken")),
      () => Promise.reject(new RuntimeError("refused", "refused")),
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
        const lookup = create(context, { cri }, { momentMs: 10, waitMs: 20, retryMs: 10 });
        for (let index = 0; index < 3; index++) {
          const result = await lookup.lookup(podOf(index));
          assert.notEqual(result.kind, "host");
        }
        await lookup.close();
      }),
      { numRuns: 60 },
    );
  });

  it("ends when it is closed with a call under way, and can be closed twice", async (context) => {
    const cri = fake({ inspect: () => pending() });
    const lookup = create(context, { cri }, { waitMs: 2 ** 30, momentMs: PATIENT_MS });
    const waiting = lookup.lookup(inPod);
    await lookup.close();
    await lookup.close();
    assert.equal((await waiting).kind, "failed");
  });

  it("waits no longer than a moment when the agent ends", async (context) => {
    const cri = fake({ inspect: () => pending() });
    const lookup = create(context, { cri }, { momentMs: 20, waitMs: 2 ** 30 });
    const waiting = [lookup.lookup(podOf(1)), lookup.lookup(podOf(2))];
    await until(() => lookup.runtimes()[0]?.state === "silent");
    lookup.hurry();
    waiting.push(lookup.lookup(podOf(3)));
    assert.ok((await Promise.all(waiting)).every(({ kind }) => kind === "failed"));
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

type Options = Partial<SessionTimes> & Pick<ContainerLookupOptions, "waitMs" | "nowMs" | "trustedCgroups" | "onStatus">;

function create(
  context: TestContext,
  runtimes: Partial<Record<RuntimeType, Fake>>,
  { waitMs, nowMs, trustedCgroups, onStatus, ...times }: Options = {},
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
  const lookup = createContainerLookup({
    endpoints,
    open,
    times: { ...DEFAULT_SESSION_TIMES, ...times },
    ...(waitMs === undefined ? {} : { waitMs }),
    ...(nowMs === undefined ? {} : { nowMs }),
    ...(trustedCgroups === undefined ? {} : { trustedCgroups }),
    ...(onStatus === undefined ? {} : { onStatus }),
  });
  context.after(() => lookup.close());
  return lookup;
}

/** Look again and again until it holds; a test that waits in vain is ended by the runner. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
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
