// Whose container a process is in, asked of real runtimes.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { openCri } from "@cryptnono/agent/containers/cri";
import { openDocker } from "@cryptnono/agent/containers/docker";
import { createContainerLookup } from "@cryptnono/agent/containers/lookup";
import type { Runtime } from "@cryptnono/agent/containers/runtime";
import type { CgroupIdentity, ContainerLookup, ContainerResult } from "@cryptnono/agent/types";
import { rounds } from "@cryptnono/matcher/test/rounds";
import { type Containerd, type RunningPod, startContainerd } from "./lib/containerd.js";
import { missingFor } from "./lib/daemon.js";
import { type Dockerd, startDockerd } from "./lib/dockerd.js";
import { BUSYBOX_IMAGE, notebookPod, podLabels } from "./lib/pods.js";
import { openScratch, type Scratch, until } from "./lib/scratch.js";
import { fromKernel, fromProc } from "./lib/victim.js";

/** Debian's, and one more where the variable names it, for example a containerd of version 2. */
const containerds = ["containerd", process.env["CRYPTNONO_TEST_CONTAINERD"]].filter((binary) => binary !== undefined);

for (const binary of containerds) {
  const skip = missingFor([binary, "runc", "ctr", "busybox", "tar"], "containerd runc busybox-static tar");
  describe(`a process in a CRI container of ${binary}`, { skip, timeout: 900_000 }, () => {
    let scratch: Scratch;
    let containerd: Containerd;
    let lookup: ContainerLookup;
    let pod: RunningPod;

    before(async () => {
      scratch = openScratch();
      containerd = await startContainerd(scratch, [BUSYBOX_IMAGE], binary);
      lookup = follow(scratch, "cri", containerd.socketPath);
      pod = await containerd.runPod(notebookPod(scratch));
    });
    after(() => scratch.end());

    it("is named by its pod's four labels and its image's tag, from /proc and from the kernel's names", async () => {
      const pid = await pod.pid();
      for (const cgroup of [fromProc(pid), fromKernel(pid)]) {
        const result = await lookup.lookup(cgroup);
        assert.ok(result.kind === "container");
        const { imageDigest, ...rest } = result;
        assert.deepEqual(rest, {
          kind: "container",
          type: "cri",
          id: pod.containerId,
          labels: podLabels,
          image: BUSYBOX_IMAGE,
        });
        assert.match(imageDigest ?? "", /^sha256:[0-9a-f]{64}$/);
      }
    });

    it("is named by the words of the pod where the runtime keeps them", async () => {
      const written = "cryptnono-test/busybox";
      const other = await containerd.runPod({
        ...notebookPod(scratch),
        labels: { ...podLabels, "io.kubernetes.pod.name": "other" },
        writtenImage: written,
      });
      const result = await lookup.lookup(fromProc(await other.pid()));
      await other.remove();
      assert.ok(result.kind === "container");
      // The field user_specified_image came with the CRI of Kubernetes 1.28, which containerd 1.6 does not have.
      assert.ok([written, BUSYBOX_IMAGE].includes(result.image), result.image);
    });

    it("is the pod's though it runs in a Docker in the pod", async () => {
      const cgroup = fromKernel(await pod.pid());
      assert.ok(cgroup.source === "kernel");
      const inner = `${cgroup.paths[0]}/docker/${"0b".repeat(32)}`;
      const nested = await inCgroup(inner, fromProc);
      assert.ok(nested.source === "proc" && nested.lines.includes("/docker/0b0b"));
      const result = await lookup.lookup(nested);
      assert.ok(result.kind === "container");
      assert.equal(result.id, pod.containerId);
      assert.deepEqual(result.inner, { id: "0b".repeat(32) });
    });

    it("is told with the chosen variables of the container's specification, not those that the process has", async () => {
      const chosen = follow(scratch, "cri", containerd.socketPath, ["REPO_URL", "PATH", "SPOOFED"]);
      const other = await containerd.runPod({
        ...notebookPod(scratch, ["/bin/busybox", "env", "SPOOFED=x", "REPO_URL=y", "/bin/busybox", "sleep", "86400"]),
        labels: { ...podLabels, "io.kubernetes.pod.name": "envs" },
        envs: { REPO_URL: "https://example.org/a?b=c", SECRET: "not chosen" },
      });
      const pid = await other.pid();
      // Its own environment says otherwise by now.
      await until("the process's own environment", () =>
        readFileSync(`/proc/${pid}/environ`, "latin1").includes("SPOOFED=x") ? true : null,
      );
      const result = await chosen.lookup(fromProc(pid));
      await other.remove();
      assert.ok(result.kind === "container");
      // PATH is the image's.
      assert.deepEqual(result.envs, { REPO_URL: "https://example.org/a?b=c", PATH: "/bin" });
    });

    it("is named though its container is gone before anyone asks", async () => {
      const name = "gone";
      const shortLived = { ...notebookPod(scratch), labels: { ...podLabels, "io.kubernetes.pod.name": name } };
      const gone = await containerd.runPod(shortLived);
      const cgroup = fromProc(await gone.pid());
      await gone.removeContainer();
      const result = await lookup.lookup(cgroup);
      await gone.remove();
      assert.ok(result.kind === "container", JSON.stringify(result));
      assert.equal(result.labels["io.kubernetes.pod.name"], name);
      assert.equal(result.image, BUSYBOX_IMAGE);
    });

    it("is looked up in a time that is printed", async (context) => {
      const open = () => openCri(containerd.socketPath);
      for (const line of await measure(
        fromProc(await pod.pid()),
        pod.containerId,
        "cri",
        containerd.socketPath,
        open,
      )) {
        context.diagnostic(line);
      }
    });
  });
}

const skipDocker = missingFor(
  ["dockerd", "docker", "containerd", "runc", "busybox", "tar"],
  "docker.io containerd runc busybox-static tar",
);
describe("a process in a Docker container", { skip: skipDocker, timeout: 900_000 }, () => {
  const image = "cryptnono-test/busybox:1";
  let scratch: Scratch;
  let dockerd: Dockerd;
  let lookup: ContainerLookup;
  let id: string;
  let pid: number;

  before(async () => {
    scratch = openScratch();
    dockerd = await startDockerd(scratch, [image]);
    lookup = follow(scratch, "docker", dockerd.socketPath);
    id = await dockerd.docker("run", "--detach", "--network=none", "--label=owner=test", "--label=image=mine", image);
    pid = Number(await dockerd.docker("inspect", "--format={{.State.Pid}}", id));
  });
  after(() => scratch.end());

  it("is named by the container's own labels and the image's reference, from /proc and from the kernel's names", async () => {
    for (const cgroup of [fromProc(pid), fromKernel(pid)]) {
      const result = await lookup.lookup(cgroup);
      assert.ok(result.kind === "container");
      const { imageDigest, ...rest } = result;
      assert.deepEqual(rest, {
        kind: "container",
        type: "docker",
        id,
        labels: { owner: "test", image: "mine" },
        image,
      });
      assert.match(imageDigest ?? "", /^sha256:[0-9a-f]{64}$/);
    }
  });

  it("is told with the chosen variables of the container's config", async () => {
    const chosen = follow(scratch, "docker", dockerd.socketPath, ["REPO_URL", "UNSET"]);
    const other = await dockerd.docker(
      "run",
      "--detach",
      "--network=none",
      "--env=REPO_URL=a=b",
      "--env=SECRET=x",
      image,
    );
    const result = await chosen.lookup({ source: "kernel", paths: [`${scratch.cgroupPath}/docker/${other}`] });
    assert.ok(result.kind === "container");
    assert.deepEqual(result.envs, { REPO_URL: "a=b" });
  });

  it("is named by the image's tag when the container was made from an id", async () => {
    const imageId = await dockerd.docker("inspect", "--format={{.Image}}", id);
    const other = await dockerd.docker("run", "--detach", "--network=none", imageId.slice("sha256:".length, 20));
    const otherPid = Number(await dockerd.docker("inspect", "--format={{.State.Pid}}", other));
    const result = await lookup.lookup(fromProc(otherPid));
    assert.ok(result.kind === "container");
    assert.equal(result.image, image);
  });

  it("is named though its container removes itself before anyone asks", async () => {
    const cgroupOf = (container: string) => ({
      source: "kernel" as const,
      paths: [`${scratch.cgroupPath}/docker/${container}`],
    });
    const idFile = `${scratch.directory}/cidfile`;
    await dockerd.docker(
      "run",
      "--rm",
      "--network=none",
      "--label=owner=gone",
      `--cidfile=${idFile}`,
      image,
      "/bin/busybox",
      "true",
    );
    const gone = readFileSync(idFile, "utf8");
    assert.ok(!(await dockerd.docker("ps", "--all", "--quiet", "--no-trunc")).includes(gone));
    const result = await lookup.lookup(cgroupOf(gone));
    assert.ok(result.kind === "container", JSON.stringify(result));
    assert.deepEqual([result.labels, result.image], [{ owner: "gone" }, image]);
  });

  it("is looked up in a time that is printed", async (context) => {
    const open = () => openDocker(dockerd.socketPath);
    for (const line of await measure(fromProc(pid), id, "docker", dockerd.socketPath, open)) context.diagnostic(line);
  });
});

it("a process of the host has no container", async () => {
  const lookup = createContainerLookup({ endpoints: [] });
  assert.deepEqual(await lookup.lookup({ source: "proc", lines: "0::/\n" }), { kind: "host" });
  await lookup.close();
});

function follow(
  scratch: Scratch,
  type: "cri" | "docker",
  socketPath: string,
  envs: readonly string[] = [],
): ContainerLookup {
  const lookup = createContainerLookup({ endpoints: [{ type, socketPath }], envs, waitMs: 30_000 });
  scratch.defer(() => lookup.close());
  return lookup;
}

/** Run `look` on a process that is in the cgroup of the v2 hierarchy, which is made and removed for it. */
async function inCgroup<T>(path: string, look: (pid: number) => T): Promise<T> {
  const unified = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" "))
    .find(([, , type]) => type === "cgroup2")?.[1];
  assert.ok(unified !== undefined, "needs the v2 hierarchy mounted");
  mkdirSync(unified + path, { recursive: true });
  const child = spawn("sleep", ["60"]);
  try {
    writeFileSync(`${unified}${path}/cgroup.procs`, String(child.pid));
    return look(child.pid ?? 0);
  } finally {
    child.kill("SIGKILL");
    await until("the child's end", () => (child.signalCode === null ? null : true));
  }
}

/** Sentences with the 50th and 99th percentile of a hit, a miss on an open connection, and a miss that connects first. */
async function measure(
  cgroup: CgroupIdentity,
  id: string,
  type: "cri" | "docker",
  socketPath: string,
  open: () => Runtime,
): Promise<readonly string[]> {
  const lookup = createContainerLookup({ endpoints: [{ type, socketPath }] });
  await found(lookup.lookup(cgroup));
  const warm = await times(rounds(500), () => found(lookup.lookup(cgroup)));
  await lookup.close();
  const runtime = open();
  await runtime.inspect(id, 5000);
  const miss = await times(rounds(20), () => runtime.inspect(id, 5000));
  runtime.close();
  const cold = await times(rounds(5), async () => {
    const fresh = createContainerLookup({ endpoints: [{ type, socketPath }] });
    await found(fresh.lookup(cgroup));
    return () => fresh.close();
  });
  return [`known container: ${warm}`, `unknown container: ${miss}`, `unknown container and no connection: ${cold}`];
}

async function found(result: Promise<ContainerResult>): Promise<void> {
  assert.equal((await result).kind, "container");
}

async function times(count: number, act: () => Promise<unknown>): Promise<string> {
  const tookMs: number[] = [];
  for (let index = 0; index < count; index++) {
    const startMs = performance.now();
    const undo = await act();
    tookMs.push(performance.now() - startMs);
    if (typeof undo === "function") await undo();
  }
  tookMs.sort((a, b) => a - b);
  const percentile = (part: number) => `${(tookMs[Math.ceil(part * count) - 1] ?? 0).toFixed(3)} ms`;
  return `p50 ${percentile(0.5)}, p99 ${percentile(0.99)} of ${count}`;
}
