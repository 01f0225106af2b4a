// `cryptnono watch`: one line a process, in the terminal.
import { once as aborted } from "node:events";
import { hostname } from "node:os";
import type { Command } from "commander";
import { collect } from "../console.js";
import { SettingError } from "../errors.js";
import { keyOf } from "../keep/identity.js";
import { followFile, readStream } from "../read/file.js";
import { type Intake, LogReader } from "../read/reader.js";
import type { Sighting } from "../types.js";
import { type Chosen, isChosen, sinceOf } from "./choose.js";
import { compactLine } from "./compact-line.js";

interface WatchFlags {
  readonly log: readonly string[];
  readonly kubernetes: boolean;
  readonly agentNamespace?: string;
  readonly selector: string;
  readonly follow: boolean;
  readonly node: string;
  readonly since?: string;
  readonly action: readonly string[];
  readonly namespace: readonly string[];
  readonly pod: readonly string[];
  readonly detector: readonly string[];
  readonly json: boolean;
  readonly showStrings: boolean;
}

export function addWatch(program: Command): void {
  program
    .command("watch")
    .description("print one compact line for each process that an agent's log tells of")
    .option(
      "--log <file>",
      "an agent's log, Docker's JSON log included; - is standard input (again and again; default: -)",
      collect,
      [],
    )
    .option("--kubernetes", "read the logs of all agents of a cluster, through its API, from now or --since on", false)
    .option("--agent-namespace <name>", "the agents' namespace (default: the kubeconfig's)")
    .option("--selector <labels>", "the agents' labels", "app.kubernetes.io/name=cryptnono")
    .option("--no-follow", "end at the end of the files, or of the agents' logs as they are now")
    .option("--node <name>", "the node that the logs are of", hostname())
    .option("--since <time>", "from then on: 10m, 2h, 3d, or 2026-01-31T12:00 (UTC)")
    .option("--action <name>", "killed, spared and so on (again and again)", collect, [])
    .option("--namespace <name>", "(again and again)", collect, [])
    .option("--pod <name>", "(again and again)", collect, [])
    .option("--detector <name>", "(again and again)", collect, [])
    .option("--json", "print the log's own lines", false)
    .option("--show-strings", "show banned strings whole", false)
    .action(watch);
}

async function watch(flags: WatchFlags): Promise<void> {
  const chosen: Chosen = { ...flags, since: flags.since === undefined ? null : sinceOf(flags.since, Date.now()) };
  const isColoured = process.stdout.isTTY === true && !process.env["NO_COLOR"];
  const files = flags.log.length === 0 ? ["-"] : flags.log;
  const counts = { lines: 0, foreign: 0, overlong: 0 };
  const abort = new AbortController();
  process.once("SIGINT", () => abort.abort());
  process.once("SIGTERM", () => abort.abort());
  // Whoever reads has seen enough.
  process.stdout.on("error", () => process.exit(0));
  const intake = {
    notice() {},
    sighting(sighting: Sighting) {
      if (!isChosen(sighting, chosen)) return;
      const { columns = null } = process.stdout.isTTY ? process.stdout : { columns: null };
      const text = flags.json
        ? sighting.line
        : compactLine(sighting, { isColoured, showStrings: flags.showStrings, columns });
      process.stdout.write(`${text}\n`);
    },
  };
  if (flags.kubernetes) {
    if (flags.log.length > 0) throw new SettingError("--kubernetes reads the agents alone", "leave out --log");
    return watchCluster(flags, intake, chosen.since ?? Date.now(), abort.signal);
  }
  const reader = (name: string) => new LogReader({ name, node: flags.node }, intake, counts);
  await Promise.all(
    files.map((file) => {
      if (file === "-") {
        abort.signal.addEventListener("abort", () => process.exit(0));
        return readStream(process.stdin, reader("-"));
      }
      return followFile({
        file,
        reader: () => reader(file),
        once: !flags.follow,
        signal: abort.signal,
        onError(error) {
          if (!flags.follow) throw new SettingError(`read ${file}: ${(error as Error).message}`, "check the path");
          process.stderr.write(`cryptnono: read ${file}: ${(error as Error).message}; tried again\n`);
        },
      });
    }),
  );
  if (counts.foreign > 0)
    process.stderr.write(`cryptnono: ${counts.foreign} of ${counts.lines} lines are not an agent's\n`);
}

/** Until `signal` is aborted. Loaded here: the client is large, and a file needs none. */
async function watchCluster(flags: WatchFlags, intake: Intake, since: number, signal: AbortSignal): Promise<void> {
  const { clusterOf } = await import("../read/kubernetes/cluster.js");
  const { config, namespace } = clusterOf(flags.agentNamespace);
  const isFirst = firstTime();
  const warn = (message: string) => process.stderr.write(`cryptnono: ${message}\n`);
  const once = { notice() {}, sighting: (sighting: Sighting) => void (isFirst(sighting) && intake.sighting(sighting)) };
  if (!flags.follow) {
    const { readPods } = await import("../read/kubernetes/read-pods.js");
    const options = { config, namespace, selector: flags.selector, since: new Date(since).toISOString() };
    if (!(await readPods({ ...options, intake: once, signal, warn }))) process.exitCode = 1;
    return;
  }
  const { followPods } = await import("../read/kubernetes/follow-pods.js");
  const logs = await followPods({
    config,
    namespace,
    selector: flags.selector,
    keeper: {
      ...once,
      position() {},
      store: () => ({ position: () => new Date(since).toISOString() }),
    },
    warn,
  });
  if (!signal.aborted) await aborted(signal, "abort");
  await logs.stop();
}

/** Enough for what comes once more when a log is taken up again. */
const REMEMBERED = 4096;

/** Whether a line says something that was not said of its process before. */
function firstTime(): (sighting: Sighting) => boolean {
  const said = new Set<string>();
  return (sighting) => {
    const key = `${Buffer.from(keyOf(sighting)).toString("base64")} ${sighting.action}`;
    if (said.has(key)) return false;
    said.add(key);
    if (said.size > REMEMBERED) said.delete(said.values().next().value!);
    return true;
  };
}
