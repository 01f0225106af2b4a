// A containerd with its CRI plugin, its root, state and socket the test's own, and the kubelet's calls to it.

import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { openCri } from "@cryptnono/agent/containers/cri";
import { messageField, readFields, stringField, text, varintField } from "@cryptnono/agent/containers/protobuf";
import { Client, credentials } from "@grpc/grpc-js";
import { type Daemon, startDaemon } from "./daemon.js";
import { makeBusyboxArchive } from "./image.js";
import { openShimDirectory, type Scratch, until } from "./scratch.js";

export interface Containerd {
  readonly socketPath: string;
  readonly daemon: Daemon;
  /** Stop, then start with the same root, state and socket. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** What a kubelet does for a pod of one container. */
  runPod(pod: Pod): Promise<RunningPod>;
  /** Remove those that run. */
  removePods(): Promise<void>;
}

export interface Pod {
  readonly labels: Readonly<Record<string, string>>;
  /** What the pod's author wrote; given as `user_specified_image`, as the kubelet does since 1.28. */
  readonly writtenImage?: string;
  readonly image: string;
  readonly command: readonly string[];
  readonly envs?: Readonly<Record<string, string>>;
  /** As a pod that has Docker in it. */
  readonly privileged?: boolean;
  /** Below the kubelet's `kubepods`; runtimes with the cgroupfs driver put the container's id under it. */
  readonly cgroupParent: string;
}

export interface RunningPod {
  readonly sandboxId: string;
  readonly containerId: string;
  /** Of the container's first process, in the test's pid namespace. */
  pid(): Promise<number>;
  /** Kill and remove the container at once; the sandbox stays. */
  removeContainer(): Promise<void>;
  remove(): Promise<void>;
}

export const PAUSE_IMAGE = "localhost/cryptnono-test/pause:1";

export async function startContainerd(
  scratch: Scratch,
  images: readonly string[],
  binary = "containerd",
): Promise<Containerd> {
  openShimDirectory(scratch);
  const { directory } = scratch;
  const socketPath = join(directory, "c.sock");
  const configPath = join(directory, "containerd.toml");
  writeFileSync(configPath, config(directory, socketPath));
  mkdirSync(join(directory, "cni"), { recursive: true });
  const log = join(directory, "containerd.log");
  // A containerd built elsewhere has its shim beside it.
  const env = { ...process.env, PATH: `${dirname(binary)}:${process.env["PATH"]}` };
  const begin = () => startDaemon(binary, ["--config", configPath], log, env);
  let daemon = begin();
  scratch.defer(() => daemon.stop());
  const cri = openCri(socketPath);
  scratch.defer(() => cri.close());
  // The socket is there before the CRI plugin has read its state.
  const ready = () =>
    until(`containerd at ${socketPath}`, () => cri.list(1000).catch(() => null)).catch((error) => {
      throw new Error(`${error.message}\n${daemon.log()}`);
    });

  // Not execFileSync: what is tested runs in this process too and must go on meanwhile.
  async function ctr(...args: string[]): Promise<string> {
    const all = ["-a", socketPath, "-n", "k8s.io", "--connect-timeout", "10s", ...args];
    return (await promisify(execFile)("ctr", all, { env })).stdout;
  }

  await ready();
  for (const name of [PAUSE_IMAGE, ...images]) {
    await ctr("images", "import", makeBusyboxArchive(directory, name, ["/bin/busybox", "sleep", "86400"]));
  }

  const pods = new Set<RunningPod>();
  // Runs before the daemon's own stop, as the last deferred.
  const removePods = async () => {
    for (const pod of [...pods]) await pod.remove();
  };
  scratch.defer(removePods);

  return {
    socketPath,
    get daemon() {
      return daemon;
    },
    removePods,
    stop: () => daemon.stop(),
    async start() {
      daemon = begin();
      await ready();
    },
    async runPod(pod) {
      const running = await runPod(socketPath, directory, pod, async (id) => {
        const line = (await ctr("tasks", "ls")).split("\n").find((candidate) => candidate.startsWith(id));
        return Number(line?.trim().split(/\s+/)[1]);
      });
      const remove = running.remove;
      const tracked = {
        ...running,
        async remove() {
          pods.delete(tracked);
          await remove();
        },
      };
      pods.add(tracked);
      return tracked;
    },
  };
}

/** For containerd 1.x; 2.x reads it and takes it to its own version. */
function config(directory: string, socketPath: string): string {
  return `version = 2
root = "${directory}/root"
state = "${directory}/state"
[grpc]
  address = "${socketPath}"
[ttrpc]
  address = "${socketPath}.ttrpc"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE_IMAGE}"
  tolerate_missing_hugetlb_controller = true
  # Without CAP_SYS_RESOURCE a score cannot be lowered, and runc stops at it.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${directory}/cni"
    conf_dir = "${directory}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
[plugins."io.containerd.internal.v1.opt"]
  path = "${directory}/opt"
`;
}

/** A bound for what hangs: on a busy machine a pod takes half a minute. */
const CALL_MS = 180_000;

type Call = (method: string, request: Buffer) => Promise<Buffer>;

/** Field numbers as in runtime.v1's api.proto, beside each the name there. */
async function runPod(
  socketPath: string,
  directory: string,
  pod: Pod,
  findPid: (id: string) => Promise<number>,
): Promise<RunningPod> {
  const client = new Client(`unix:${socketPath}`, credentials.createInsecure());
  const call: Call = (method, request) =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        `/runtime.v1.RuntimeService/${method}`,
        (bytes: Buffer) => bytes,
        (bytes: Buffer) => bytes,
        request,
        { deadline: Date.now() + CALL_MS },
        (error, value) =>
          error === null ? resolve(value ?? Buffer.alloc(0)) : reject(new Error(`${method}: ${error.details}`)),
      );
    });
  const label = (field: number) =>
    Object.entries(pod.labels).map(([key, value]) => messageField(field, stringField(1, key), stringField(2, value)));

  const privileged = pod.privileged === true ? 1 : 0;
  // NamespaceMode.NODE: no network of its own, so no CNI plugin is needed.
  const namespaces = messageField(1, varintField(1, 2) /* network */);
  const sandboxConfig = [
    messageField(
      1, // metadata
      stringField(1, pod.labels["io.kubernetes.pod.name"] ?? ""),
      stringField(2, pod.labels["io.kubernetes.pod.uid"] ?? ""),
      stringField(3, pod.labels["io.kubernetes.pod.namespace"] ?? ""),
    ),
    stringField(3, join(directory, "logs")), // log_directory
    ...label(6), // labels
    // linux: cgroup_parent, security_context
    messageField(8, stringField(1, pod.cgroupParent), messageField(2, namespaces, varintField(6, privileged))),
  ];
  const sandboxId = firstString(await call("RunPodSandbox", messageField(1, ...sandboxConfig)));
  const containerConfig = [
    messageField(1, stringField(1, pod.labels["io.kubernetes.container.name"] ?? "")), // metadata
    messageField(2, stringField(1, pod.image), stringField(18, pod.writtenImage ?? "")), // image
    ...pod.command.map((word) => stringField(3, word)), // command
    ...Object.entries(pod.envs ?? {}).map((env) => messageField(6, stringField(1, env[0]), stringField(2, env[1]))), // envs
    ...label(9), // labels
    // linux.security_context: privileged, namespace_options
    messageField(15, messageField(2, varintField(2, privileged), messageField(3, varintField(1, 2)))),
  ];
  const containerId = firstString(
    await call(
      "CreateContainer",
      Buffer.concat([
        stringField(1, sandboxId),
        messageField(2, ...containerConfig),
        messageField(3, ...sandboxConfig),
      ]),
    ),
  );
  await call("StartContainer", stringField(1, containerId));

  return {
    sandboxId,
    containerId,
    pid: () => findPid(containerId),
    async removeContainer() {
      await call("RemoveContainer", stringField(1, containerId));
    },
    async remove() {
      await call("StopPodSandbox", stringField(1, sandboxId));
      await call("RemovePodSandbox", stringField(1, sandboxId));
      client.close();
    },
  };
}

function firstString(response: Buffer): string {
  let value = "";
  readFields(response, (field, content) => {
    if (field === 1) value = text(content);
  });
  return value;
}
