// The command line of any set of detectors. The only place that reads argv and the environment, installs signal handlers and
// ends the process.
import { url as debuggerUrl } from "node:inspector";
import { hostname } from "node:os";
import { Command } from "commander";
import { describeError } from "../errors.js";
import { unpin } from "../sensor/index.js";
import { version } from "../version.js";
import type { Detector } from "./detector.js";
import { refuseOpenDoors } from "./doors.js";
import { addCommonFlags, type CommonFlags, healthPortFlag } from "./flags.js";
import { keepMemorySmall } from "./memory.js";
import { type RunParts, run } from "./run.js";
import type { SelfTestFlags } from "./self-test-command.js";

/** A detector as a command: its word, its own flags, and what they make. */
export interface DetectorCommand<Flags, Rules> {
  readonly name: string;
  readonly description: string;
  addFlags(command: Command): void;
  /** @throws UsageError */
  create(flags: Flags): Detector<Rules>;
}

/** Any detector's command: nothing but `create` knows which flags and rules it has. */
// biome-ignore lint/suspicious/noExplicitAny: each is only handed what it made itself.
export type AnyDetectorCommand = DetectorCommand<any, any>;

/**
 * Read the command line and do what it says; the process ends here, by a signal or by an error.
 *
 * @param others - Add commands that run no detector.
 */
export async function main(
  detectors: readonly AnyDetectorCommand[],
  others: readonly ((program: Command) => void)[] = [],
  parts: RunParts = {},
): Promise<void> {
  const program = commands(detectors, others, parts);
  try {
    refuseOpenDoors(process.env, debuggerUrl(), process.execArgv);
    await program.parseAsync();
  } catch (error) {
    process.stderr.write(describeError(error));
    process.exit(1);
  }
}

/** The command line of {@link main}, not read yet. */
export function commands(
  detectors: readonly AnyDetectorCommand[],
  others: readonly ((program: Command) => void)[] = [],
  parts: RunParts = {},
): Command {
  const program = new Command("cryptnono")
    .description("Guards a node against cryptominers, in the kernel.")
    .version(version())
    .showHelpAfterError("  --help lists the flags")
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "cryptnono: ")) });
  for (const detector of detectors) addDetector(program, detector, parts);
  for (const add of others) add(program);
  addSelfTest(program);
  addUnpin(program);
  return program;
}

function addDetector(program: Command, detector: AnyDetectorCommand, parts: RunParts): void {
  const command = program.command(detector.name).description(detector.description);
  detector.addFlags(command);
  addCommonFlags(command);
  command.action(async (flags: CommonFlags) => {
    const created = detector.create(flags);
    const options = {
      ...flags,
      ...created.wishes,
      pinDir: flags.pinDir ?? null,
      nodeName: flags.nodeName ?? hostname(),
      env: process.env,
    };
    const running = await run(created, options, parts);
    keepMemorySmall();
    const end = () => {
      running.stop().then(
        () => process.exit(0),
        (error: unknown) => {
          process.stderr.write(describeError(error));
          process.exit(1);
        },
      );
    };
    process.once("SIGTERM", end);
    process.once("SIGINT", end);
    process.on("SIGHUP", () => running.reload());
  });
}

function addSelfTest(program: Command): void {
  program
    .command("selftest")
    .description("have a running agent kill a child of its own, and say how that went")
    .argument("[detector]", "which one is meant to answer")
    .addOption(healthPortFlag("the agent's --health-port"))
    .option("--json", "for programs", false)
    .action(async (detector: string | undefined, flags: SelfTestFlags) => {
      const { askSelfTest } = await import("./self-test-command.js");
      process.exitCode = await askSelfTest(detector, flags);
    });
}

function addUnpin(program: Command): void {
  program
    .command("unpin")
    .description("remove from this node what an agent pinned there")
    .requiredOption("--pin-dir <dir>", "the agent's --pin-dir")
    .action(({ pinDir }: { pinDir: string }) => {
      const removed = unpin(pinDir);
      process.stderr.write(`cryptnono: removed ${removed} pinned sensor${removed === 1 ? "" : "s"}\n`);
    });
}
