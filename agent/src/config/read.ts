// A config file's bytes, from a regular file and nothing else.
import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from "node:fs";
import type { ConfigProblem } from "./config-error.js";

/** A hundred thousand strings of 512 bytes; more is some other file. */
export const MAX_FILE_BYTES = 64 * 1024 * 1024;

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

/** What an error of {@link readWhole} means. @throws what has no code. */
export function unreadable(file: string, error: unknown): ConfigProblem {
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : null;
  if (code === null) throw error;
  const [got, hint] = CAUSES[code] ?? [code];
  return { file, place: "", expected: "a readable file", got, ...(hint === undefined ? {} : { hint }) };
}
