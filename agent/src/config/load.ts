// Config files on disk to rules: the way in at start and at each reload.
import { readFileSync, statSync } from "node:fs";
import type { Rules } from "../types.js";
import { ConfigError, type ConfigProblem } from "./config-error.js";
import { mergeRules } from "./merge.js";
import { type ActionMode, type ConfigFile, type ParseOptions, parseConfigFile } from "./parse.js";

export interface LoadOptions extends ParseOptions {
  /** The command line's `--mode`; a file's own `mode` overrides it. */
  readonly defaultMode: ActionMode;
  /** Reads a whole file; throws errors with a `code`. */
  readonly readFile?: (file: string) => Uint8Array;
}

/** A hundred thousand strings of 512 bytes; more is some other file. */
export const MAX_FILE_BYTES = 64 * 1024 * 1024;

/**
 * Read, check and merge `files`. Synchronous: there is nothing to guard with until it is done, and a reload of the largest
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
      problems.push(...(error instanceof ConfigError ? error.problems : [unreadable(file, error)]));
    }
  }
  if (problems.length === 0 && parsed.every(({ strings }) => strings.length === 0)) {
    problems.push({
      file: "",
      place: "",
      expected: "at least one banned string in all files together",
      got: files.length === 0 ? "no file" : "none",
      hint: 'give --config FILE with {"bannedCommandStrings": ["..."]}',
    });
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return mergeRules(parsed, defaultMode);
}

function readWhole(file: string): Uint8Array {
  const stat = statSync(file);
  if (stat.isDirectory()) throw Object.assign(new Error(), { code: "EISDIR" });
  if (stat.isBlockDevice() || stat.isCharacterDevice()) throw Object.assign(new Error(), { code: "device" });
  if (stat.size > MAX_FILE_BYTES) throw Object.assign(new Error(), { code: "EFBIG" });
  return readFileSync(file);
}

const CAUSES: Readonly<Record<string, readonly [got: string, hint?: string]>> = {
  ENOENT: ["no such file", "check the path, and that the volume is mounted"],
  EACCES: ["permission denied", "run as root, or make the file readable"],
  EPERM: ["operation not permitted"],
  EISDIR: ["a directory", "give each file in it with its own --config"],
  ENOTDIR: ["a path through something that is not a directory"],
  ELOOP: ["a loop of symbolic links"],
  EFBIG: [`more than ${MAX_FILE_BYTES} bytes`],
  device: ["a device"],
};

function unreadable(file: string, error: unknown): ConfigProblem {
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : null;
  if (code === null) throw error;
  const [got, hint] = CAUSES[code] ?? [code];
  return { file, place: "", expected: "a readable file", got, ...(hint === undefined ? {} : { hint }) };
}
