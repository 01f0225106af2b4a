// Lines out of files, as bytes: a command line need not be text.
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { UsageError } from "../../../errors.js";

/** A line with where it stands. */
export interface FileLine {
  readonly bytes: Uint8Array;
  /** `FILE:12`. */
  readonly place: string;
}

/** A longer one is no command line and no log line. */
const MAX_LINE_BYTES = 16 * 2 ** 20;
const LINE_FEED = 0x0a;

/** Lines of a file, which may be a gzip's; `-` is standard input. Without empty ones and those that begin with `# `. @throws UsageError */
export async function* linesOf(file: string): AsyncGenerator<FileLine> {
  let number = 0;
  let rest: Uint8Array = new Uint8Array(0);
  try {
    for await (const chunk of await openFile(file)) {
      const bytes = Buffer.concat([rest, chunk as Uint8Array]);
      let from = 0;
      for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, from)) {
        number += 1;
        if (isLine(bytes.subarray(from, end))) yield { bytes: bytes.subarray(from, end), place: `${file}:${number}` };
        from = end + 1;
      }
      rest = bytes.subarray(from);
      if (rest.length > MAX_LINE_BYTES)
        throw new UsageError(`read ${file}:${number + 1}: longer than 16 MiB`, "one line each is needed");
    }
  } catch (error) {
    const { code } = error as { readonly code?: unknown };
    if (error instanceof UsageError || typeof code !== "string") throw error;
    throw new UsageError(
      `read ${file}: ${code}`,
      "give files of command lines or of the agent's log, or - for standard input",
    );
  }
  if (isLine(rest)) yield { bytes: rest, place: `${file}:${number + 1}` };
}

function isLine(bytes: Uint8Array): boolean {
  return bytes.length > 0 && !(bytes[0] === 0x23 && bytes[1] === 0x20);
}

async function openFile(file: string): Promise<Readable> {
  if (file === "-") return process.stdin;
  const handle = await open(file);
  const { buffer } = await handle.read(Buffer.alloc(2), 0, 2, 0).finally(() => handle.close());
  const stream = createReadStream(file);
  if (buffer[0] !== 0x1f || buffer[1] !== 0x8b) return stream;
  const gunzip = createGunzip();
  stream.on("error", (error) => gunzip.destroy(error));
  return stream.pipe(gunzip);
}
