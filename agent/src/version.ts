// The agent's version: its package's, which the bundle carries as a constant.
import { readFileSync } from "node:fs";

/** Set by the bundle, which has no package file beside it. */
declare const CRYPTNONO_VERSION: string | undefined;

export function version(): string {
  if (typeof CRYPTNONO_VERSION === "string") return CRYPTNONO_VERSION;
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
