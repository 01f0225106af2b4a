// Starts and ends one daemon as a child of the test, by its pid.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants, openSync, readFileSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";

export interface Daemon {
  readonly pid: number;
  /** Its last words, for the message of a test that failed. */
  log(): string;
  signal(signal: NodeJS.Signals): void;
  /** TERM, and KILL after five seconds. */
  stop(): Promise<void>;
}

export function startDaemon(command: string, args: readonly string[], logPath: string, env = process.env): Daemon {
  const log = openSync(logPath, "a");
  const child = spawn(command, args, { stdio: ["ignore", log, log], env });
  const { pid } = child;
  if (pid === undefined) throw new Error(`start ${command}: no such program`);
  return {
    pid,
    log: () => readFileSync(logPath, "utf8").slice(-2000),
    signal: (signal) => void child.kill(signal),
    stop: () => stop(child),
  };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  // A stopped process takes TERM only once it goes on.
  child.kill("SIGCONT");
  const timer = setTimeout(() => child.kill("SIGKILL"), 5000);
  await exited;
  clearTimeout(timer);
}

/** The program's path, or null when PATH has none of that name. A name with a slash is taken as it is. */
export function findProgram(name: string): string | null {
  const places = name.includes("/")
    ? [name]
    : (process.env["PATH"] ?? "").split(delimiter).map((dir) => join(dir, name));
  return places.find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** The sentence to skip with when the machine lacks something, else false, as node:test takes it. */
export function missingFor(programs: readonly string[], packages: string): string | false {
  if (process.getuid?.() !== 0) return "needs root: starts container runtimes";
  const missing = programs.filter((program) => findProgram(program) === null);
  return missing.length === 0 ? false : `needs ${missing.join(", ")} (Debian: apt-get install ${packages})`;
}
