// Where a string counts. A process is in a container, or one of the host's own.
import { SCOPE } from "./layout.js";

export type Place = "containers" | "host";

/** A bit for each scope that holds. */
export type Scopes = number;

/** Where nothing is known of the place: each string counts. */
export const ALL_SCOPES: Scopes = 0xff;

export function scopesIn(place: Place): Scopes {
  return (1 << SCOPE.any) | (1 << SCOPE[place]);
}

/** Whether a string of this scope (nothing said: of any) counts where `scopes` hold. */
export function isInScope(scope: number | undefined, scopes: Scopes): boolean {
  return ((scopes >>> (scope ?? SCOPE.any)) & 1) !== 0;
}
