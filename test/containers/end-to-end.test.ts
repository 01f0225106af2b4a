// The whole agent: whose pod it was, when the process is dead before anyone looks.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { basename, join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { rounds } from "@cryptnono/matcher/test/rounds";
import { type Agent, type LogLine, missingAgent, startAgent } from "./lib/agent.js";
import { type Containerd, type Pod, startContainerd } from "./lib/containerd.js";
import { missingFor } from "./lib/daemon.js";
import { type Dockerd, startDockerd } from "./lib/dockerd.js";
import { openScratch, type Scratch } from "./lib/scratch.js";

const skip =
  missingAgent() ||
  missingFor(
    ["containerd", "dockerd", "docker", "runc", "ctr", "busybox", "tar"],
    "containerd runc docker.io busybox-static tar",
  );

/** As long as the documented test string, and no other agent's on this machine: the detector sees all processes here. */
const BANNED = randomBytes(32).toString("hex");
const VICTIM = ["/usr/bin/sh", "-c", `sleep 1 && echo ${BANNED}`];
/** The documented line. Its pod's name is made up. */
const EXAMPLE = {
  cmdline: `/usr/bin/sh -c 'sleep 1 && echo ${BANNED.toLowerCase()}'`,
  matched: BANNED.toLowerCase(),
  source: "execwhacker.bpf",
  container_type: "cri",
  labels: {
    "io.kubernetes.container.name": "notebook",
    "io.kubernetes.pod.name": "jupyter-921a1d97-2d4cb1-2d4eb1-2da427-2dd5eed98e3ab9",
    "io.kubernetes.pod.namespace": "spyglass",
    "io.kubernetes.pod.uid": "d2ed6416-812f-413b-ba53-e62d11646809",
  },
  image: "quay.io/2i2c/hhmi-spyglass-image:67523d9ea855",
  action: "killed",
  event: "Killed process",
  level: "info",
};
const DOCKER_IMAGE = "cryptnono-test/victim:1";
const KILLS = rounds(200);

/** Debian's, unless the variable names another, for example one of version 2. */
const CONTAINERD = process.env["CRYPTNONO_TEST_CONTAINERD"] ?? "containerd";

describe("the agent", { skip, timeout: 900_000 }, () => {
  let scratch: Scratch;
  let containerd: Containerd;
  let dockerd: Dockerd;

  before(async () => {
    scratch = openScratch();
    containerd = await startContainerd(scratch, [EXAMPLE.image], CONTAINERD);
    dockerd = await startDockerd(scratch, [DOCKER_IMAGE], VICTIM);
    writeFileSync(join(scratch.directory, "banned"), BANNED);
    // Reads the string from a file, as whose command line had it would be killed.
    writeFileSync(
      join(scratch.directory, "victims.sh"),
      `b=$(cat "$1"); read go; i=0; while [ $i -lt $2 ]; do /bin/busybox true "$b"; i=$((i+1)); done\n`,
    );
  });
  afterEach(() => containerd.removePods());
  after(() => scratch.end());

  // Of the test's own containers: the agent sees the whole machine.
  const isKill = (line: LogLine) =>
    line["action"] === "killed" && String(line["cgroup"]).startsWith(scratch.cgroupPath);
  const isFailedLookup = (line: LogLine) =>
    line["action"] === "container-lookup-failed" && String(line["cgroupline"]).includes(scratch.cgroupPath);

  function pod(command: readonly string[]): Pod {
    return {
      labels: { ...EXAMPLE.labels, "other.example": "is not shown" },
      image: EXAMPLE.image,
      command,
      cgroupParent: `${scratch.cgroupPath}/kubepods/burstable/pod${EXAMPLE.labels["io.kubernetes.pod.uid"]}`,
    };
  }

  it("logs the documented line for a victim that lives no moment in a pod, whose container is removed at once", async () => {
    const agent = await startAgent(scratch, BANNED, { cri: containerd.socketPath, docker: dockerd.socketPath });
    const victim = await containerd.runPod(pod(VICTIM));
    await victim.removeContainer();
    const [line] = await agent.waitFor("the kill", isKill);
    assert.ok(line !== undefined);
    const { pid, timestamp } = line;
    assert.ok(typeof pid === "number" && pid > 1);
    assert.match(String(timestamp), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    assert.deepEqual(pick(line, Object.keys(EXAMPLE)), EXAMPLE);
    assert.deepEqual(Object.keys(line).slice(0, 11), ["pid", ...Object.keys(EXAMPLE), "timestamp"]);
    assert.equal(line["container_id"], victim.containerId);
    await agent.stop();
    assert.equal(agent.lines.filter(isKill).length, 1);
    assert.equal(agent.lines.filter(isFailedLookup).length, 0);
  });

  it("logs the like for a victim in a Docker container that removes itself", async () => {
    const agent = await startAgent(scratch, BANNED, { cri: containerd.socketPath, docker: dockerd.socketPath });
    const run = dockerd.docker("run", "--rm", "--network=none", "--label=owner=test", DOCKER_IMAGE);
    await assert.rejects(run, (error) => (error as { code?: unknown }).code === 128 + 9);
    const [line] = await agent.waitFor("the kill", isKill);
    assert.ok(line !== undefined);
    assert.deepEqual(pick(line, Object.keys(EXAMPLE)), {
      ...EXAMPLE,
      container_type: "docker",
      labels: { owner: "test" },
      image: DOCKER_IMAGE,
    });
    await agent.stop();
    assert.equal(agent.lines.filter(isFailedLookup).length, 0);
  });

  it("logs no container and no failure for a victim on the host", async () => {
    const agent = await startAgent(scratch, BANNED, { cri: containerd.socketPath, docker: dockerd.socketPath });
    const child = spawn("/bin/true", [BANNED]);
    const [, signal] = await once(child, "exit");
    assert.equal(signal, "SIGKILL");
    const isOfChild = (line: LogLine) => line["pid"] === child.pid;
    const [line] = await agent.waitFor("the kill", isOfChild);
    assert.deepEqual(pick(line ?? {}, ["action", "container_type", "labels", "image"]), { action: "killed" });
    await agent.stop();
    assert.equal(agent.lines.filter(isOfChild).length, 1);
  });

  it("names the pod of a victim that died while no agent was there", async () => {
    const pins = `/sys/fs/bpf/${basename(scratch.directory)}`;
    const endpoints = { cri: containerd.socketPath };
    scratch.defer(() => rmSync(pins, { recursive: true, force: true }));
    await (await startAgent(scratch, BANNED, endpoints, ["--pin-dir", pins])).stop();
    const { containerId } = await containerd.runPod(pod(VICTIM));
    const agent = await startAgent(scratch, BANNED, endpoints, ["--pin-dir", pins]);
    const [line] = await agent.waitFor("the kill", isKill);
    await agent.stop();
    rmSync(pins, { recursive: true });
    assert.equal(line?.["container_id"], containerId);
    assert.deepEqual(line["labels"], EXAMPLE.labels);
  });

  it("names the pod of a victim in the pod's own Docker, and that container under inner, with the chosen variables", async () => {
    const endpoints = { cri: containerd.socketPath, docker: dockerd.socketPath };
    const agent = await startAgent(scratch, BANNED, endpoints, ["--lookup-envs", "REPO_URL,UNSET", "--lookup-envs=IP"]);
    const envs = { REPO_URL: "https://example.org/a?b=c", IP: "10.0.0.1", SECRET: "is not shown" };
    const running = await containerd.runPod({ ...pod(["/bin/busybox", "sleep", "86400"]), envs, privileged: true });
    const [, podCgroup] = /^0::(.*)$/m.exec(readFileSync(`/proc/${await running.pid()}/cgroup`, "utf8")) ?? [];
    const words = ["--label=repo=x", "--env=REPO_URL=inner", `--cgroup-parent=${podCgroup}/docker`];
    const run = dockerd.docker("run", "--rm", "--network=none", ...words, DOCKER_IMAGE);
    await assert.rejects(run, (error) => (error as { code?: unknown }).code === 128 + 9);
    const [line] = await agent.waitFor("the kill", isKill);
    await agent.stop();
    assert.ok(line !== undefined);
    assert.deepEqual(pick(line, ["container_type", "labels", "image", "container_id", "envs"]), {
      ...pick(EXAMPLE, ["container_type", "labels", "image"]),
      container_id: running.containerId,
      envs: { REPO_URL: envs.REPO_URL, IP: envs.IP },
    });
    const { container_id: innerId, image_digest: digest, ...inner } = line["inner"] as Record<string, unknown>;
    assert.match(String(innerId), /^[0-9a-f]{64}$/);
    assert.match(String(digest), /^sha256:/);
    assert.deepEqual(inner, {
      container_type: "docker",
      labels: { repo: "x" },
      image: DOCKER_IMAGE,
      envs: { REPO_URL: "inner" },
    });
    assert.ok(!JSON.stringify(agent.lines).includes(envs.SECRET));
  });

  it("never names a pod that a victim's cgroup is only called after", async () => {
    const agent = await startAgent(scratch, BANNED, { cri: containerd.socketPath, docker: dockerd.socketPath });
    const { containerId } = await containerd.runPod(pod(["/bin/busybox", "sleep", "86400"]));
    const other = await dockerd.docker(
      "run",
      "--detach",
      "--network=none",
      DOCKER_IMAGE,
      "/bin/busybox",
      "sleep",
      "86400",
    );
    const foreign = [
      "machine.slice/libpod-ID.scope/container",
      "lxc.payload.web",
      "user.slice/user-1000.slice/user@1000.service",
      "jupyter-alice.service",
      "handed/to/alice",
    ].map((path) => `${scratch.cgroupPath}/${path.replace("ID", "0c".repeat(32))}`);
    const made = [
      `cri-containerd-${containerId}.scope`,
      `kubepods/burstable/pod${EXAMPLE.labels["io.kubernetes.pod.uid"]}/${containerId}`,
    ];
    for (const outer of foreign) for (const below of made) await victimsIn(() => `${outer}/${below}`, "self", 1);
    // A Docker container of the node's own that calls its children as the pod's.
    for (const below of made)
      await victims(Number(await dockerd.docker("inspect", "--format={{.State.Pid}}", other)), 1, `/${below}`);
    const count = (foreign.length + 1) * made.length;
    const kills = await agent.waitFor("the kills", isKill, count);
    await agent.stop();
    assert.equal(kills.length, count);
    const named = kills.filter((line) => line["container_type"] !== undefined);
    assert.deepEqual(
      named.map((line) => line["container_id"]),
      made.map(() => other),
    );
    for (const line of kills) {
      assert.ok(!JSON.stringify(line).includes(EXAMPLE.labels["io.kubernetes.pod.name"]), JSON.stringify(line));
      assert.deepEqual(line["inner"], { container_id: containerId });
    }
    assert.equal(agent.lines.filter(isFailedLookup).length, foreign.length * made.length);
  });

  it("names a victim's own pod, however deep it has nested its cgroup and whatever the names are", async () => {
    const agent = await startAgent(scratch, BANNED, { cri: containerd.socketPath, docker: dockerd.socketPath });
    const running = await containerd.runPod(pod(["/bin/busybox", "sleep", "86400"]));
    const pid = await running.pid();
    const inner = `/docker/${"cd".repeat(32)}`;
    const nestings = ["/a", "/a".repeat(30), "/a".repeat(200), `/${"a".repeat(200)}`.repeat(15)];
    for (const nesting of nestings) await victims(pid, 1, nesting + inner);
    const kills = await agent.waitFor("the kills", isKill, nestings.length);
    assert.deepEqual(new Set(kills.map((line) => line["container_id"])), new Set([running.containerId]));
    await agent.stop();
  });

  it(`names the pod in ${KILLS} lines for ${KILLS} kills while the runtime answers`, async (context) => {
    const agent = await startAgent(scratch, BANNED, { cri: containerd.socketPath });
    const running = await containerd.runPod(pod(["/bin/busybox", "sleep", "86400"]));
    context.diagnostic(await figures("healthy", agent, await manyVictims(await running.pid())));
    const kills = agent.lines.filter(isKill);
    assert.ok(kills.every((line) => line["container_id"] === running.containerId && line["image"] === EXAMPLE.image));
    await agent.stop();
    assert.equal(agent.lines.filter(isKill).length, KILLS);
    assert.equal(agent.lines.filter(isFailedLookup).length, 0);
  });

  it("names the pod as well while the runtime is restarted", async (context) => {
    const agent = await startAgent(scratch, BANNED, { cri: containerd.socketPath });
    const running = await containerd.runPod(pod(["/bin/busybox", "sleep", "86400"]));
    const pid = await running.pid();
    const [tookMs] = await Promise.all([manyVictims(pid), containerd.stop().then(() => containerd.start())]);
    context.diagnostic(await figures("restarted", agent, tookMs));
    assert.ok(agent.lines.filter(isKill).every((line) => line["container_id"] === running.containerId));
    await agent.stop();
    assert.equal(agent.lines.filter(isKill).length, KILLS);
  });

  for (const state of ["hung", "stopped"] as const) {
    it(`loses and delays no kill while the runtime is ${state}`, async (context) => {
      const running = await containerd.runPod(pod(["/bin/busybox", "sleep", "86400"]));
      const pid = await running.pid();
      const socketPath = join(scratch.directory, `${state}.sock`);
      const sockets = new Set<Socket>();
      const silent = createServer((socket) => void sockets.add(socket.on("error", () => {})));
      await new Promise<void>((resolve) => silent.listen(socketPath, resolve));
      if (state === "stopped") rmSync(socketPath);
      try {
        const agent = await startAgent(scratch, BANNED, { cri: socketPath }, ["--lookup-wait", "2"]);
        const tookMs = await manyVictims(pid);
        context.diagnostic(await figures(state, agent, tookMs));
        await agent.stop();
        const kills = agent.lines.filter(isKill);
        const failures = agent.lines.filter(isFailedLookup);
        assert.equal(kills.length, KILLS);
        assert.equal(failures.length, KILLS);
        assert.equal(new Set(kills.map((line) => line["pid"])).size, KILLS);
        assert.ok(failures.every((line) => String(line["cgroupline"]).endsWith(running.containerId)));
        // Execs that each waited for a look-up's moment would take a second each.
        assert.ok(tookMs < KILLS * 250, `${tookMs} ms`);
      } finally {
        for (const socket of sockets) socket.destroy();
        silent.close();
      }
    });
  }

  /**
   * Run victims one after the other in the container of `pid`; milliseconds until the last is dead. Each is a fork, an exec,
   * a kill and a wait, so that a verdict that waits for anything shows.
   */
  function manyVictims(pid: number): Promise<number> {
    return victims(pid, KILLS, "");
  }

  /** @param below - Path of a cgroup below the container's, made for them. */
  function victims(pid: number, count: number, below: string): Promise<number> {
    return victimsIn((path) => `${path}${below}`, pid, count);
  }

  /** @param place - Where they are in a hierarchy in which the process `pid` is at `path`. */
  async function victimsIn(place: (path: string) => string, pid: number | "self", count: number): Promise<number> {
    const script = join(scratch.directory, "victims.sh");
    const shell = spawn("busybox", ["sh", script, join(scratch.directory, "banned"), String(count)], {
      stdio: ["pipe", "ignore", "ignore"],
    });
    moveToCgroup(place, pid, shell.pid ?? 0);
    const startMs = performance.now();
    shell.stdin.end("go\n");
    await once(shell, "exit");
    return performance.now() - startMs;
  }

  /** Waits for the last kill's line. `latency_us` is from the exec hook's entry to the signal. */
  async function figures(state: string, agent: Agent, tookMs: number): Promise<string> {
    const kills = await agent.waitFor("all kills", isKill, KILLS);
    const latencies = kills.map((line) => Number(line["latency_us"])).sort((a, b) => a - b);
    const at = (part: number) => `${latencies[Math.ceil(part * latencies.length) - 1]?.toFixed(1)} µs`;
    return `${state}: exec to signal p50 ${at(0.5)}, p99 ${at(0.99)}; fork to death ${((tookMs / KILLS) * 1000).toFixed(0)} µs each`;
  }
});

/** In every hierarchy that is mounted. */
function moveToCgroup(place: (path: string) => string, pid: number | "self", moved: number): void {
  const mounts = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" "));
  for (const line of readFileSync(`/proc/${pid}/cgroup`, "utf8").trimEnd().split("\n")) {
    const [, controllers = "", path = ""] = line.split(":");
    const mount = mounts.find(
      ([, , type, options = ""]) =>
        (controllers === "" && type === "cgroup2") ||
        (type === "cgroup" && options.split(",").includes(controllers.split(",")[0] ?? "")),
    );
    if (mount === undefined) continue;
    const directory = `${mount[1]}${place(path)}`;
    mkdirSync(directory, { recursive: true });
    // A cpuset without processors takes no process.
    if (place(path) !== path && controllers.includes("cpuset")) continue;
    writeFileSync(`${directory}/cgroup.procs`, String(moved));
  }
}

function pick(line: LogLine, keys: readonly string[]): LogLine {
  return Object.fromEntries(keys.filter((key) => key in line).map((key) => [key, line[key]]));
}
