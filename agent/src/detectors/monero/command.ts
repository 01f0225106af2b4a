// Monero on the command line: its flags.
import { type Command, Option } from "commander";
import type { DetectorCommand } from "../../run/command.js";
import { configFlag, MOST_TIMER_SECONDS, modeFlag, numberFlag, numberIn } from "../../run/flags.js";
import type { ExplainOptions } from "./explain.js";
import { type MoneroRules, monero } from "./index.js";
import { capped, RULE_MODES, type RuleMode } from "./settings.js";

interface Flags {
  readonly config: readonly string[];
  readonly mode: "enforce" | "audit";
  readonly registers: RuleMode;
  readonly fourModes: RuleMode;
  readonly minSamples: number;
  readonly minEach: number;
  readonly minPercent: number;
  readonly halfLife: number;
  readonly memory: RuleMode;
  readonly memoryEvery: number;
  readonly memoryPercent: number;
  readonly memoryAtExec: boolean;
  readonly ticks: number;
  readonly wholeLines: number;
  readonly scopePid: number;
}

export const moneroCommand: DetectorCommand<Flags, MoneroRules> = {
  name: "monero",
  description: "kill what computes RandomX",
  addFlags,
  create({ config, mode, ticks, wholeLines, scopePid, ...flags }) {
    const { minSamples, minEach, minPercent, halfLife } = flags;
    const registers = capped(flags.registers, mode);
    const fourModes = capped(flags.fourModes, mode);
    return monero({
      config,
      ticks,
      wholeLines,
      scopePid,
      memory: {
        mode: capped(flags.memory, mode),
        every: flags.memoryEvery,
        leastPercent: flags.memoryPercent,
        atExec: flags.memoryAtExec,
      },
      rounding: { registers, fourModes, minSamples, minEach, minPercent, halfLife },
    });
  },
};

/** Commands beside the detector. */
export const moneroTools: readonly ((program: Command) => void)[] = [
  (program) =>
    program
      .command("explain-computing")
      .description("say what the running monero has seen of a process so far")
      .argument("<pid>", "the process's number on the node", numberIn({ least: 1, most: 4_194_304 }))
      .requiredOption("--pin-dir <dir>", "the agent's --pin-dir")
      .option("--json", "for programs", false)
      .action(async (pid: number, options: ExplainOptions) => {
        const { explainProcess } = await import("./explain.js");
        process.exitCode = explainProcess(pid, options);
      }),
];

function addFlags(command: Command): void {
  command
    .addOption(configFlag('JSON file with allow patterns, {"allowedCommandPatterns": [...]} (again and again)'))
    .addOption(modeFlag())
    .addOption(ruleFlag("--registers <mode>", "for a process with RandomX's constants in its registers", "enforce"))
    .addOption(ruleFlag("--four-modes <mode>", "for a process that rounds in all four modes", "audit"))
    .addOption(
      numberFlag("--min-samples <n>", "four modes: least samples for a verdict", { least: 4, most: 1_000_000 }, 20),
    )
    .addOption(
      numberFlag("--min-each <n>", "four modes: least samples of each directed mode", { least: 1, most: 1_000_000 }, 3),
    )
    .addOption(
      numberFlag("--min-percent <n>", "four modes: least share of each directed mode", { least: 1, most: 33 }, 8),
    )
    .addOption(
      numberFlag(
        "--half-life <seconds>",
        "four modes: time after which counts are halved",
        { least: 1, most: MOST_TIMER_SECONDS },
        60,
      ),
    )
    .addOption(
      numberFlag(
        "--ticks <n>",
        "times a second at which a processor that computes is interrupted, to be looked at; all together at most 100",
        { least: 1, most: 100, zero: "not" },
        10,
      ),
    )
    .addOption(ruleFlag("--memory <mode>", "for a process that burns CPU and holds an algorithm's constants", "audit"))
    .addOption(
      numberFlag(
        "--memory-every <seconds>",
        "memory: time between two looks at who burns CPU",
        { least: 2, most: 86_400 },
        20,
      ),
    )
    .addOption(
      numberFlag(
        "--memory-percent <n>",
        "memory: share of one processor from which on a process is looked into",
        { least: 1, most: 100 },
        30,
      ),
    )
    .option(
      "--memory-at-exec",
      "memory: look into each file as it begins to run, and then each second whether it burns CPU",
      false,
    );
}

function ruleFlag(flags: string, description: string, preset: RuleMode): Option {
  return new Option(flags, description).choices(RULE_MODES).default(preset);
}
