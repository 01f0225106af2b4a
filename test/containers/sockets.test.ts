// Each way a runtime's socket cannot be used is told by its name: in the log at start, in a line's reason, in the metrics and
// in readiness, which it does not change.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer as createHttp } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { freePort } from "../lib/agent.js";
import { missingAgent } from "./lib/agent.js";
import { findProgram, missingFor } from "./lib/daemon.js";
import { openScratch, type Scratch, until } from "./lib/scratch.js";

const skip = missingAgent() || missingFor(["setpriv", "busybox"], "util-linux busybox-static");
const PROGRAM = fileURLToPath(new URL("../../../bin/cryptnono", import.meta.url));
const BANNED = randomBytes(16).toString("hex");
const ID = "0d".repeat(32);

type Line = Readonly<Record<string, unknown>>;

describe("a runtime's socket that cannot be used", { skip, timeout: 900_000 }, () => {
  let scratch: Scratch;
  let config: string;

  before(() => {
    scratch = openScratch();
    config = join(scratch.directory, "config.json");
    writeFileSync(config, JSON.stringify({ bannedCommandStrings: [BANNED] }));
    writeFileSync(join(scratch.directory, "banned"), BANNED);
  });
  after(() => scratch.end());

  const ways: readonly (readonly [state: string, make: (path: string) => Promise<void> | void, words: RegExp])[] = [
    ["absent", () => {}, /: absent \(stat ENOENT\)$/],
    [
      "not-permitted",
      (path) => {
        // As a containerd shim makes /run/containerd, for one who is root without the capability to pass by modes.
        mkdirSync(join(path, ".."), { mode: 0o600 });
      },
      /: not permitted \(stat EACCES\)$/,
    ],
    ["refused", (path) => writeFileSync(path, ""), /: refused \(connect ECONNREFUSED\)$/],
    ["silent", (path) => listen(path, "silent"), /: silent \(no answer within \d+ ms\)$/],
    ["not-a-runtime", (path) => listen(path, "http"), /: not a CRI \(not gRPC\)$/],
  ];
  for (const [state, make, words] of ways) {
    it(`is told to be ${state}`, async () => {
      const socketPath = join(scratch.directory, state === "not-permitted" ? "closed/c.sock" : `${state}.sock`);
      await make(socketPath);
      const [metrics, health] = [await freePort(), await freePort()];
      const agent = start(socketPath, metrics, health);
      try {
        const [notice] = await agent.waitFor(({ event }) => event === "Container runtimes");
        const [cri] = notice!["runtimes"] as readonly string[];
        assert.match(cri!, words);
        assert.ok(cri!.startsWith(`unix://${socketPath}: `));
        assert.equal(notice!["level"], "warning");

        await kill();
        const [failed] = await agent.waitFor(({ action }) => action === "container-lookup-failed");
        assert.match(String(failed!["event"]), new RegExp(`^look up container 0d0d0d0d0d0d: unix://.*${words.source}`));
        await agent.waitFor(({ action }) => action === "killed");

        const exposed = await text(metrics, "/metrics");
        assert.match(exposed, new RegExp(`_container_runtimes\\{type="cri",state="${state}"\\} 1\n`));
        assert.match(exposed, new RegExp(`_container_lookup_failures_total\\{reason="${state}"\\} 1\n`));
        const ready = await until("readiness", async () => {
          const response = await fetch(`http://127.0.0.1:${health}/readyz`);
          return response.status === 200 ? await response.text() : null;
        });
        assert.match(
          ready,
          new RegExp(`^attached and matching; ${words.source.slice(0, -1).replace(/^: /, ".*: ")}; `),
        );
      } finally {
        await agent.stop();
      }
    });
  }

  async function listen(path: string, what: "silent" | "http"): Promise<void> {
    const sockets = new Set<{ destroy(): void }>();
    const server = what === "http" ? createHttp((_request, response) => response.end("[]")) : createServer();
    server.on("connection", (socket) => sockets.add(socket.on("error", () => {})));
    await new Promise<void>((resolve) => server.listen(path, resolve));
    scratch.defer(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
  }

  /** A process in a pod's cgroup, killed at its exec. */
  async function kill(): Promise<void> {
    const unified = readFileSync("/proc/self/mounts", "utf8").match(/^\S+ (\S+) cgroup2 /m)?.[1];
    assert.ok(unified !== undefined, "needs the v2 hierarchy mounted");
    const directory = `${unified}${scratch.cgroupPath}/kubepods/pod0f1e2d3c4b5a69788796a5b4c3d2e1f0/${ID}`;
    mkdirSync(directory, { recursive: true });
    const script = 'read go; exec busybox true "$(cat "$0")"';
    const child = spawn("busybox", ["sh", "-c", script, join(scratch.directory, "banned")], {
      stdio: ["pipe", "ignore", "ignore"],
    });
    writeFileSync(`${directory}/cgroup.procs`, String(child.pid));
    child.stdin!.end("go\n");
    const [, signal] = await once(child, "exit");
    assert.equal(signal, "SIGKILL");
  }

  function start(socketPath: string, metrics: number, health: number) {
    // Without what lets root pass by a file's mode, as in the chart.
    const flags = ["--bounding-set", "-dac_override,-dac_read_search", "--inh-caps", "-dac_override,-dac_read_search"];
    const args = ["--config", config, "--scan-existing", "0", "--scope-pid", String(process.pid)];
    const more = ["--lookup-container", "--lookup-wait", "2", "--serve-metrics-port", String(metrics)];
    const command = [PROGRAM, "execwhacker", ...args, ...more, "--health-port", String(health)];
    const child: ChildProcess = spawn(findProgram("setpriv")!, [...flags, ...command], {
      stdio: ["ignore", "pipe", "inherit"],
      env: {
        ...process.env,
        CONTAINER_RUNTIME_ENDPOINT: `unix://${socketPath}`,
        DOCKER_HOST: `unix://${join(scratch.directory, "no-docker.sock")}`,
      },
    });
    const lines: Line[] = [];
    createInterface(child.stdout!).on("line", (line) => lines.push(JSON.parse(line)));
    const stop = async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const closed = once(child, "close");
      child.kill("SIGTERM");
      await closed;
    };
    scratch.defer(stop);
    return {
      stop,
      waitFor: (fits: (line: Line) => boolean) =>
        until(
          "a line of the agent",
          () => {
            const fitting = lines.filter(fits);
            return fitting.length > 0 ? fitting : null;
          },
          120_000,
        ),
    };
  }
});

async function text(port: number, path: string): Promise<string> {
  return (await fetch(`http://127.0.0.1:${port}${path}`)).text();
}
