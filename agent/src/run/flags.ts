// The flags that every detector has, and flags whose value is a number. Each of these has a range, which its help states and its
// error repeats: a number that some later place cannot hold (a timer, a port, 32 bits of a map) is refused where it is read.
import { type Command, InvalidArgumentError, Option } from "commander";

/** What {@link addCommonFlags} reads. */
export interface CommonFlags {
  readonly serveMetricsPort: number;
  readonly healthPort: number;
  readonly lookupContainer: boolean;
  /** Seconds that a line waits for its container's name while few wait. */
  readonly lookupWait: number;
  /** Names of variables of the containers' specifications that stand in the log. */
  readonly lookupEnvs: readonly string[];
  /** Cgroups below which the operator vouches for the names. */
  readonly trustedCgroup: readonly string[];
  readonly pinDir?: string;
  /** Lines of one kind in one pod that are logged one by one before most are only counted; 0: all. */
  readonly wholeLines: number;
  /** Seconds between lines with the number of those that are only counted. */
  readonly summaryEvery: number;
  /** `severity` beside `level`. */
  readonly logSeverity: boolean;
  /** As whoever reads the log names this node. */
  readonly nodeName?: string;
  /** A line to the terminal of what was killed. */
  readonly tellTerminal: boolean;
  readonly scopePid: number;
}

export function addCommonFlags(command: Command): void {
  command
    .addOption(numberFlag("--serve-metrics-port <port>", "serve Prometheus metrics", PORT, 0))
    .addOption(healthPortFlag("serve /livez, /readyz and /selftest"))
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
    .addOption(
      numberFlag(
        "--whole-lines <n>",
        "kills of one kind in one pod that are logged one by one before most are only counted",
        { least: 1, most: 1_000_000, zero: "all" },
        16,
      ),
    )
    .addOption(
      numberFlag(
        "--summary-every <seconds>",
        "seconds between log lines with the number of those that were only counted",
        { least: 1, most: 86_400 },
        60,
      ),
    )
    .option("--log-severity", "log severity beside level, in the words of Google Cloud's log", false)
    .option(
      "--node-name <name>",
      "the node, as the console names it: cases have their numbers by it; else this machine's name",
    )
    .option(
      "--tell-terminal",
      "write one line with the case's number to the terminal of a container's process that was killed",
      false,
    )
    .option("--pin-dir <dir>", "directory on a BPF file system: the kernel's part outlives the agent there")
    .addOption(
      new Option("--scope-pid <pid>", "judge only this process's descendants")
        .argParser(numberIn(PID))
        .default(0)
        .hideHelp(),
    );
}

export function healthPortFlag(description: string): Option {
  return numberFlag("--health-port <port>", description, PORT, 0);
}

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

export function configFlag(description: string): Option {
  return new Option("--config <file>", description)
    .argParser((file: string, before: readonly string[]) => [...before, file])
    .default([]);
}

export function modeFlag(): Option {
  return new Option("--mode <mode>", "audit logs would-kill and kills nothing")
    .choices(["enforce", "audit"])
    .default("enforce");
}

/** The numbers that a flag takes: 0, if that has a meaning of its own, and `least` to `most`. */
export interface NumberRange {
  readonly least: number;
  readonly most: number;
  /** What 0 means, in the help's words. */
  readonly zero?: string;
  readonly powerOfTwo?: boolean;
}

export const RING_BYTES = { least: 4096, most: 2 ** 30, powerOfTwo: true } as const;
const PORT: NumberRange = { least: 1, most: 65535, zero: "none" };
/** Above what a process's own number can be (linux include/linux/threads.h, PID_MAX_LIMIT). */
export const PID: NumberRange = { least: 1, most: 4_194_304, zero: "every process" };

/** Timers count milliseconds in 31 bits; what is longer fires at once, again and again. */
export const MOST_TIMER_SECONDS = 2_147_483;

/** @param description - Without the range, which is added. */
export function numberFlag(flags: string, description: string, range: NumberRange, preset: number): Option {
  return new Option(flags, `${description}; ${inWords(range, "; ")}`).argParser(numberIn(range)).default(preset);
}

/** The parser of such a flag's value. It throws commander's error for what is no whole number or not in the range. */
export function numberIn(range: NumberRange): (text: string) => number {
  const { least, most, zero, powerOfTwo = false } = range;
  return (text) => {
    const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (number === 0 && zero !== undefined) return 0;
    // A power of two is one bit; up to 2^30 bits are what JavaScript's operators see.
    if (number >= least && number <= most && (!powerOfTwo || (number & (number - 1)) === 0)) return number;
    throw new InvalidArgumentError(`It must be ${inWords(range, ", or ")}.`);
  };
}

function inWords({ least, most, zero, powerOfTwo = false }: NumberRange, or: string): string {
  const numbers = `${powerOfTwo ? "a power of two" : "a whole number"} from ${least} to ${most}`;
  return zero === undefined ? numbers : or === "; " ? `0: ${zero}; else ${numbers}` : `0 (${zero})${or}${numbers}`;
}
