// `deployer promote`: a candidate takes the place of the list in force, once it has been tried for long enough.

import { DeployerError } from "../../errors.js";
import type { Paths } from "../../paths.js";
import { shown } from "../../paths.js";
import { CANDIDATES, STRINGS } from "../../sops/encrypted-lists.js";
import { entriesOf, listsInClear, readValues, replaceList, restOf } from "../../sops/values-file.js";
import type { Output } from "../generate/cryptnono_config/generate.js";
import { trialByLogs } from "./logs.js";
import { trialByPrometheus } from "./prometheus.js";
import { type Gate, reasonsAgainst, type Tried } from "./trial.js";

export interface PromoteOptions extends Gate {
  readonly log?: readonly string[];
  readonly prometheus?: string;
  readonly metricsPrefix: string;
  readonly dryRun?: boolean;
}

/**
 * @returns The exit status: 0, or 3 when nothing was to be written and it would be promoted.
 * @throws DeployerError when the gate refuses it, among others. The values file is then as it was.
 */
export async function promote(
  paths: Paths,
  list: string,
  options: PromoteOptions,
  { out, say }: Output,
): Promise<number> {
  if ((options.log === undefined) === (options.prometheus === undefined))
    throw new DeployerError("promote: give one of --log FILE and --prometheus URL", {
      hint: "what the agents say of the candidate is the gate",
    });
  const before = await readValues(paths.root, paths.values);
  const candidate = restOf(before, list, CANDIDATES);
  if (candidate === null)
    throw new DeployerError(`promote ${list}: ${shown(paths, paths.values)} has no such candidate`, {
      hint: "deployer generate cryptnono-secret-config --candidate makes one",
    });
  const { revision, replaces = list, mode: _, ...beside } = candidate;
  if (typeof revision !== "string" || revision === "")
    throw new DeployerError(`promote ${list}: the candidate has no revision, and nobody can say which one was tried`);
  const target = String(replaces);
  for (const [name, kind] of [
    [list, CANDIDATES],
    [target, STRINGS],
  ] as const)
    listsInClear(paths.root, paths.values, before, name, kind);
  const tried: Tried = { list, revision };
  const trial =
    options.log === undefined
      ? await trialByPrometheus(options.prometheus!, tried, options.metricsPrefix)
      : await trialByLogs(options.log, tried);
  out(
    `${list} of revision ${revision}: compared for ${trial.hours.toFixed(1)} hours at ${Math.floor(trial.execs)} execs; ` +
      `pods where it would kill: ${trial.wouldKill}, let live: ${trial.wouldLive}, unknown: ${trial.unknown}`,
  );
  const reasons = reasonsAgainst(trial, options);
  if (reasons.length > 0)
    throw new DeployerError(`promote ${list}: refused: ${reasons.join("; ")}`, {
      hint: "cryptnono compare --candidate-only says by which strings; wait, mend the list, or ask for less",
    });
  if (options.dryRun === true) return 3;
  const entries = entriesOf(before, list, CANDIDATES);
  // What is not compared stays: what a find leads to, and wallets.
  const { mode, wallets } = restOf(before, target) ?? {};
  const rest = { ...(mode === undefined ? {} : { mode }), ...(wallets === undefined ? {} : { wallets }), ...beside };
  const remove = { list, kind: CANDIDATES };
  await replaceList(paths.root, paths.values, before, target, entries, STRINGS, { rest, remove });
  say(`wrote ${shown(paths, paths.values)}: ${target} has ${entries.length} entries, and the candidate is gone`);
  return 0;
}
