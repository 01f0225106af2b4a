// Monero on the command line: its flags.
import { type Command, Option } from "commander";
import type { DetectorCommand } from "../../run/command.js";
import { configFlag, MOST_TIMER_SECONDS, modeFlag, numberFlag } from "../../run/flags.js";
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
  readonly wholeLines: number;
}

export const moneroCommand: DetectorCommand<Flags, MoneroRules> = {
  name: "monero",
  description: "kill what computes RandomX",
  addFlags,
  create({ config, mode, wholeLines, ...flags }) {
    const { minSamples, minEach, minPercent, halfLife } = flags;
    const registers = capped(flags.registers, mode);
    const fourModes = capped(flags.fourModes, mode);
    return monero({
      config,
      wholeLines,
      rounding: { registers, fourModes, minSamples, minEach, minPercent, halfLife },
    });
  },
};

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
    );
}

function ruleFlag(flags: string, description: string, preset: RuleMode): Option {
  return new Option(flags, description).choices(RULE_MODES).default(preset);
}
