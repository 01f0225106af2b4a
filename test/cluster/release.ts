// The support release as an operator deploys it: values.yaml of the chart, and decrypted values on helm's standard input.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { kubectlJson, run, until } from "./commands.js";

const chart = join(import.meta.dirname, "../../../helm-charts/support");

export interface Wanted {
  /** Tag of localhost/cryptnono. */
  readonly tag: string;
  /** The encrypted config, by name: what `sops --decrypt` would print. */
  readonly configs: Readonly<Record<string, { bannedCommandStrings?: string[]; allowedCommandPatterns?: string[] }>>;
  readonly pins?: boolean;
}

/** The page's test string. It is read, not written here, as the tests' own arguments and sources are searched too. */
export function testString(): string {
  const values = readFileSync(join(chart, "values.yaml"), "utf8");
  return /unencrypted-test-01:\s+bannedCommandStrings:\s+- (\w+)/.exec(values)![1]!;
}

/** `helm upgrade --install support`; resolves when helm is done, hooks included, not when the pods are ready. */
export async function deploy({ tag, configs, pins = true }: Wanted): Promise<string> {
  const values = {
    cryptnono: {
      image: { repository: "localhost/cryptnono", tag, pullPolicy: "Never" },
      metrics: { enabled: true },
      pins: { enabled: pins },
      console: { enabled: true, podEvents: true },
      // The chart's own test string is a likely word of other tests on this machine. Each kill has its line: they are counted.
      detectors: { execwhacker: { configs: { "default-test": null, ...configs }, wholeLines: 0 } },
    },
  };
  const command = ["helm", "upgrade", "--install", "support", chart, "-n", "support", "--create-namespace"];
  return run([...command, "-f", join(chart, "values.yaml"), "-f", "-"], JSON.stringify(values));
}

/** `helm uninstall support`; resolves when its hooks are done. */
export function uninstall(): Promise<string> {
  return run(["helm", "uninstall", "support", "-n", "support"]);
}

export interface AgentPod {
  readonly name: string;
  readonly uid: string;
  readonly ip: string;
  readonly ready: boolean;
  readonly restarts: number;
}

interface PodList {
  readonly items: {
    readonly metadata: { name: string; uid: string; deletionTimestamp?: string };
    readonly status: { podIP?: string; containerStatuses?: { ready: boolean; restartCount: number }[] };
  }[];
}

/** The agent's pods that are not on their way out. */
export async function agentPods(): Promise<AgentPod[]> {
  const { items } = await kubectlJson<PodList>("-n", "support", "get", "pod", "-l", "app.kubernetes.io/name=cryptnono");
  return items
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ metadata: { name, uid }, status: { podIP = "", containerStatuses: [container] = [] } }) => {
      return { name, uid, ip: podIP, ready: container?.ready ?? false, restarts: container?.restartCount ?? 0 };
    });
}

/** The one agent pod, once it is ready and not `not`. */
export function readyAgent(not?: AgentPod): Promise<AgentPod> {
  return until("one ready agent pod", 60, async () => {
    const [pod, ...others] = await agentPods();
    return pod?.ready && others.length === 0 && pod.uid !== not?.uid ? pod : undefined;
  });
}

/** Pids of the processes that an agent has logged as killed for `banned`, in the order of the lines. */
export interface KillLog {
  readonly pids: readonly number[];
  close(): void;
}

/**
 * Follow a pod's log on the node, from its start, as a log collector does: of a pod deleted by force kubectl tells nothing
 * any more, while its container still ends.
 */
export function followKills({ name, uid }: AgentPod, banned: string): KillLog {
  const pids: number[] = [];
  const child = spawn("tail", ["-n", "+1", "-f", `/var/log/pods/support_${name}_${uid}/execwhacker/0.log`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let rest = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      // The runtime writes "<time> stdout F <line>".
      const { action, matched, pid } = JSON.parse(line.slice(line.indexOf("{"))) as {
        action?: string;
        matched?: string;
        pid?: number;
      };
      if (action === "killed" && matched === banned && pid !== undefined) pids.push(pid);
    }
  });
  return { pids, close: () => void child.kill() };
}

/** What an agent answers at `path` of its health port. */
export async function health(pod: AgentPod, path: "/livez" | "/readyz"): Promise<{ status: number; body: string }> {
  const reply = await fetch(`http://${pod.ip}:12130${path}`, { signal: AbortSignal.timeout(5000) });
  return { status: reply.status, body: await reply.text() };
}

/** A sample's value in an agent's metrics, for example `cryptnono_execwhacker_ready`. */
export async function metric(pod: AgentPod, sample: string): Promise<number> {
  const reply = await fetch(`http://${pod.ip}:12121/metrics`, { signal: AbortSignal.timeout(5000) });
  const line = (await reply.text()).split("\n").find((one) => one.startsWith(`${sample} `));
  return Number(line?.slice(sample.length + 1));
}
