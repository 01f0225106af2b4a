// `cryptnono console`: its flags, and one console put together out of them.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { hostname } from "node:os";
import { join } from "node:path";
import { serveHealth, serveMetrics } from "@cryptnono/agent/report/http";
import { type Command, InvalidArgumentError } from "commander";
import { createActor } from "./act/actor.js";
import { readHubs } from "./act/hub-settings.js";
import { createSharedLedger, readKey, type SharedLedger } from "./act/shared-ledger.js";
import { createAlerts } from "./alert/index.js";
import { readAlertSettings } from "./alert/settings.js";
import { testAlert } from "./alert/test-alert.js";
import { SettingError } from "./errors.js";
import { createKeeper, type Keeper } from "./keep/keeper.js";
import { DAY_MS, type Kept } from "./keep/store.js";
import { metricsText } from "./metrics.js";
import { type FollowedLogs, followLogs } from "./read/logs.js";
import { type AccessRule, networks } from "./show/access.js";
import { loadAssets } from "./show/assets.js";
import { createExplainer } from "./show/explainer.js";
import { show } from "./show/index.js";

export interface ConsoleFlags {
  readonly log: readonly string[];
  readonly kubernetes: boolean;
  readonly namespace?: string;
  readonly selector: string;
  readonly node: string;
  readonly data?: string;
  readonly listen: string;
  readonly healthPort: number;
  readonly tokenFile?: string;
  readonly trustedProxy: readonly string[];
  readonly proxyHeader: string;
  readonly config: readonly string[];
  readonly mode: "enforce" | "audit";
  readonly showStrings: boolean;
  readonly metricsPort: number;
  readonly podEvents: boolean;
  readonly act?: string;
  readonly ledgerKeyFile?: string;
  readonly ledgerExport?: string;
  readonly ledgerImport?: readonly string[];
  readonly alerts?: string;
  readonly testAlert?: boolean;
  readonly retainDays: number;
  readonly retainMegabytes: number;
}

export function addConsole(program: Command): void {
  program
    .command("console")
    .description("serve a page that shows what the agents killed, and why")
    .option(
      "--log <file>",
      "an agent's log, Docker's JSON log included; - is standard input (again and again)",
      collect,
      [],
    )
    .option("--kubernetes", "read the logs of all agents of a cluster, through its API", false)
    .option(
      "--namespace <name>",
      "the agents' namespace (default: the one that the console runs in, or the kubeconfig's)",
    )
    .option("--selector <labels>", "the agents' labels", "app.kubernetes.io/name=cryptnono")
    .option("--node <name>", "the node that the logs are of", hostname())
    .option("--data <dir>", "directory of the database; without it all is forgotten at the end")
    .option(
      "--listen <address:port>",
      "where to serve; an address beyond loopback needs --token-file or --trusted-proxy",
      "127.0.0.1:8080",
    )
    .option("--token-file <file>", "file with the token that whoever asks must give; read again when it changes")
    .option(
      "--trusted-proxy <network>",
      "network of proxies that name the user in --proxy-header (again and again)",
      collect,
      [],
    )
    .option("--proxy-header <name>", "header of the user's name", "x-forwarded-user")
    .option(
      "--config <file>",
      "JSON file with banned strings and allow patterns, for the page Explain (again and again)",
      collect,
      [],
    )
    .option("--mode <mode>", "the agents' --mode, for the page Explain", "enforce")
    .option("--health-port <port>", "serve /livez and /readyz, to anybody; 0: none", wholeNumber(0, 65_535), 0)
    .option("--metrics-port <port>", "serve Prometheus metrics, to anybody; 0: none", wholeNumber(0, 65_535), 0)
    .option("--show-strings", "show banned strings whole", false)
    .option("--alerts <file>", "JSON file that says whom to tell of kills")
    .option("--pod-events", "with --kubernetes: make an Event on each pod whose process was killed", false)
    .option("--act <file>", "JSON file that says at which hubs something is done after kills, and what")
    .option("--ledger-key-file <file>", "file with the key under which offenders are shared with other deployments")
    .option("--ledger-export <file>", "keep our own ledger there, for others")
    .option(
      "--ledger-import <path>",
      "another deployment's ledger, or a directory of such .jsonl files; read again when it changes (again and again)",
      collect,
      [],
    )
    .option("--test-alert", "send a made-up kill to each target of --alerts, and end")
    .option("--retain-days <n>", "days that are kept", wholeNumber(1, 3650), 90)
    .option("--retain-megabytes <n>", "size of the database", wholeNumber(16, 1_000_000), 2048)
    .action(async (flags: ConsoleFlags) => {
      if (flags.testAlert === true) {
        if (flags.alerts === undefined)
          throw new SettingError("--test-alert: whom to tell is not known", "give --alerts FILE");
        const isGood = await testAlert(readAlertSettings(flags.alerts), (line) => process.stdout.write(`${line}\n`));
        process.exit(isGood ? 0 : 1);
      }
      const running = await startConsole(flags);
      process.stderr.write(`cryptnono: the console is at ${running.url}\n`);
      const end = () => void running.stop().then(() => process.exit(0));
      process.once("SIGTERM", end);
      process.once("SIGINT", end);
    });
}

export interface RunningConsole {
  readonly url: string;
  stop(): Promise<void>;
}

/** @param assets - Where the page's script and style are. */
export async function startConsole(
  flags: ConsoleFlags,
  assets = new URL("./assets/", import.meta.url),
  warn: (message: string) => void = (message) => process.stderr.write(`cryptnono: ${message}\n`),
): Promise<RunningConsole> {
  if (flags.log.length === 0 && !flags.kubernetes)
    throw new SettingError("nothing to read", "give --log FILE, --log - for standard input, or --kubernetes");
  if (flags.ledgerKeyFile === undefined && (flags.ledgerExport !== undefined || (flags.ledgerImport ?? []).length > 0))
    throw new SettingError(
      "--ledger-export and --ledger-import: under which key is not known",
      "add --ledger-key-file",
    );
  if (flags.ledgerKeyFile !== undefined) readKey(flags.ledgerKeyFile);
  const { host, port } = endpointOf(flags.listen);
  const access = accessOf(flags, host);
  const file = flags.data === undefined ? ":memory:" : join(flags.data, "console.sqlite");
  const bounds = { maxAgeMs: flags.retainDays * DAY_MS, maxBytes: flags.retainMegabytes * 1024 * 1024 };
  const alerts = flags.alerts === undefined ? null : createAlerts(readAlertSettings(flags.alerts), warn);
  const keeper = createKeeper({ file, bounds, warn, ...(alerts === null ? {} : { also: alerts.also }) });
  alerts?.start(keeper);
  const logs = flags.kubernetes
    ? await followCluster(flags, keeper, warn)
    : followLogs(flags.log, flags.node, keeper, warn);
  const ledger = ledgerOf(flags, keeper, warn);
  const parts = {
    db: keeper.db,
    ...(ledger === null ? {} : { elsewhere: ledger.elsewhere }),
    showStrings: flags.showStrings,
    coverage: logs.coverage,
    troubles: () => troublesOf(keeper.state),
    explainer: flags.config.length === 0 ? null : createExplainer(flags.config, flags.mode),
    now: Date.now,
  };
  const actor = flags.act === undefined ? null : createActor(keeper.db, readHubs(flags.act), warn);
  const { server, live } = show(parts, access, loadAssets(assets), warn, actor);
  keeper.onKept(() => live.changed());
  if (actor !== null) keeper.onKept(actor.add);
  if (ledger !== null) keeper.onKept(ledger.add);
  if (flags.podEvents) keeper.onKept(await podEvents(warn));
  server.listen(port, host);
  try {
    await once(server, "listening");
  } catch (error) {
    throw new SettingError(`listen on ${flags.listen}: ${(error as Error).message}`, "give another --listen");
  }
  const health =
    flags.healthPort === 0
      ? null
      : await serveHealth(flags.healthPort, () => ({
          ok: keeper.state.trouble === null,
          reason: keeper.state.trouble ?? "reading",
        }));
  const metrics =
    flags.metricsPort === 0
      ? null
      : await serveMetrics(flags.metricsPort, () =>
          metricsText({
            ...parts,
            rows: () => keeper.state.rows,
            dropped: () => keeper.state.dropped,
            alerts: () => alerts?.sender()?.counts ?? null,
          }),
        );
  const address = server.address() as AddressInfo;
  return {
    url: `http://${address.family === "IPv6" ? `[${address.address}]` : address.address}:${address.port}/`,
    async stop() {
      await logs.stop();
      await alerts?.stop();
      await actor?.settled();
      ledger?.close();
      live.close();
      await health?.close();
      await metrics?.close();
      server.closeAllConnections();
      server.close();
      keeper.close();
    },
  };
}

/** Loaded here: the client is large, and a machine of its own needs none. */
async function followCluster(
  flags: ConsoleFlags,
  keeper: Keeper,
  warn: (message: string) => void,
): Promise<FollowedLogs> {
  const { clusterOf } = await import("./read/kubernetes/cluster.js");
  const { followPods } = await import("./read/kubernetes/follow-pods.js");
  const { config, namespace } = clusterOf(flags.namespace);
  return followPods({ config, namespace, selector: flags.selector, keeper, warn });
}

function ledgerOf(
  { ledgerKeyFile, ledgerExport, ledgerImport = [] }: ConsoleFlags,
  keeper: Keeper,
  warn: (message: string) => void,
): SharedLedger | null {
  if (ledgerKeyFile === undefined) return null;
  const exportFile = ledgerExport ?? null;
  return createSharedLedger({ db: keeper.db, keyFile: ledgerKeyFile, exportFile, imports: ledgerImport, warn });
}

async function podEvents(warn: (message: string) => void): Promise<(kept: readonly Kept[]) => void> {
  const { clusterOf } = await import("./read/kubernetes/cluster.js");
  const { createPodEvents } = await import("./act/pod-events.js");
  return createPodEvents(clusterOf(undefined).config, warn).add;
}

function troublesOf({ trouble, dropped }: { readonly trouble: string | null; readonly dropped: number }): string[] {
  return [
    ...(trouble === null ? [] : [trouble]),
    ...(dropped === 0 ? [] : [`${dropped} lines were lost while the disk was full`]),
  ];
}

function endpointOf(text: string): { readonly host: string; readonly port: number } {
  const [, host, port] = /^(\[[0-9a-f:]+\]|[^:]*):(\d{1,5})$/i.exec(text) ?? [];
  if (host === undefined || Number(port) > 65_535)
    throw new SettingError(
      `--listen ${text}: expected an address and a port`,
      "for example 127.0.0.1:8080, or [::1]:8080",
    );
  return { host: host.replace(/^\[|\]$/g, ""), port: Number(port) };
}

function accessOf({ tokenFile, trustedProxy, proxyHeader }: ConsoleFlags, host: string): AccessRule {
  if (trustedProxy.length > 0) {
    try {
      return { kind: "proxy", header: proxyHeader.toLowerCase(), from: networks(trustedProxy) };
    } catch (error) {
      throw new SettingError(`--trusted-proxy ${(error as Error).message}`, "give the proxies' network");
    }
  }
  if (tokenFile !== undefined) {
    const token = () => readFileSync(tokenFile, "utf8").trim();
    if (token().length < 16)
      throw new SettingError(`${tokenFile}: a token has 16 characters at least`, "make one: openssl rand -hex 32");
    return { kind: "token", token };
  }
  if (!["127.0.0.1", "::1", "localhost"].includes(host))
    throw new SettingError(
      `--listen ${host}: whoever reaches it would see all`,
      "add --token-file or --trusted-proxy, or listen on 127.0.0.1",
    );
  return { kind: "local" };
}

export const collect = (value: string, all: readonly string[]) => [...all, value];

export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`expected a whole number from ${min} to ${max}.`);
    return value;
  };
}
