// What some config may ask for beside strings on command lines, asked before it is read: the kernel's parts that look for it are
// loaded only then.
import { readWhole } from "../../config/index.js";
import type { RulesInForce } from "./types.js";

/** What looks beside the guard, and is not always there. */
export interface Beside {
  readonly wallets: boolean;
  readonly environment: boolean;
}

/** @returns true for what a file names anywhere; one that cannot be read has none, and is refused later. */
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

/** What rules want of it. */
export function wantedBy({ wallets = [] }: Pick<RulesInForce, "wallets">, environment: unknown): Beside {
  return { wallets: wallets.length > 0, environment: environment !== null };
}

/** What comes by a reload, while the kernel's part was loaded without what looks for it. */
export class NotLoaded extends Error {
  override readonly name = "NotLoaded";
  readonly hint: string;

  constructor(what: keyof Beside) {
    super(
      `load the config: it has ${what === "wallets" ? "wallets" : "rules for the environment"}, and the agent was started without any`,
    );
    this.hint = `restart the agent (kubectl rollout restart), or leave ${
      what === "wallets" ? 'an empty "wallets": []' : 'a string with "environment": false'
    } in a list from the start`;
  }
}
