// `deployer generate cryptnono-secret-config`: make the list anew and put it, encrypted, in the place of the old one.
import type { BannedList } from "../../../generator/types.js";
import { type Paths, shown } from "../../../paths.js";
import { entriesOf, listsInClear, readValues, replaceList } from "../../../sops/values-file.js";
import { attackLines } from "./attack-lines.js";
import {
  type Changes,
  compareLists,
  droppedByHand,
  isChange,
  oneLine,
  quality,
  strings,
  summary,
  toEntries,
} from "./changes.js";
import { GENERATED_LIST, runGenerator } from "./run.js";

/** How it is done. `dryRun` and `summary` write nothing. */
export interface GenerateOptions {
  readonly dryRun?: boolean;
  readonly summary?: boolean;
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
  out(oneLine(GENERATED_LIST, changes));
  if (options.summary) for (const line of [...summary(changes, list), ...quality(list, attackLines())]) out(line);
  if (options.showStrings) for (const line of strings(changes, list)) out(line);
  const { length } = droppedByHand(list);
  if (length > 0 && !options.showStrings) {
    say(`${length} ${length === 1 ? "string" : "strings"} written by hand dropped: --show-strings says which and why`);
  }
}
