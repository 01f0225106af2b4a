// Execwhacker on the command line: its flags.
import { DEFAULT_MAX_ALLOW_BYTES } from "@cryptnono/matcher";
import { type Command, InvalidArgumentError, Option } from "commander";
import { UsageError } from "../../errors.js";
import type { DetectorCommand } from "../../run/command.js";
import { configFlag, MOST_TIMER_SECONDS, modeFlag, numberFlag, RING_BYTES } from "../../run/flags.js";
import { type ExecwhackerOptions, execwhacker } from "./index.js";
import { acrossListsFlag, candidateFlag } from "./list-flags.js";
import type { CompiledRules, Way } from "./rules.js";

interface Flags extends ExecwhackerOptions {
  readonly threadpoolSize?: string;
  readonly maxArgs?: string;
  readonly agentAway?: string;
}

export const execwhackerCommand: DetectorCommand<Flags, CompiledRules> = {
  name: "execwhacker",
  description: "guard this node",
  addFlags,
  create(flags) {
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
    return execwhacker(flags);
  },
};

function addFlags(command: Command): void {
  command
    .addOption(configFlag("JSON file with banned strings and allow patterns (again and again)"))
    .addOption(candidateFlag())
    .addOption(modeFlag())
    .option("--debug", "log every new process", false)
    .addOption(
      numberFlag(
        "--scan-existing <seconds>",
        "seconds between scans of the processes that run already",
        { least: 1, most: MOST_TIMER_SECONDS, zero: "no scan" },
        600,
      ),
    )
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
    .addOption(acrossListsFlag())
    .addOption(
      numberFlag(
        "--breaker-pods <n>",
        "pods in which one string may kill within the window: beyond, it is only logged until its list is loaded again",
        { least: 1, most: 100_000, zero: "any number" },
        0,
      ),
    )
    .addOption(
      numberFlag(
        "--breaker-namespaces <n>",
        "namespaces that those pods must be of; each counts with its share of them",
        { least: 2, most: 1000 },
        2,
      ),
    )
    .addOption(
      numberFlag("--breaker-window <seconds>", "within which those pods are counted", { least: 1, most: 86_400 }, 600),
    )
    .addOption(numberFlag("--kill-ring-bytes <bytes>", "room for kill events", { ...RING_BYTES, zero: "2 MiB" }, 0))
    .addOption(numberFlag("--other-ring-bytes <bytes>", "room for other events", { ...RING_BYTES, zero: "256 KiB" }, 0))
    .addOption(new Option("--threadpool-size <n>", "has no meaning any more").hideHelp())
    .addOption(new Option("--max-args <n>", "has no meaning any more").hideHelp())
    .addOption(new Option("--agent-away <way>", "has no meaning any more").hideHelp());
}

const WAYS: readonly Way[] = ["kill", "let-go"];
const DEFAULT_WAY: Way = "kill";

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
