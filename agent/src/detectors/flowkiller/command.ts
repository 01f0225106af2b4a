// Flowkiller on the command line: its flags, and its settings as flags.
import { type Command, InvalidArgumentError, Option } from "commander";
import type { DetectorCommand } from "../../run/command.js";
import { configFlag, modeFlag } from "../../run/flags.js";
import { type FlowkillerOptions, type FlowRules, flowkiller } from "./index.js";
import type { KillWay } from "./kill-way.js";
import { KINDS, parseFlag, type Said, SECTION, SETTING_NAMES } from "./settings.js";

interface Flags {
  readonly config: readonly string[];
  readonly mode: "enforce" | "audit";
  readonly cgroupRoot?: string;
  readonly wholeLines: number;
  readonly killWay?: KillWay;
}

export const flowkillerCommand: DetectorCommand<Flags, FlowRules> = {
  name: "flowkiller",
  description: "refuse banned destinations, and kill who connects to them",
  addFlags,
  create(flags) {
    const { config, mode, wholeLines, killWay } = flags;
    return flowkiller({
      config,
      mode,
      wholeLines,
      said: saidBy(flags as unknown as Readonly<Record<string, unknown>>),
      cgroupRoot: flags.cgroupRoot ?? null,
      ...(killWay === undefined ? {} : { killWay }),
    } satisfies FlowkillerOptions);
  },
};

function addFlags(command: Command): void {
  command
    .addOption(configFlag(`JSON file with settings, {"${SECTION}": {...}} (again and again)`))
    .addOption(modeFlag())
    .option("--cgroup-root <dir>", "the node's root cgroup2; else it is looked for, and mounted where there is none")
    .addOption(
      new Option("--kill-way <way>", "another way to kill than the best of this kernel")
        .choices(["in-hook", "by-printk", "by-agent", "at-state"])
        .hideHelp(),
    );
  addSettingFlags(command);
}

/** `--FlowKiller.<name> <value>` for each setting. */
export function addSettingFlags(command: Command): void {
  for (const name of SETTING_NAMES) {
    command.addOption(
      new Option(`--${SECTION}.${name} <value>`, KINDS[name].about).argParser((text: string, before: unknown) => {
        const value = parseFlag(name, text);
        if (value === undefined) throw new InvalidArgumentError(`It must be ${KINDS[name].expected}.`);
        // A list's flag again and again is one list.
        return Array.isArray(value) && Array.isArray(before) ? [...before, ...value] : value;
      }),
    );
  }
}

/** The settings among what commander read, which keeps them by `FlowKiller.<name>`. */
export function saidBy(flags: Readonly<Record<string, unknown>>): Said {
  const said = SETTING_NAMES.flatMap((name) => {
    const value = flags[`${SECTION}.${name}`];
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(said) as Said;
}
