// The commands that ask lists of addresses without a kernel. Each one's code is loaded when it is given: an agent needs none of it.
import { type Command, Option } from "commander";
import { configFlag } from "../../../run/flags.js";
import { addSettingFlags, saidBy } from "../command.js";
import { SECTION } from "../settings.js";

const SETTINGS = `JSON file with settings, {"${SECTION}": {...}} (again and again)`;

/** Each adds one command. */
export const flowkillerTools: readonly ((program: Command) => void)[] = [addExplain, addCheck];

interface Flags extends Readonly<Record<string, unknown>> {
  readonly config: readonly string[];
  readonly json: boolean;
}

function addExplain(program: Command): void {
  const command = program
    .command("explain-destination")
    .description("say whether an address, with a port or for all of them, or a name would be refused, and why")
    .argument("<destinations...>")
    .addOption(configFlag(SETTINGS))
    .option("--json", "for programs", false)
    .action(async (destinations: string[], flags: Flags) => {
      const { explainDestinations } = await import("./explain.js");
      process.exitCode = explainDestinations(destinations, { ...flags, said: saidBy(flags) });
    });
  addSettingFlags(command);
}

function addCheck(program: Command): void {
  const command = program
    .command("check-destinations")
    .description("say what may be wrong with lists of addresses and of names")
    .addOption(configFlag(SETTINGS))
    .addOption(
      new Option("--fail-on <level>", "what makes the status 3: findings of this level or a worse one")
        .choices(["warning", "info"])
        .default("warning"),
    )
    .option("--json", "for programs", false)
    .action(async (flags: Flags & { readonly failOn: "warning" | "info" }) => {
      const { checkDestinations } = await import("./check.js");
      process.exitCode = checkDestinations({ ...flags, said: saidBy(flags) });
    });
  addSettingFlags(command);
}
