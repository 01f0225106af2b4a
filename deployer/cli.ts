// The command line: words to acts, errors to stderr. What people read goes to stderr as `deployer: ...`, what can be piped to
// stdout. Exit status: 0; 1 for any error; 3 for «there is a change» under --dry-run and --summary.
import { readFileSync } from "node:fs";
import { Command, InvalidArgumentError } from "commander";
import { explainString } from "./commands/explain_string/explain.js";
import { type GenerateOptions, generateSecretConfig } from "./commands/generate/cryptnono_config/generate.js";
import { GENERATED_LIST } from "./commands/generate/cryptnono_config/run.js";
import { generatePoolNames, type NamesOptions } from "./commands/generate/cryptnono_pool_names/generate.js";
import type { PromoteOptions } from "./commands/promote/promote.js";
import { DeployerError } from "./errors.js";
import { packageFile } from "./generator/package-file.js";
import { findPaths } from "./paths.js";

/** Where text goes. */
export interface Streams {
  out(text: string): void;
  err(text: string): void;
}

/**
 * @param words - The command line, without the program.
 * @param from - The folder from which the repository is looked for.
 * @returns The exit status.
 */
export async function deployer(words: readonly string[], from: string, streams: Streams): Promise<number> {
  let status = 0;
  const program = commands(from, streams, (is) => {
    status = is;
  });
  await program.parseAsync(words, { from: "user" }).catch((error: unknown) => {
    tell(error, streams);
    status = 1;
  });
  return status;
}

/** Say what went wrong, and nothing that could hold a string of a list. */
export function tell(error: unknown, { err }: Streams): void {
  if (error instanceof DeployerError) {
    err(`deployer: ${error.message}\n`);
    if (error.hint !== undefined) err(`  hint: ${error.hint}\n`);
  } else {
    // A mistake in the deployer: the place helps, and the message could hold anything.
    const frames = (error as Error).stack?.split("\n").filter((line) => /^\s+at /.test(line)) ?? [];
    err(`deployer: unexpected ${(error as Error).name}\n${frames.join("\n")}\n`);
  }
}

function commands(from: string, streams: Streams, endWith: (status: number) => void): Command {
  const output = {
    out: (line: string) => streams.out(`${line}\n`),
    say: (line: string) => streams.err(`deployer: ${line}\n`),
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
      endWith(await generateSecretConfig(findPaths(from), options, output));
    });

  generate
    .command("cryptnono-pool-names")
    .description("Regenerate the pools' names for flowkiller in the same file, from the same generator")
    .option("--dry-run", "write nothing; say how many names would change; exit 3 if any would")
    .option(
      "--show-names",
      "print the names that change, and those that are dropped, with the reason (they are secret)",
    )
    .action(async (options: NamesOptions) => {
      endWith(await generatePoolNames(findPaths(from), options, output));
    });

  generate
    .command("check-blocklist-generator")
    .description("Type-check the generator: the decrypted file if there is one, else the encrypted one, in memory")
    .action(async () => {
      // The compiler is loaded by this command alone.
      const { checkGenerator } = await import("./commands/generate/cryptnono_config/check-generator.js");
      output.say(`${await checkGenerator(findPaths(from))} has no errors`);
    });

  program
    .command("promote")
    .description("Put a candidate in the place of the list in force, once it has been tried for long enough")
    .argument("[list]", "the candidate's name", GENERATED_LIST)
    .option("--log <file...>", "logs of the agents, one JSON line each; - is standard input")
    .option(
      "--prometheus <url>",
      "ask Prometheus for the agents' metrics instead; PROMETHEUS_TOKEN is its bearer token",
    )
    .option("--hours <n>", "as long it must have been compared", wholeNumber, 24)
    .option("--execs <n>", "at so many execs", wholeNumber, 100_000)
    .option("--most-pods <n>", "and in as many pods at most may a process fare otherwise", wholeNumber, 0)
    .option("--metrics-prefix <prefix>", "CRYPTNONO_METRICS_PREFIX of the agents", "cryptnono")
    .option("--dry-run", "write nothing; exit 3 if it would be promoted")
    .action(async (list: string, options: PromoteOptions) => {
      const { promote } = await import("./commands/promote/promote.js");
      endWith(await promote(findPaths(from), list, options, output));
    });

  program
    .command("explain-string")
    .description("Say which source and rule put a string into the list, or why it is not there")
    .argument(
      "<string>",
      "the string; - reads it from standard input, where no process list and no shell history shows it",
    )
    .action(async (string: string) => {
      for (const line of await explainString(findPaths(from), string === "-" ? await readInput() : string))
        output.out(line);
    });

  return program;
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
