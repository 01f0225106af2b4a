// A log file from where it was left, as it grows, through rotation and truncation; and standard input.
import { open, stat } from "node:fs/promises";
import type { LogReader } from "./reader.js";

export interface FilePosition {
  readonly inode: number;
  readonly bytes: number;
}

export interface FollowOptions {
  readonly file: string;
  /** Where to go on, if it is still the same file. */
  readonly from?: FilePosition | null;
  readonly reader: () => LogReader;
  /** The lines up to there were handed on. */
  readonly onPosition?: (position: FilePosition) => void;
  readonly onError?: (error: unknown) => void;
  readonly everyMs?: number;
  /** Stop at the end of the file instead of waiting for more. */
  readonly once?: boolean;
  readonly signal: AbortSignal;
}

const CHUNK_BYTES = 256 * 1024;

/** Resolves when `signal` is aborted. By polling: inotify tells nothing of network file systems. */
export async function followFile(options: FollowOptions): Promise<void> {
  const { file, reader, onPosition = () => {}, onError = () => {}, everyMs = 250, once = false, signal } = options;
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let current = options.from ?? null;
  let isMissing = false;
  while (!signal.aborted) {
    try {
      current = await readOne(current);
      isMissing = false;
    } catch (error) {
      if (once || !isMissing) onError(error);
      isMissing = true;
    }
    if (once) return;
    await pause(everyMs, signal);
  }

  /** One file to the moment when another has its name, or it was cut. @returns where to begin in the next. */
  async function readOne(from: FilePosition | null): Promise<FilePosition | null> {
    const handle = await open(file, "r");
    try {
      const { ino, size } = await handle.stat();
      let at = from !== null && from.inode === ino && from.bytes <= size ? from.bytes : 0;
      const lines = reader();
      const begin = at;
      const position = () => ({ inode: ino, bytes: begin + lines.consumedBytes });
      while (!signal.aborted) {
        const { bytesRead } = await handle.read(chunk, 0, CHUNK_BYTES, at);
        if (bytesRead > 0) {
          at += bytesRead;
          lines.push(chunk.subarray(0, bytesRead));
          onPosition(position());
          continue;
        }
        if (once) {
          lines.end();
          return position();
        }
        const named = await stat(file).catch(() => null);
        if (named !== null && named.ino !== ino) {
          lines.end();
          return null;
        }
        if ((await handle.stat()).size < at) return null;
        await pause(everyMs, signal);
      }
      return position();
    } finally {
      await handle.close();
    }
  }
}

export async function readStream(stream: AsyncIterable<Uint8Array>, reader: LogReader): Promise<void> {
  for await (const chunk of stream) reader.push(chunk);
  reader.end();
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}
