// The pod that a line ran in, for scopes by namespaces, pods and labels: by flags, or by the log's own words.
import { NARROW, type Place, type Scopes, scopesIn } from "@cryptnono/matcher";
import { holdsFor, type PodFacts } from "../narrow/scope.js";
import type { Rules } from "../types.js";

/** By a command's flags. */
export interface PodOptions {
  readonly namespace?: string;
  readonly pod?: string;
  readonly label?: Readonly<Record<string, string>>;
}

export const NO_POD = "its pod is not known: strings with a scope by namespaces, pods or labels are taken not to count";

/** Flags fill what the line does not say. undefined: there is no word of a pod. */
export function podOf(logged: PodFacts | undefined, { namespace, pod, label }: PodOptions): PodFacts | undefined {
  if (logged === undefined && namespace === undefined && pod === undefined && label === undefined) return undefined;
  return {
    namespace: logged?.namespace ?? namespace ?? "",
    pod: logged?.pod ?? pod ?? "",
    labels: label ?? logged?.labels ?? (logged === undefined ? {} : null),
  };
}

/** Those that hold where a line ran. */
export function scopesAt({ narrow = [] }: Pick<Rules, "narrow">, place: Place, pod: PodFacts | undefined): Scopes {
  if (pod === undefined) return scopesIn(place);
  return scopesIn(
    place,
    narrow.flatMap((scope, i) => (holdsFor(scope, pod) === true ? [NARROW.first + i] : [])),
  );
}
