// The directories in which sensors are pinned: `<pin-dir>/<detector>/<version>-<pid>-<start>`, by the version of the border and
// by the agent that pinned it. What an agent finds there and is not its own, it takes over or removes.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, statSync, unlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { isPinFileSystem, Sensor } from "@cryptnono/native";
import { parseStat } from "../proc/index.js";

export class PinError extends Error {
  override readonly name = "PinError";
  readonly hint = "the directory must lie on a BPF file system that is writable: mount -t bpf bpf /sys/fs/bpf";
  constructor(dir: string, cause: unknown) {
    super(`pin to ${dir}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** One sensor's directory. */
export interface Pins {
  readonly dir: string;
  /** Of the border; another one's records and counters cannot be read. */
  readonly version: string;
  /** The agent that pinned it; it may be gone. */
  readonly pid: number;
  /** That agent still runs. */
  isAlive(): boolean;
}

/**
 * Make the directory of a detector's sensors.
 *
 * @throws PinError where nothing can be pinned; nothing was made then.
 */
export function makePinDir(pinDir: string, detector: string): string {
  const dir = join(pinDir, detector);
  try {
    const existing = nearestExisting(dir);
    if (!isPinFileSystem(existing)) throw new Error(`${existing} is not on a BPF file system`);
    for (const missing of below(existing, dir)) makeDir(missing);
    return dir;
  } catch (error) {
    throw new PinError(pinDir, error);
  }
}

function nearestExisting(dir: string): string {
  return existsSync(dir) || dirname(dir) === dir ? dir : nearestExisting(dirname(dir));
}

/** The directories from below `top` down to `dir`. */
function below(top: string, dir: string): string[] {
  return dir === top ? [] : [...below(top, dirname(dir)), dir];
}

function makeDir(dir: string): void {
  try {
    mkdirSync(dir);
  } catch (error) {
    if (codeOf(error) !== "EEXIST" || !statSync(dir).isDirectory()) throw error;
  }
}

/** The directory that this process's sensor is to be pinned in. */
export function ownPins(dir: string, version: string): string {
  return join(dir, `${version}-${process.pid}-${startTicks(process.pid)}`);
}

const PINS_NAME = /^([0-9a-f]+)-(\d+)-(\d+)$/;

/** What is pinned below `dir`. */
export function listPins(dir: string): Pins[] {
  return listDir(dir).flatMap((name) => {
    const [, version, pid, ticks] = PINS_NAME.exec(name) ?? [];
    if (version === undefined) return [];
    const isAlive = () => startTicks(Number(pid)) === Number(ticks);
    return [{ dir: join(dir, name), version, pid: Number(pid), isAlive }];
  });
}

/** Directories of what a detector's agents have pinned, that of a living one last. */
export function pinsOf(pinDir: string, detector: string): string[] {
  const pins = listPins(join(pinDir, detector)).map(({ dir, isAlive }) => ({ dir, alive: Number(isAlive()) }));
  return pins.toSorted((a, b) => a.alive - b.alive).map(({ dir }) => dir);
}

function startTicks(pid: number): number | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`))?.startTicks;
  } catch {
    return undefined;
  }
}

/** Links are pinned as `link-<position>-<program>`: removed from the last to the first, as they must be. */
const LINK_NAME = /^link-(\d+)-/;

/** From here on only a living agent's sensor judges, through links that it holds itself. */
export function removeLinkPins(dir: string): void {
  const links = listDir(dir).filter((name) => LINK_NAME.test(name));
  const position = (name: string) => Number(LINK_NAME.exec(name)![1]);
  for (const name of links.toSorted((a, b) => position(b) - position(a))) tryRemove(join(dir, name));
}

export function removePins(dir: string): void {
  removeLinkPins(dir);
  for (const name of listDir(dir)) tryRemove(join(dir, name));
  removeDir(dir);
}

/**
 * Remove everything pinned below `pinDir`, and the directory itself if it is empty then. From here on nothing judges, but a
 * living agent's sensor does until it ends.
 *
 * @returns how many sensors were removed.
 */
export function unpin(pinDir: string): number {
  const detectors = listDir(pinDir).map((name) => join(pinDir, name));
  const dirs = detectors.flatMap((dir) => listPins(dir).map((pins) => pins.dir));
  for (const dir of dirs) removePins(dir);
  for (const dir of detectors) removeDir(dir);
  const former = formerPins(pinDir);
  for (const dir of former) removeFormer(dir);
  removeDir(pinDir);
  return dirs.length + former.length;
}

// ---- what versions before 0.2 pinned ----

/** `<pin-dir>/sensor-<version>-<pid>-<start>`, whatever detector. */
function formerPins(pinDir: string): string[] {
  return listDir(pinDir)
    .filter((name) => name.startsWith("sensor-"))
    .map((name) => join(pinDir, name));
}

/** Their word in the control map that ends a sensor's judging, though a living agent holds its links. */
const FORMER_RETIRED = 4;
/** In the order of removing: guard_skipped_* without guard_exec would find every exec skipped. */
const FORMER_LINKS = ["guard_skipped_3", "guard_skipped_2", "guard_skipped_1", "guard_exec", "agent_exit"];

/** End the sensors of earlier versions: their records are laid out otherwise. @returns how many there were. */
export function retireFormer(pinDir: string): number {
  const dirs = formerPins(pinDir);
  for (const dir of dirs) {
    try {
      const sensor = Sensor.openPinned(dir, ["control"]);
      try {
        sensor.map("control").set(FORMER_RETIRED, 1);
      } finally {
        sensor.close();
      }
    } catch {
      // Half of its pins are gone: their links' end is what counts.
    }
    removeFormer(dir);
  }
  return dirs.length;
}

function removeFormer(dir: string): void {
  for (const name of FORMER_LINKS) tryRemove(join(dir, name));
  removePins(dir);
}

// ---- files ----

function listDir(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return []; // not there: nothing is pinned
  }
}

function removeDir(dir: string): void {
  try {
    rmdirSync(dir);
  } catch {
    // Gone, a mount point, or not ours alone.
  }
}

function tryRemove(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
