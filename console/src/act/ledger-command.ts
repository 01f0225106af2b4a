// `cryptnono ledger`: the hashed offenders of this deployment as JSON lines, or those of another that are ours too.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { wholeNumber } from "../console.js";
import { openDatabase } from "../keep/database.js";
import { exportLedger, knownElsewhere } from "./ledger.js";
import { readKey } from "./shared-ledger.js";

interface LedgerFlags {
  readonly data: string;
  readonly keyFile: string;
  readonly days: number;
  readonly compare?: string;
}

export function addLedger(program: Command): void {
  program
    .command("ledger")
    .description("share offenders with another deployment, by keyed hashes")
    .requiredOption("--data <dir>", "directory of the console's database")
    .requiredOption("--key-file <file>", "file with the key that both deployments have")
    .option("--days <n>", "days that are looked at", wholeNumber(1, 3650), 30)
    .option("--compare <file>", "another deployment's ledger: print whom of ours it knows; without it ours is printed")
    .action(({ data, keyFile, days, compare }: LedgerFlags) => {
      const key = readKey(keyFile);
      const { db } = openDatabase(join(data, "console.sqlite"));
      const lines =
        compare === undefined
          ? exportLedger(db, key, days, Date.now())
          : knownElsewhere(db, key, readFileSync(compare, "utf8"), days, Date.now());
      for (const line of lines) process.stdout.write(`${JSON.stringify(line)}\n`);
      db.close();
    });
}
