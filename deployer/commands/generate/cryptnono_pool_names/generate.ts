// `deployer generate cryptnono-pool-names`: the pools' names behind the list of strings, encrypted in the place of the old ones.
import { ListError } from "../../../errors.js";
import { benignLines } from "../../../generator/benign-lines.js";
import { type PoolNames, poolNames, problemOf } from "../../../generator/pool-names.js";
import { type Paths, shown } from "../../../paths.js";
import { POOL_NAMES } from "../../../sops/encrypted-lists.js";
import { entriesOf, listsInClear, readValues, replaceList } from "../../../sops/values-file.js";
import type { Output } from "../cryptnono_config/generate.js";
import { runGenerator } from "../cryptnono_config/run.js";

/** `detectors.tcpflowkiller.poolNames.<this>`; other lists there are people's. */
export const GENERATED_NAMES = "generated";

export interface NamesOptions {
  /** Write nothing. */
  readonly dryRun?: boolean;
  readonly showNames?: boolean;
}

/**
 * @returns The exit status: 0, or 3 when nothing was to be written and there is a change.
 * @throws DeployerError. The values file is then as it was.
 */
export async function generatePoolNames(paths: Paths, options: NamesOptions, { out, say }: Output): Promise<number> {
  let made: PoolNames = { names: [], dropped: [] };
  await runGenerator(paths, options.showNames === true, async (list) => {
    made = poolNames(list, benignLines());
  });
  const { names, dropped } = made;
  check(names);
  const before = await readValues(paths.root, paths.values);
  for (const name of listsInClear(paths.root, paths.values, before, GENERATED_NAMES, POOL_NAMES)) {
    say(`poolNames.${name} stands in clear in ${shown(paths, paths.values)}`);
  }
  const old = entriesOf(before, GENERATED_NAMES, POOL_NAMES).map(String);
  const [is, was] = [new Set(names), new Set(old)];
  const added = names.filter((name) => !was.has(name));
  const removed = old.filter((name) => !is.has(name));
  const isSame = names.length === old.length && names.every((name, i) => name === old[i]);
  out(
    `poolNames.${GENERATED_NAMES}: ${added.length} added, ${removed.length} removed, ${names.length - added.length} kept`,
  );
  if (options.showNames) {
    for (const name of added) out(`+ ${name}`);
    for (const name of removed) out(`- ${name}`);
    for (const { name, reason } of dropped) out(`! ${JSON.stringify(name)} ${reason}`);
  } else if (dropped.length > 0) {
    say(`${dropped.length} ${dropped.length === 1 ? "name" : "names"} dropped: --show-names says which and why`);
  }
  if (options.dryRun === true) return isSame ? 0 : 3;
  if (isSame) {
    say(`${shown(paths, paths.values)} is up to date`);
  } else {
    await replaceList(paths.root, paths.values, before, GENERATED_NAMES, names, POOL_NAMES);
    say(`wrote ${shown(paths, paths.values)}`);
  }
  return 0;
}

/** The last look before it is encrypted: an agent refuses a list with a line that is no name. */
function check(names: readonly string[]): void {
  if (names.length === 0) {
    throw new ListError("make the list of names: it is empty", {
      hint: "the generator must make candidates with poolHosts() of deployer/generator",
    });
  }
  for (const [i, name] of names.entries()) {
    const problem = problemOf(name);
    if (problem !== null) throw new ListError(`check poolNames.${GENERATED_NAMES}[${i}]: ${problem}`);
  }
}
