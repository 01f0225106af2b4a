// Where a string counts. A process is in a container, or one of the host's own.
import { NARROW, SCOPE } from "./layout.js";

export type Place = "containers" | "host";

/** A bit for each scope that holds. */
export type Scopes = number;

/** Where nothing is known of the place: each string counts. */
export const ALL_SCOPES: Scopes = 0xffff;

/** @param narrow - Narrow scopes that hold there; none among the host's own processes. */
export function scopesIn(place: Place, narrow: readonly number[] = []): Scopes {
  const basic = (1 << SCOPE.any) | (1 << SCOPE[place]);
  return place === "host" ? basic : narrow.reduce((scopes, scope) => scopes | (1 << scope), basic);
}

/** Whether a scope is by namespaces, pods and labels. */
export function isNarrow(scope: number | undefined): boolean {
  return (scope ?? SCOPE.any) >= NARROW.first;
}

/** All narrow scopes. */
export const NARROW_SCOPES: Scopes = ((1 << NARROW.most) - 1) << NARROW.first;

/** Whether a string of this scope (nothing said: of any) counts where `scopes` hold. */
export function isInScope(scope: number | undefined, scopes: Scopes): boolean {
  return ((scopes >>> (scope ?? SCOPE.any)) & 1) !== 0;
}
