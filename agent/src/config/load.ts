// Config files on disk to rules: the way in at start and at each reload.
import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from "node:fs";
import type { Rules } from "../types.js";
import { ConfigError, type ConfigProblem } from "./config-error.js";
import { type MergeOptions, mergeRules } from "./merge.js";
import { type ActionMode, type ConfigFile, type ParseOptions, parseConfigFile } from "./parse.js";

export interface LoadOptions extends ParseOptions, MergeOptions {
  /** The command line's `--mode`; a file's own `mode` overrides it. */
  readonly defaultMode: ActionMode;
  /** Reads a whole file; throws errors with a `code`. */
  readonly readFile?: (file: string) => Uint8Array;
}

/** A hundred thousand strings of 512 bytes; more is some other file. */
export const MAX_FILE_BYTES = 64 * 1024 * 1024;

/**
 * Read, check and merge `files`. All their lists may be empty: whoever guards says then that nothing is banned. Synchronous: there is nothing to guard with until it is done, and a reload of the largest
 * list takes less time than one look-up of a container.
 *
 * @throws ConfigError with the problems of all files.
 */
export function loadConfig(files: readonly string[], options: LoadOptions): Rules {
  const { defaultMode, readFile = readWhole } = options;
  const problems: ConfigProblem[] = [];
  const parsed: ConfigFile[] = [];
  for (const file of files) {
    try {
      parsed.push(parseConfigFile(file, readFile(file), options));
    } catch (error) {
      const found = error instanceof ConfigError ? error.problems : [unreadable(file, error)];
      for (const problem of found) problems.push(problem); // there may be more than arguments of one call
    }
  }
  if (files.length === 0) {
    const hint = 'give --config FILE with {"bannedCommandStrings": ["..."]}';
    problems.push({ file: "", place: "", expected: "at least one file", got: "none", hint });
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return mergeRules(parsed, defaultMode, options);
}

/**
 * A config file's bytes.
 *
 * @throws an error with a `code`, before anything is opened that is not a regular file.
 */
export function readWhole(file: string): Uint8Array {
  requireRegular(statSync(file));
  // Without waiting: it may have become a pipe since.
  const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(fd);
    requireRegular(stat);
    return readAll(fd, stat.size);
  } finally {
    closeSync(fd);
  }
}

function requireRegular(stat: Stats): void {
  const code = stat.isFile()
    ? stat.size > MAX_FILE_BYTES
      ? "EFBIG"
      : null
    : stat.isDirectory()
      ? "EISDIR"
      : stat.isFIFO()
        ? "pipe"
        : stat.isSocket()
          ? "socket"
          : "device";
  if (code !== null) throw Object.assign(new Error(), { code });
}

/** A file may grow meanwhile, and one of /proc says that it has no bytes. */
function readAll(fd: number, expectedBytes: number): Uint8Array {
  let bytes = Buffer.allocUnsafe(expectedBytes + 4096);
  for (let length = 0; ; ) {
    if (length > MAX_FILE_BYTES) throw Object.assign(new Error(), { code: "EFBIG" });
    const read = readSync(fd, bytes, length, bytes.length - length, null);
    if (read === 0) return bytes.subarray(0, length);
    length += read;
    if (length === bytes.length) bytes = Buffer.concat([bytes, Buffer.allocUnsafe(length)]);
  }
}

const CAUSES: Readonly<Record<string, readonly [got: string, hint?: string]>> = {
  ENOENT: ["no such file", "check the path, and that the volume is mounted"],
  EACCES: ["permission denied", "run as root, or make the file readable"],
  EPERM: ["operation not permitted"],
  EISDIR: ["a directory", "give each file in it with its own --config"],
  ENOTDIR: ["a path through something that is not a directory"],
  ELOOP: ["a loop of symbolic links"],
  EFBIG: [`more than ${MAX_FILE_BYTES} bytes`],
  device: ["a device", "a config is a regular file"],
  pipe: ["a pipe", "a config is read again and again: write it to a regular file"],
  socket: ["a socket", "a config is a regular file"],
};

function unreadable(file: string, error: unknown): ConfigProblem {
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : null;
  if (code === null) throw error;
  const [got, hint] = CAUSES[code] ?? [code];
  return { file, place: "", expected: "a readable file", got, ...(hint === undefined ? {} : { hint }) };
}
