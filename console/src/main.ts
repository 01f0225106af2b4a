// The console's commands, in a bundle of their own: an agent never loads it. The only place that reads argv and ends the process.
import { describeError } from "@cryptnono/agent/errors";
import { version } from "@cryptnono/agent/version";
import { Command } from "commander";
import { addLedger } from "./act/ledger-command.js";
import { addConsole } from "./console.js";
import { addWatch } from "./watch/command.js";

const program = new Command("cryptnono")
  .description("Shows what the agents on all nodes say.")
  .version(version())
  .showHelpAfterError("  --help lists the flags")
  .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "cryptnono: ")) });
addConsole(program);
addWatch(program);
addLedger(program);
try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(describeError(error));
  process.exit(1);
}
