// Whether some config may have wallets, asked before it is read: the kernel's part that looks for them is loaded only then.
import { readWhole } from "../../../config/index.js";

/** @returns true for a file that says "wallets" anywhere; one that cannot be read has none, and is refused later. */
export function mayHaveWallets(files: readonly string[]): boolean {
  return files.some((file) => {
    try {
      return Buffer.from(readWhole(file)).includes('"wallets"');
    } catch {
      return false;
    }
  });
}

/** Wallets that come by a reload, while the kernel's part was loaded without what looks for them. */
export class WalletsNotLoaded extends Error {
  override readonly name = "WalletsNotLoaded";
  readonly hint =
    'restart the agent (kubectl rollout restart), or leave an empty "wallets": [] in a list from the start';

  constructor() {
    super("load the config: it has wallets, and the agent was started without any");
  }
}
