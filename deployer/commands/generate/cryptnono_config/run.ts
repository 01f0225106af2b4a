// One run of the generator: decrypt it into memory, evaluate it, and hand what it writes to whoever asked.
import { GeneratorError } from "../../../errors.js";
import type { BannedList } from "../../../generator/types.js";
import { type Paths, shown } from "../../../paths.js";
import { runSops } from "../../../sops/run.js";
import { checkList } from "./check-list.js";
import { loadGenerator } from "./load-generator.js";

/** The list that the generator's part of the values file is called. */
export const GENERATED_LIST = "encrypted-02";

/** The list written by people, which the deployer leaves alone. */
export const HAND_LIST = "encrypted-01";

/** The generator's source, decrypted by sops into memory. */
export async function decryptGenerator(paths: Paths): Promise<string> {
  const name = shown(paths, paths.encryptedGenerator);
  const source = await runSops({ act: `decrypt ${name}`, args: ["--decrypt", name], cwd: paths.root });
  return source.toString();
}

/**
 * Decrypt and run the generator.
 *
 * @param write - Called with the checked list when the generator calls `tools.write`.
 * @throws DeployerError in all its kinds. `write` has then not been called, or has thrown.
 */
export async function runGenerator(
  paths: Paths,
  showStrings: boolean,
  write: (list: BannedList) => Promise<void>,
): Promise<void> {
  const source = await decryptGenerator(paths);
  const generator = await loadGenerator(source, paths.plainGenerator, showStrings);
  let written = false;
  await generator.run(paths.values, {
    async write(valuesPath, list) {
      if (valuesPath !== paths.values)
        throw new GeneratorError("write: the generator named another file than it was given");
      checkList(GENERATED_LIST, list.kept);
      await write(list);
      written = true;
    },
  });
  if (!written) {
    throw new GeneratorError(`run ${shown(paths, paths.plainGenerator)}: it ended without a list`, {
      hint: "await tools.write(valuesPath, list)",
    });
  }
}
