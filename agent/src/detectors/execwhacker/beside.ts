// What looks beside the guard and is loaded only once some config asks for it: wallets, and the environment.
import { readWhole } from "../../config/index.js";
import type { CompiledRules } from "./rules.js";

export interface Beside {
  readonly wallets: boolean;
  readonly environment: boolean;
}

/**
 * What configs may ask for, before they are read: it is loaded with the guard then.
 *
 * @returns true for what a file names anywhere; one that cannot be read has none, and is refused later.
 */
export function mayHave(files: readonly string[]): Beside {
  const contents = files.map((file) => {
    try {
      return Buffer.from(readWhole(file));
    } catch {
      return Buffer.alloc(0);
    }
  });
  const names = (key: string) => contents.some((content) => content.includes(key));
  return { wallets: names('"wallets"'), environment: names('"environment"') };
}

/** What rules want. */
export function wantedBy({ rules, list }: Pick<CompiledRules, "rules" | "list">): Beside {
  return { wallets: (rules.wallets ?? []).length > 0, environment: list.environment !== null };
}

/** null: nothing. */
export function missingOf(wanted: Beside, loaded: Beside): Beside | null {
  const missing = {
    wallets: wanted.wallets && !loaded.wallets,
    environment: wanted.environment && !loaded.environment,
  };
  return missing.wallets || missing.environment ? missing : null;
}

export function bothOf(a: Beside, b: Beside): Beside {
  return { wallets: a.wallets || b.wallets, environment: a.environment || b.environment };
}
