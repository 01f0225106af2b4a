// `deployer generate cryptnono-secret-config`: make the list anew and put it, encrypted, in the place of the old one.

import { DeployerError } from "../../../errors.js";
import { attackLines } from "../../../generator/attack-lines.js";
import { benignLines } from "../../../generator/benign-lines.js";
import { measure } from "../../../generator/measure.js";
import type { BannedList } from "../../../generator/types.js";
import { type Paths, shown } from "../../../paths.js";
import { entriesOf, listsInClear, readValues, replaceList } from "../../../sops/values-file.js";
import {
  type Changes,
  compareLists,
  data,
  droppedByHand,
  isChange,
  oneLine,
  strings,
  summary,
  table,
  toEntries,
} from "./changes.js";
import { GENERATED_LIST, runGenerator } from "./run.js";

/** How it is done. `dryRun` and `summary` write nothing; with `json` the summary is data. */
export interface GenerateOptions {
  readonly dryRun?: boolean;
  readonly summary?: boolean;
  readonly json?: boolean;
  readonly showStrings?: boolean;
}

/** Where words go: `out` can be piped, `say` is for people. */
export interface Output {
  out(line: string): void;
  say(line: string): void;
}

/** @returns The exit status: 0, or 3 when nothing was to be written and there is a change. */
export async function generateSecretConfig(paths: Paths, options: GenerateOptions, output: Output): Promise<number> {
  const readOnly = options.dryRun === true || options.summary === true;
  if (options.json === true && (options.summary !== true || options.showStrings === true)) {
    throw new DeployerError("generate the list: --json goes with --summary, and without --show-strings");
  }
  let status = 0;
  await runGenerator(paths, options.showStrings === true, async (list) => {
    const before = await readValues(paths.root, paths.values);
    for (const name of listsInClear(paths.root, paths.values, before, GENERATED_LIST)) {
      output.say(`${name} stands in clear in ${shown(paths, paths.values)}`);
    }
    const changes = compareLists(entriesOf(before, GENERATED_LIST), list);
    tell(changes, list, options, output);
    if (readOnly) {
      status = isChange(changes) ? 3 : 0;
    } else if (isChange(changes)) {
      await replaceList(paths.root, paths.values, before, GENERATED_LIST, toEntries(list.kept));
      output.say(`wrote ${shown(paths, paths.values)}`);
    } else {
      output.say(`${shown(paths, paths.values)} is up to date`);
    }
  });
  return status;
}

function tell(changes: Changes, list: BannedList, options: GenerateOptions, { out, say }: Output): void {
  if (options.summary) {
    const measures = measure(list, attackLines(), benignLines());
    if (options.json) out(data(changes, measures));
    else
      for (const line of [oneLine(GENERATED_LIST, changes), ...summary(changes, list), ...table(measures)]) out(line);
  } else {
    out(oneLine(GENERATED_LIST, changes));
  }
  if (options.showStrings) for (const line of strings(changes, list)) out(line);
  const { length } = droppedByHand(list);
  if (length > 0 && !options.showStrings) {
    say(`${length} ${length === 1 ? "string" : "strings"} written by hand dropped: --show-strings says which and why`);
  }
}
