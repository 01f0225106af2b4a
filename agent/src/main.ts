// The command line. The only place that reads argv and the environment, installs signal handlers and ends the process.
import { url as debuggerUrl } from "node:inspector";
import { fileURLToPath } from "node:url";
import { DEFAULT_MAX_ALLOW_BYTES } from "@cryptnono/matcher";
import { giveBackMemory } from "@cryptnono/native";
import { Command, InvalidArgumentError, Option } from "commander";
import { refuseOpenDoors } from "./doors.js";
import { describeError, UsageError } from "./errors.js";
import { type ExecwhackerOptions, startExecwhacker } from "./execwhacker.js";
import { type ExplainOptions, explain } from "./explain.js";
import { MOST_TIMER_SECONDS, type NumberRange, numberFlag, numberIn } from "./flags.js";
import { unpin, type Way } from "./sensor/index.js";
import { version } from "./version.js";

/** Set by the bundle, whose place in the tree is another. */
declare const CRYPTNONO_BPF_DIR: string | undefined;
const objectFile =
  typeof CRYPTNONO_BPF_DIR === "string"
    ? `${CRYPTNONO_BPF_DIR}/execwhacker.bpf.o`
    : fileURLToPath(new URL("../../../build/bpf/execwhacker.bpf.o", import.meta.url));

const WAYS: readonly Way[] = ["kill", "let-go"];
const DEFAULT_WAY: Way = "kill";

const GIVE_BACK_EVERY_MS = 5000;
/** What a burst of kills leaves behind is more. */
const WORTH_GIVING_BACK_BYTES = 6 * 2 ** 20;

const PORT: NumberRange = { least: 1, most: 65535, zero: "none" };
const RING_BYTES = { least: 4096, most: 2 ** 30, powerOfTwo: true } as const;
/** Above what a process's own number can be (linux include/linux/threads.h, PID_MAX_LIMIT). */
const PID: NumberRange = { least: 1, most: 4_194_304, zero: "every process" };

const program = new Command("cryptnono")
  .description("Kills processes whose command line holds a banned string, in the kernel, at exec.")
  .version(version())
  .showHelpAfterError("  --help lists the flags")
  .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "cryptnono: ")) });

const files = (file: string, before: readonly string[]) => [...before, file];

const MOST_ENVS = 32;

function envNames(text: string, before: readonly string[]): string[] {
  const names = text.split(",").map((name) => name.trim());
  // The kernel takes any bytes but these for a name.
  if (names.some((name) => !/^[^=\s]{1,256}$/.test(name))) {
    throw new InvalidArgumentError("names of environment variables, with commas between them, are needed");
  }
  const all = [...new Set([...before, ...names])];
  if (all.length > MOST_ENVS) throw new InvalidArgumentError(`more than ${MOST_ENVS} variables`);
  return all;
}

function cgroupPaths(path: string, before: readonly string[]): string[] {
  // The root itself would vouch for every name, nobody's and everybody's.
  if (!/^\/+[^/]/.test(path)) throw new InvalidArgumentError("a path that begins with / is needed, and not the root");
  return [...before, path];
}

program
  .command("execwhacker")
  .description("guard this node")
  .option(
    "--config <file>",
    "JSON file with banned strings and allow patterns (again and again)",
    files,
    [] as string[],
  )
  .addOption(
    new Option("--mode <mode>", "audit logs would-kill and kills nothing")
      .choices(["enforce", "audit"])
      .default("enforce"),
  )
  .option("--debug", "log every new process", false)
  .addOption(
    numberFlag(
      "--scan-existing <seconds>",
      "seconds between scans of the processes that run already",
      { least: 1, most: MOST_TIMER_SECONDS, zero: "no scan" },
      600,
    ),
  )
  .addOption(numberFlag("--serve-metrics-port <port>", "serve Prometheus metrics", PORT, 0))
  .addOption(numberFlag("--health-port <port>", "serve /livez and /readyz", PORT, 0))
  .option("--lookup-container", "name the container of a process in the log", false)
  .addOption(
    numberFlag(
      "--lookup-wait <seconds>",
      "longest that a log line waits for its container's name, while few wait",
      { least: 1, most: 600, zero: "not at all" },
      10,
    ),
  )
  .option(
    "--lookup-envs <names>",
    "environment variables of the container's specification that stand in the log, with commas (again and again)",
    envNames,
    [] as string[],
  )
  .option(
    "--trusted-cgroup <path>",
    "cgroup below which only the node's own managers make others, beside the usual (again and again)",
    cgroupPaths,
    [] as string[],
  )
  .option("--pin-dir <dir>", "directory on a BPF file system: the kernel's part outlives the agent there")
  .addOption(way("--unreadable <way>", "for a command line with a page that is not in memory"))
  .addOption(way("--over-long <way>", "for a command line that is longer than can be searched"))
  .addOption(
    numberFlag(
      "--max-work <units>",
      "most that the kernel's part does for one exec, in units of about a nanosecond; more goes the over-long way",
      { least: 100_000, most: 100_000_000 },
      4_000_000,
    ),
  )
  .addOption(
    numberFlag(
      "--whole-lines <n>",
      "kills of one string in one pod that are logged one by one before most are only counted",
      { least: 1, most: 1_000_000, zero: "all" },
      16,
    ),
  )
  .addOption(
    numberFlag(
      "--max-scan-bytes <bytes>",
      "longest argument area that is searched",
      { least: 4096, most: 2 ** 30, zero: "the kernel's own limit" },
      0,
    ),
  )
  .addOption(
    numberFlag(
      "--max-allow-bytes <bytes>",
      "bytes of a command line behind the path by which an allow pattern must have matched",
      { least: 4096, most: 2 ** 30 },
      DEFAULT_MAX_ALLOW_BYTES,
    ),
  )
  .addOption(acrossLists())
  .addOption(numberFlag("--kill-ring-bytes <bytes>", "room for kill events", { ...RING_BYTES, zero: "2 MiB" }, 0))
  .addOption(numberFlag("--other-ring-bytes <bytes>", "room for other events", { ...RING_BYTES, zero: "256 KiB" }, 0))
  .addOption(
    new Option("--scope-pid <pid>", "judge only this process's descendants")
      .argParser(numberIn(PID))
      .default(0)
      .hideHelp(),
  )
  .addOption(new Option("--threadpool-size <n>", "has no meaning any more").hideHelp())
  .addOption(new Option("--max-args <n>", "has no meaning any more").hideHelp())
  .addOption(new Option("--agent-away <way>", "has no meaning any more").hideHelp())
  .action(runExecwhacker);

program
  .command("explain")
  .description("say what would become of a command line, read from standard input: its words, quoted as for a shell")
  .option(
    "--config <file>",
    "JSON file with banned strings and allow patterns (again and again)",
    files,
    [] as string[],
  )
  .addOption(new Option("--mode <mode>").choices(["enforce", "audit"]).default("enforce"))
  .addOption(acrossLists())
  .action(async (options: ExplainOptions) => {
    process.exitCode = await explain(options);
  });

program
  .command("unpin")
  .description("remove from this node what an agent pinned there")
  .requiredOption("--pin-dir <dir>", "the agent's --pin-dir")
  .action(({ pinDir }: { pinDir: string }) => {
    const removed = unpin(pinDir);
    process.stderr.write(`cryptnono: removed ${removed} pinned sensor${removed === 1 ? "" : "s"}\n`);
  });

try {
  refuseOpenDoors(process.env, debuggerUrl(), process.execArgv);
  await program.parseAsync();
} catch (error) {
  process.stderr.write(describeError(error));
  process.exit(1);
}

type Flags = Omit<ExecwhackerOptions, "pinDir" | "metricsPrefix"> & {
  readonly pinDir?: string;
  readonly threadpoolSize?: string;
  readonly maxArgs?: string;
  readonly agentAway?: string;
};

async function runExecwhacker(flags: Flags): Promise<void> {
  for (const [name, value, why] of [
    ["--threadpool-size", flags.threadpoolSize, "no threads are used"],
    ["--max-args", flags.maxArgs, "nothing is cut"],
    ["--agent-away", flags.agentAway, "no process waits for the agent"],
  ] as const) {
    if (value !== undefined) process.stderr.write(`cryptnono: ${name} has no meaning any more: ${why}\n`);
  }
  if (flags.config.length === 0) {
    throw new UsageError("start execwhacker: no config", 'give --config FILE with {"bannedCommandStrings": ["..."]}');
  }
  const detector = await startExecwhacker(
    {
      ...flags,
      pinDir: flags.pinDir ?? null,
      metricsPrefix: process.env["CRYPTNONO_METRICS_PREFIX"],
    },
    objectFile,
  );
  giveBackMemory(); // of what only the start needed
  // So is what a burst of kills has left behind.
  let leastBytes = process.memoryUsage.rss();
  setInterval(() => {
    if (process.memoryUsage.rss() < leastBytes + WORTH_GIVING_BACK_BYTES) return;
    giveBackMemory();
    leastBytes = process.memoryUsage.rss();
  }, GIVE_BACK_EVERY_MS).unref();
  const end = () => {
    detector.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(describeError(error));
        process.exit(1);
      },
    );
  };
  process.once("SIGTERM", end);
  process.once("SIGINT", end);
  process.on("SIGHUP", () => detector.reload());
}

function acrossLists(): Option {
  return new Option(
    "--allow-across-lists",
    "an allow pattern that does not say whose strings it spares spares those of all config files",
  ).default(false);
}

function way(flags: string, description: string): Option {
  const name = flags.split(" ", 1)[0]!;
  return new Option(flags, `${description} (choices: ${WAYS.join(", ")})`)
    .default(DEFAULT_WAY)
    .argParser((text) => parseWay(name, text));
}

function parseWay(name: string, text: string): Way {
  const way = WAYS.find((known) => known === text);
  if (way !== undefined) return way;
  if (text !== "hold") throw new InvalidArgumentError(`It must be one of ${WAYS.join(", ")}`);
  // What earlier versions had: it stopped the process until the agent had judged it.
  process.stderr.write(
    `cryptnono: ${name} hold has no meaning any more: no process is stopped, ${DEFAULT_WAY} is used\n`,
  );
  return DEFAULT_WAY;
}
