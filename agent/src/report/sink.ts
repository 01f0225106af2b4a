// A file descriptor that is written to without ever waiting for its reader.
import { closeSync, constants, fstatSync, openSync, writeSync } from "node:fs";
import { Socket } from "node:net";

/** Where bytes go. */
export interface Sink {
  /**
   * Takes what it can without waiting.
   *
   * @returns How many bytes were taken; 0 when none can be now.
   * @throws An error with a `code` (EPIPE when the reader is gone); the bytes are then lost.
   */
  write(bytes: Uint8Array): number;
  /** Bytes that were taken are still on their way. */
  readonly isBusy?: boolean;
  /** Calls back once, when writing is worth another try. Does not keep the process alive for it. */
  whenWritable(again: () => void): void;
  close(): void;
}

/**
 * The sink for `fd`.
 *
 * A pipe or terminal is opened again through /proc/self/fd, which gives a file description of our own: O_NONBLOCK on the
 * inherited one would surprise the shell that shares it. A socket cannot be opened again and goes through libuv. A regular
 * file never keeps a writer waiting.
 */
export function openSink(fd: number): Sink {
  const stat = fstatSync(fd);
  if (stat.isFile()) return new DescriptorSink(fd, false);
  if (stat.isSocket()) return new SocketSink(fd);
  try {
    const own = openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    return new DescriptorSink(own, true);
  } catch {
    return stat.isFIFO() ? new SocketSink(fd) : new DescriptorSink(fd, false);
  }
}

/** Between two tries at a full pipe or a halted terminal. A pipe holds 64 KiB: 13 MB/s for a reader that keeps up. */
const RETRY_MS = 5;

class DescriptorSink implements Sink {
  readonly #fd: number;
  readonly #owned: boolean;
  #retry: NodeJS.Timeout | undefined;

  constructor(fd: number, owned: boolean) {
    this.#fd = fd;
    this.#owned = owned;
  }

  write(bytes: Uint8Array): number {
    try {
      return writeSync(this.#fd, bytes);
    } catch (error) {
      if (error instanceof Error && "code" in error && (error.code === "EAGAIN" || error.code === "EINTR")) return 0;
      throw error;
    }
  }

  whenWritable(again: () => void): void {
    this.#retry = setTimeout(again, RETRY_MS).unref();
  }

  close(): void {
    clearTimeout(this.#retry);
    if (this.#owned) closeSync(this.#fd);
  }
}

class SocketSink implements Sink {
  readonly #socket: Socket;
  #writing = false;
  #failure: Error | undefined;
  #again: (() => void) | undefined;

  constructor(fd: number) {
    this.#socket = new Socket({ fd, readable: false, writable: true });
    this.#socket.on("error", (error) => this.#ready(error));
  }

  get isBusy(): boolean {
    return this.#writing;
  }

  write(bytes: Uint8Array): number {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#writing) return 0;
    this.#writing = true;
    // A copy: the caller may use its buffer again, the socket writes later.
    this.#socket.write(Uint8Array.from(bytes), () => this.#ready());
    return bytes.length;
  }

  whenWritable(again: () => void): void {
    this.#again = again;
    if (!this.#writing) setImmediate(() => this.#ready());
  }

  close(): void {
    this.#again = undefined;
    this.#socket.destroy();
  }

  #ready(failure?: Error): void {
    this.#writing = false;
    this.#failure ??= failure;
    const again = this.#again;
    this.#again = undefined;
    again?.();
  }
}
