// A dockerd with its own containerd, data, state and socket, and the docker client's calls to it.
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Daemon, startDaemon } from "./daemon.js";
import { makeBusyboxArchive } from "./image.js";
import { openShimDirectory, type Scratch, until } from "./scratch.js";

export interface Dockerd {
  readonly socketPath: string;
  readonly daemon: Daemon;
  /** Stop, which ends its containers, then start with the same root, state and socket. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** `docker ARGS`; what it prints, without the last line break. */
  docker(...args: string[]): Promise<string>;
}

/** @param command - What the images run unless told otherwise. */
export async function startDockerd(
  scratch: Scratch,
  images: readonly string[],
  command: readonly string[] = ["/bin/busybox", "sleep", "86400"],
): Promise<Dockerd> {
  openShimDirectory(scratch);
  const directory = join(scratch.directory, "d");
  mkdirSync(directory);
  const socketPath = join(directory, "d.sock");
  // Unless told of one, dockerd takes the containerd that serves the usual socket, which may be another's.
  const containerdSocket = join(directory, "c.sock");
  const containerdConfig = join(directory, "containerd.toml");
  writeFileSync(
    containerdConfig,
    `version = 2
root = "${directory}/containerd"
state = "${directory}/containerd-state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "${containerdSocket}"
[ttrpc]
  address = "${containerdSocket}.ttrpc"
`,
  );
  const containerd = startDaemon("containerd", ["--config", containerdConfig], join(directory, "containerd.log"));
  scratch.defer(() => containerd.stop());
  await until("containerd for dockerd", () => (existsSync(containerdSocket) ? true : null));

  const args = [
    `--host=unix://${socketPath}`,
    `--data-root=${directory}/data`,
    `--exec-root=${directory}/exec`,
    `--pidfile=${directory}/pid`,
    `--containerd=${containerdSocket}`,
    // As Docker's own default, but below the test's cgroup.
    `--cgroup-parent=${scratch.cgroupPath}/docker`,
    "--iptables=false",
    "--ip6tables=false",
    "--bridge=none",
    "--exec-opt=native.cgroupdriver=cgroupfs",
  ];
  const begin = () => startDaemon("dockerd", args, join(directory, "log"));
  let daemon = begin();
  scratch.defer(() => daemon.stop());
  // Not execFileSync: what is tested runs in this process too and must go on meanwhile.
  const docker = async (...words: string[]): Promise<string> =>
    (await promisify(execFile)("docker", ["--host", `unix://${socketPath}`, ...words])).stdout.trimEnd();
  const ready = () =>
    until(`dockerd at ${socketPath}`, () => docker("version").catch(() => null)).catch((error) => {
      throw new Error(`${error.message}\n${daemon.log()}`);
    });
  await ready();
  scratch.defer(async () => {
    const all = (await docker("ps", "--all", "--quiet", "--no-trunc")).split("\n").filter((id) => id !== "");
    if (all.length > 0) await docker("rm", "--force", ...all);
  });
  for (const name of images) {
    await docker("load", "--input", makeBusyboxArchive(directory, name, command));
  }
  return {
    socketPath,
    get daemon() {
      return daemon;
    },
    docker,
    stop: () => daemon.stop(),
    async start() {
      daemon = begin();
      await ready();
    },
  };
}
