// The commands that ask the rules without a kernel. Each one's code is loaded when it is given: an agent needs none of it.
import { FINDING_LEVELS } from "@cryptnono/matcher";
import { type Command, Option } from "commander";
import { configFlag, modeFlag, numberFlag, PID } from "../../../run/flags.js";
import { acrossListsFlag, candidateFlag } from "../list-flags.js";
import type { CheckOptions } from "./check.js";
import type { CompareOptions } from "./compare.js";
import type { ExplainOptions } from "./explain.js";
import { addPodFlags } from "./pod-flags.js";
import type { ReplayOptions } from "./replay.js";

const LISTS = "JSON file with banned strings and allow patterns (again and again)";

/** Each adds one command. */
export const execwhackerTools: readonly ((program: Command) => void)[] = [addExplain, addCheck, addReplay, addCompare];

function addCheck(program: Command): void {
  program
    .command("check")
    .description("say what may be wrong with lists, without a kernel")
    .addOption(configFlag(LISTS))
    .addOption(candidateFlag())
    .addOption(modeFlag())
    .addOption(acrossListsFlag())
    .addOption(
      filesFlag(
        "--benign <file>",
        "file of honest command lines, one each, gzip too: no string may kill one (again and again)",
      ),
    )
    .addOption(
      new Option("--fail-on <level>", "what makes the status 3: findings of this level or a worse one")
        .choices(FINDING_LEVELS)
        .default("error"),
    )
    .option("--json", "for programs", false)
    .option("--show-strings", "print banned strings, and lines that hold them: they are secret", false)
    .action(async (options: CheckOptions) => {
      const { check } = await import("./check.js");
      process.exitCode = check(options);
    });
}

function addExplain(program: Command): void {
  const command = program
    .command("explain")
    .description(
      "say what would become of a command line and why: standard input has its words, quoted as for a shell, or its log line",
    )
    .addOption(configFlag(LISTS))
    .addOption(candidateFlag())
    .addOption(new Option("--mode <mode>").choices(["enforce", "audit"]).default("enforce"))
    .addOption(acrossListsFlag())
    .addOption(placeFlag())
    .addOption(numberFlag("--pid <pid>", "judge this process instead", { ...PID, zero: "standard input" }, 0))
    .option("--env <file>", "its environment: NAME=value, one a line, or as /proc/PID/environ has them")
    .option("--json", "for programs", false)
    .action(async (options: ExplainOptions) => {
      const { explain } = await import("./explain.js");
      process.exitCode = await explain(options);
    });
  addPodFlags(command);
}

function addReplay(program: Command): void {
  const command = program
    .command("replay")
    .description(
      "judge files of command lines, or of the agent's log, by lists, and say what changes; - or none: standard input",
    )
    .argument("[files...]")
    .addOption(configFlag(LISTS))
    .addOption(candidateFlag())
    .addOption(filesFlag("--before <file>", "the lists to compare with; none: what the log says (again and again)"))
    .addOption(modeFlag())
    .addOption(acrossListsFlag())
    .addOption(placeFlag())
    .option("--json", "for programs", false)
    .option("--show-lines", "print lines whose fate changes: they hold banned strings, which are secret", false)
    .action(async (files: string[], options: ReplayOptions) => {
      const { replay } = await import("./replay.js");
      process.exitCode = await replay(files, options);
    });
  addPodFlags(command);
}

function addCompare(program: Command): void {
  program
    .command("compare")
    .description("sum up what agents' logs say of each string: in how many pods it hits; - or none: standard input")
    .argument("[files...]")
    .addOption(
      numberFlag(
        "--most-pods <n>",
        "a string that is only logged and hits in more pods makes the status 3",
        { least: 1, most: 100_000, zero: "no bound" },
        0,
      ),
    )
    .option("--candidate-only", "leave out strings of which no line is a candidate's", false)
    .addOption(
      filesFlag("--known-good <file>", "file of honest command lines, one each, gzip too: how many hold each string"),
    )
    .addOption(filesFlag("--known-bad <file>", "the same of miners' command lines"))
    .option("--json", "for programs", false)
    .option("--show-lines", "print example lines: they hold banned strings, which are secret", false)
    .action(async (files: string[], options: CompareOptions) => {
      const { compare } = await import("./compare.js");
      process.exitCode = await compare(files, options);
    });
}

function placeFlag(): Option {
  return new Option("--place <place>", "where a line runs of which that is not known, for strings with a scope")
    .choices(["containers", "host"])
    .default("containers");
}

function filesFlag(flags: string, description: string): Option {
  return new Option(flags, description)
    .argParser((file: string, before: readonly string[]) => [...before, file])
    .default([]);
}
