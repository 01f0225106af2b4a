// The support release as an operator deploys it: values.yaml of the chart, and decrypted values on helm's standard input.
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
      // The chart's own test string is a likely word of other tests on this machine.
      detectors: { execwhacker: { configs: { "default-test": null, ...configs } } },
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

/** The log of an agent's pod: each line parsed. */
export async function logOf(pod: AgentPod): Promise<Record<string, unknown>[]> {
  const text = await run(["kubectl", "-n", "support", "logs", pod.name, "-c", "execwhacker"]);
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
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
