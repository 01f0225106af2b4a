// What Node, not the agent, obeys in the environment: it opens a debugger's port, runs code or writes files, and the agent
// holds secrets. The agent takes nothing from there but what its reference names, and does not start otherwise.
import { UsageError } from "../errors.js";

/** Variables by which Node loads code (or OpenSSL does for it), opens a channel, or writes what it knows. */
const DOORS = [
  "NODE_CHANNEL_FD",
  "NODE_COMPILE_CACHE",
  "NODE_DEBUG",
  "NODE_DEBUG_NATIVE",
  "NODE_OPTIONS",
  "NODE_PATH",
  "NODE_REDIRECT_WARNINGS",
  "NODE_V8_COVERAGE",
  "OPENSSL_CONF",
] as const;

/** Options that only size or hush. */
const HARMLESS = /^(--(max-(old-space|semi-space|heap)-size=\d+|no-warnings|no-deprecation|enable-source-maps)|\s)*$/;

/**
 * @param debuggerUrl - Where Node's debugger listens, if it does.
 * @param nodeFlags - The options on Node's own command line: a debugger that was asked for there may stay.
 * @throws UsageError that names the variable, and not its value.
 */
export function refuseOpenDoors(
  env: NodeJS.ProcessEnv,
  debuggerUrl: string | undefined,
  nodeFlags: readonly string[],
): void {
  for (const name of DOORS) {
    const value = env[name];
    if (value === undefined || value === "" || (name === "NODE_OPTIONS" && HARMLESS.test(value))) continue;
    throw new UsageError(
      `start: ${name} is set`,
      name === "NODE_OPTIONS"
        ? "unset it: only its options for memory and warnings may stand here, others open ports, run code or write files"
        : "unset it: Node would run code or write files by it",
    );
  }
  if (debuggerUrl !== undefined && !nodeFlags.some((flag) => flag.startsWith("--inspect"))) {
    throw new UsageError("start: Node's debugger is open", "start again, and send no SIGUSR1 meanwhile");
  }
}
