// This machine as the cluster's one node: the agent's process, what it may do and weighs, and what it left in the kernel.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { run, until } from "./commands.js";

/** Where the chart pins by default. */
export const PIN_DIR = "/sys/fs/bpf/cryptnono";

/** Linux's clock ticks a second, in which /proc counts; 100 on every architecture. */
const TICKS = 100;

/** The agent's main process, by the pod its cgroup belongs to. */
export function agentPid(podUid: string): number | undefined {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .find(
      (pid) =>
        read(`/proc/${pid}/cgroup`).includes(`pod${podUid}/`) && read(`/proc/${pid}/cmdline`).includes("execwhacker"),
    );
}

/** A line of /proc/PID/status, for example `CapEff`. */
export function statusOf(pid: number, key: string): string {
  return new RegExp(`^${key}:\\s*(.*)$`, "m").exec(read(`/proc/${pid}/status`))?.[1] ?? "";
}

/** Seconds since a process was started, to a hundredth. */
export function ageSeconds(pid: number): number {
  const fields = read(`/proc/${pid}/stat`)
    .replace(/^.*\) /, "")
    .split(" ");
  return Number(read("/proc/uptime").split(" ")[0]) - Number(fields[19]) / TICKS;
}

/** Seconds of processor time a process has used. */
export function cpuSeconds(pid: number): number {
  const fields = read(`/proc/${pid}/stat`)
    .replace(/^.*\) /, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** Ids of the kernel's BPF programs that are pinned, or held by a pinned link, below the chart's directory. */
export async function pinnedPrograms(): Promise<number[]> {
  if (!existsSync(PIN_DIR)) return [];
  const [programs, links] = await Promise.all([
    run(["bpftool", "-j", "-f", "prog", "show"]),
    run(["bpftool", "-j", "-f", "link", "show"]),
  ]);
  const pinned = [...(JSON.parse(programs) as Pinned[]), ...(JSON.parse(links) as Pinned[])]
    .filter((one) => one.pinned?.some((path) => path.startsWith(`${PIN_DIR}/`)))
    .map((one) => one.prog_id ?? one.id);
  return [...new Set(pinned)];
}

/** The guard's sensors that stand in the chart's pin directory: one, but while a new agent takes over. */
export function pinnedSensors(): string[] {
  const dir = join(PIN_DIR, "execwhacker");
  return existsSync(dir) ? readdirSync(dir) : [];
}

/** A container's memory as the kubelet counts it against its limit, BPF maps included, in MiB. */
export async function workingSetMiB(podUid: string, container: string): Promise<number | undefined> {
  const [node = ""] = (await run(["kubectl", "get", "node", "-o", "name"])).trim().split("\n");
  const { pods } = JSON.parse(
    await run(["kubectl", "get", "--raw", `/api/v1/${node.replace("node/", "nodes/")}/proxy/stats/summary`]),
  ) as {
    pods: { podRef: { uid: string }; containers?: { name: string; memory?: { workingSetBytes?: number } }[] }[];
  };
  const found = pods.find(({ podRef }) => podRef.uid === podUid)?.containers?.find(({ name }) => name === container);
  const bytes = found?.memory?.workingSetBytes;
  return bytes === undefined ? undefined : bytes / 2 ** 20;
}

/** End containerd, which leaves the containers running, and start it again: its socket is a new one then. */
export async function restartContainerd(): Promise<void> {
  const [pid] = read(join(process.env["CLUSTER_RUN"] ?? "/run/cryptnono-cluster", "containerd.pid")).split(" ");
  process.kill(Number(pid));
  await until("containerd has ended", 20, async () => /^[ZX]?$/.test(statusOf(Number(pid), "State").slice(0, 1)));
  await run([join(import.meta.dirname, "../../cluster/up")]);
}

/** Ids of all BPF programs in the kernel. */
export async function allPrograms(): Promise<number[]> {
  return (JSON.parse(await run(["bpftool", "-j", "prog", "show"])) as Pinned[]).map(({ id }) => id);
}

interface Pinned {
  readonly id: number;
  readonly prog_id?: number;
  readonly pinned?: string[];
}

/** Empty for what is gone. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
