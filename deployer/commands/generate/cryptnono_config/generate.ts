// `deployer generate cryptnono-secret-config`: make the list anew and put it, encrypted, in the place of the old one.

import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { DeployerError } from "../../../errors.js";
import { attackLines } from "../../../generator/attack-lines.js";
import { benignLines } from "../../../generator/benign-lines.js";
import { measure } from "../../../generator/measure.js";
import type { BannedList } from "../../../generator/types.js";
import { type Paths, shown } from "../../../paths.js";
import { CANDIDATES } from "../../../sops/encrypted-lists.js";
import { entriesOf, listsInClear, readValues, replaceList, restOf, type Values } from "../../../sops/values-file.js";
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
  /** The list becomes a candidate beside the one in force, which stays as it is. */
  readonly candidate?: boolean;
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
    if (options.candidate === true) {
      status = await writeCandidate(paths, before, list, isChange(changes), readOnly, output);
    } else if (readOnly) {
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

/** Beside the list in force, with what stands beside its strings: the list as it would be. */
async function writeCandidate(
  paths: Paths,
  before: Values,
  list: BannedList,
  isOther: boolean,
  readOnly: boolean,
  { out, say }: Output,
): Promise<number> {
  listsInClear(paths.root, paths.values, before, GENERATED_LIST, CANDIDATES);
  const known = compareLists(entriesOf(before, GENERATED_LIST, CANDIDATES), list);
  const { revision: _, ...beside } = restOf(before, GENERATED_LIST, CANDIDATES) ?? {};
  const { mode: __, wallets: ___, ...inForce } = restOf(before, GENERATED_LIST) ?? {};
  const isThere = !isChange(known) && isDeepStrictEqual(beside, inForce);
  if (!isOther || isThere) {
    say(
      isThere ? `the candidate of ${GENERATED_LIST} is up to date` : `${GENERATED_LIST} is up to date: nothing to try`,
    );
    return 0;
  }
  if (readOnly) return 3;
  const revision = `${new Date().toISOString().slice(0, 10)}.${randomBytes(3).toString("hex")}`;
  const rest = { ...inForce, revision };
  await replaceList(paths.root, paths.values, before, GENERATED_LIST, toEntries(list.kept), CANDIDATES, { rest });
  out(`candidate of ${GENERATED_LIST}: revision ${revision}`);
  say(`wrote ${shown(paths, paths.values)}: deploy it, and then deployer promote`);
  return 0;
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
