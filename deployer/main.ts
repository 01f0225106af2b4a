// The command line: words to acts, errors to stderr. What people read goes to stderr as `deployer: ...`, what can be piped to
// stdout. Exit status: 0; 1 for any error; 3 for «there is a change» under --dry-run and --summary.
import { readFileSync } from "node:fs";
import { Command, InvalidArgumentError } from "commander";
import { explainString } from "./commands/explain_string/explain.js";
import { type GenerateOptions, generateSecretConfig } from "./commands/generate/cryptnono_config/generate.js";
import { GENERATED_LIST } from "./commands/generate/cryptnono_config/run.js";
import { generatePoolNames, type NamesOptions } from "./commands/generate/cryptnono_pool_names/generate.js";
import type { PromoteOptions } from "./commands/promote/promote.js";
import { DeployerError, GeneratorError } from "./errors.js";
import { packageFile } from "./generator/package-file.js";
import { findPaths } from "./paths.js";

const output = {
  out: (line: string) => void process.stdout.write(`${line}\n`),
  say: (line: string) => void process.stderr.write(`deployer: ${line}\n`),
};

const { version } = JSON.parse(readFileSync(packageFile("package.json"), "utf8")) as { version: string };
const program = new Command("deployer").description("Tools for the deployment of cryptnono").version(version);
const generate = program.command("generate").description("Make files of the deployment");

generate
  .command("cryptnono-secret-config")
  .description(
    "Regenerate the banned strings in helm-charts/support/enc-cryptnono.secret.values.yaml, encrypted by sops",
  )
  .option("--dry-run", "write nothing; say how many strings would change; exit 3 if any would")
  .option("--summary", "as --dry-run, by rule and source, with what was dropped, why, and what each rule hits")
  .option("--json", "with --summary: the numbers by rule as JSON")
  .option("--show-strings", "print the strings that change (they are secret)")
  .option("--candidate", "put them beside the list in force, to be tried before they kill")
  .action(async (options: GenerateOptions) => {
    process.exitCode = await generateSecretConfig(findPaths(), options, output);
  });

generate
  .command("cryptnono-pool-names")
  .description("Regenerate the pools' names for flowkiller in the same file, from the same generator")
  .option("--dry-run", "write nothing; say how many names would change; exit 3 if any would")
  .option("--show-names", "print the names that change, and those that are dropped, with the reason (they are secret)")
  .action(async (options: NamesOptions) => {
    process.exitCode = await generatePoolNames(findPaths(), options, output);
  });

generate
  .command("check-blocklist-generator")
  .description("Type-check the generator: the decrypted file if there is one, else the encrypted one, in memory")
  .action(async () => {
    // The compiler is loaded by this command alone.
    const { checkGenerator } = await import("./commands/generate/cryptnono_config/check-generator.js");
    output.say(`${await checkGenerator(findPaths())} has no errors`);
  });

program
  .command("promote")
  .description("Put a candidate in the place of the list in force, once it has been tried for long enough")
  .argument("[list]", "the candidate's name", GENERATED_LIST)
  .option("--log <file...>", "logs of the agents, one JSON line each; - is standard input")
  .option("--prometheus <url>", "ask Prometheus for the agents' metrics instead; PROMETHEUS_TOKEN is its bearer token")
  .option("--hours <n>", "as long it must have been compared", wholeNumber, 24)
  .option("--execs <n>", "at so many execs", wholeNumber, 100_000)
  .option("--most-pods <n>", "and in as many pods at most may a process fare otherwise", wholeNumber, 0)
  .option("--metrics-prefix <prefix>", "CRYPTNONO_METRICS_PREFIX of the agents", "cryptnono")
  .option("--dry-run", "write nothing; exit 3 if it would be promoted")
  .action(async (list: string, options: PromoteOptions) => {
    const { promote } = await import("./commands/promote/promote.js");
    process.exitCode = await promote(findPaths(), list, options, output);
  });

program
  .command("explain-string")
  .description("Say which source and rule put a string into the list, or why it is not there")
  .argument(
    "<string>",
    "the string; - reads it from standard input, where no process list and no shell history shows it",
  )
  .action(async (string: string) => {
    for (const line of await explainString(findPaths(), string === "-" ? await readInput() : string)) output.out(line);
  });

// `deployer ... | head` is no reason to leave the work half done.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") fail(error);
});

// What the generator throws where nothing can catch it must not be printed by Node, which shows the message and the line.
process.on("uncaughtException", () => {
  fail(new GeneratorError("run the generator: an exception was thrown outside of generate()"));
  process.exit();
});
process.on("unhandledRejection", () => {
  fail(
    new GeneratorError("run the generator: a promise was rejected that nobody waits for", {
      hint: "await every promise in the generator",
    }),
  );
  process.exit();
});

await program.parseAsync().catch(fail);

function fail(error: unknown): void {
  process.exitCode = 1;
  if (error instanceof DeployerError) {
    output.say(error.message);
    if (error.hint !== undefined) process.stderr.write(`  hint: ${error.hint}\n`);
  } else {
    // A mistake in the deployer: the place helps, and the message could hold anything.
    const frames = (error as Error).stack?.split("\n").filter((line) => /^\s+at /.test(line)) ?? [];
    output.say(`unexpected ${(error as Error).name}\n${frames.join("\n")}`);
  }
}

function wholeNumber(text: string): number {
  if (/^\d{1,12}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be a whole number.");
}

async function readInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
