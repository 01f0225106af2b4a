// Reads of /proc. Files that the kernel answers from its own memory are read at once. Those that touch a process's memory wait
// for its lock, and those that touch its mounts for whoever serves them (FUSE: the process itself): they have a deadline.
import fs from "node:fs";

/** A read or look-up that did not answer in time. The thread that waits for it is lost until it does. */
export class StuckError extends Error {
  readonly code = "STUCK";
  /** It was begun and goes on; false when too many others were stuck to begin it. */
  readonly isPending: boolean;

  constructor(what: string, isPending: boolean) {
    super(`read ${what}: ${isPending ? "no answer" : "not tried, as others do not answer"}`);
    this.name = "StuckError";
    this.isPending = isPending;
  }
}

export interface ProcFiles {
  /** Process ids, in the order of /proc. */
  pids(): number[];
  /** Thread ids of a process. Each may stand for a process id in what follows. */
  threads(pid: number): number[];
  /** A small file of `pid`: stat, status, cgroup. Throws errors with a `code`: ENOENT or ESRCH for a process that is gone. */
  read(pid: number, name: "stat" | "status" | "cgroup"): Uint8Array;
  /** Target of the link `exe` or `cwd`. */
  link(pid: number, name: "exe" | "cwd"): Uint8Array;
  /**
   * The argument area, at most {@link MAX_CMDLINE_BYTES}. The bytes are the caller's.
   *
   * @throws StuckError
   */
  cmdline(pid: number): Promise<Uint8Array>;
  /** Whether `path`, absolute, names in the process's root the very file it executes. False also when there is no answer. */
  isExecutable(pid: number, path: Uint8Array): Promise<boolean>;
  /**
   * Threads that wait for an answer at this moment. While there are any, `process.exit` waits too: libuv joins its threads.
   */
  stuckReads(): number;
  /** The beginning of the file that `path`, absolute, names in the process's root; null when it cannot be read. */
  head(pid: number, path: Uint8Array): Promise<Uint8Array | null>;
}

/** The kernel's own limit is 6 MB (linux fs/exec.c, `_STK_LIM / 4 * 3`); more is an area that was moved with prctl. */
export const MAX_CMDLINE_BYTES = 8 * 1024 * 1024;

export interface ProcOptions {
  readonly root?: string;
  readonly deadlineMs?: number;
}

const SCRATCH_BYTES = 64 * 1024;
const HEAD_BYTES = 256;
/** libuv has four threads for files; one is left for the rest of the agent. */
const MAX_STUCK = 3;
/** linux include/linux/namei.h MAXSYMLINKS */
const MAX_LINKS = 40;

export function openProc(options: ProcOptions = {}): ProcFiles {
  const { root = "/proc", deadlineMs = 1000 } = options;
  /** One buffer is kept between reads; a read that finds it taken makes its own. */
  let scratch: Buffer | null = null;
  let stuck = 0;
  /** Asking these again would cost one more thread each time. A process's mounts must not keep its memory from being read. */
  const silentMemory = new Set<number>();
  const silentFiles = new Set<number>();

  /** The answer of `start`, or a StuckError; `late` then learns when `start` ended after all. */
  function within<T>(
    pid: number,
    silent: Set<number>,
    start: (done: (error: Error | null, value: T) => void) => void,
    late?: (error: Error | null, value: T) => void,
  ): Promise<T> {
    const what = `${silent === silentMemory ? "memory" : "files"} of ${pid}`;
    if (stuck >= MAX_STUCK || silent.has(pid)) return Promise.reject(new StuckError(what, false));
    return new Promise((resolve, reject) => {
      let isLate = false;
      const deadline = setTimeout(() => {
        isLate = true;
        stuck++;
        silent.add(pid);
        reject(new StuckError(what, true));
      }, deadlineMs);
      start((error, value) => {
        clearTimeout(deadline);
        if (isLate) {
          stuck--;
          silent.delete(pid);
          late?.(error, value);
        } else if (error === null) resolve(value);
        else reject(error);
      });
    });
  }

  const lstat = (pid: number, path: Buffer) => within<fs.Stats>(pid, silentFiles, (done) => fs.lstat(path, done));
  const stat = (pid: number, path: Buffer | string) =>
    within<fs.BigIntStats>(pid, silentFiles, (done) => fs.stat(path, { bigint: true }, done));
  const readlink = (pid: number, path: Buffer) =>
    within<Buffer>(pid, silentFiles, (done) => fs.readlink(path, "buffer", done));

  async function cmdline(pid: number): Promise<Uint8Array> {
    const fd = fs.openSync(`${root}/${pid}/cmdline`, "r");
    const taken = scratch ?? Buffer.allocUnsafeSlow(SCRATCH_BYTES);
    scratch = null;
    let buffer = taken;
    let length = 0;
    try {
      for (;;) {
        const target = buffer;
        const room = target.length - length;
        const read = await within<number>(
          pid,
          silentMemory,
          (done) => fs.read(fd, target, length, room, null, done),
          () => fs.closeSync(fd),
        );
        length += read;
        if (read < room || length >= MAX_CMDLINE_BYTES) break;
        buffer = Buffer.allocUnsafeSlow(buffer.length * 2);
        target.copy(buffer);
      }
    } catch (error) {
      // A lost thread goes on to hold the descriptor, and may still write into the buffer.
      if (!(error instanceof StuckError && error.isPending)) fs.closeSync(fd);
      throw error;
    }
    fs.closeSync(fd);
    scratch = taken;
    return buffer === taken ? Buffer.from(buffer.subarray(0, length)) : buffer.subarray(0, length);
  }

  /**
   * `path` below the process's root with all links resolved there. The kernel would resolve an absolute link, such as those
   * of /etc/alternatives, in the agent's root.
   */
  async function resolve(pid: number, path: Uint8Array): Promise<Buffer> {
    const base = `${root}/${pid}/root`;
    let rest = components(path);
    let done: string[] = [];
    for (let links = 0; rest.length > 0; ) {
      const name = rest.shift()!;
      if (name === "..") {
        done.pop();
        continue;
      }
      const here = Buffer.from(`${[base, ...done, name].join("/")}`, "latin1");
      if (!(await lstat(pid, here)).isSymbolicLink()) {
        done.push(name);
        continue;
      }
      if (++links > MAX_LINKS) throw Object.assign(new Error("too many links"), { code: "ELOOP" });
      const target = await readlink(pid, here);
      if (target[0] === SLASH) done = [];
      rest = [...components(target), ...rest];
    }
    return Buffer.from([base, ...done].join("/"), "latin1");
  }

  return {
    pids() {
      return fs.readdirSync(root).map(Number).filter(Number.isInteger);
    },
    threads(pid) {
      return fs.readdirSync(`${root}/${pid}/task`).map(Number);
    },
    read(pid, name) {
      return fs.readFileSync(`${root}/${pid}/${name}`);
    },
    link(pid, name) {
      return fs.readlinkSync(`${root}/${pid}/${name}`, "buffer");
    },
    cmdline,
    stuckReads: () => stuck,
    async isExecutable(pid, path) {
      try {
        const [named, executed] = [await stat(pid, await resolve(pid, path)), await stat(pid, `${root}/${pid}/exe`)];
        return named.dev === executed.dev && named.ino === executed.ino;
      } catch {
        return false;
      }
    },
    async head(pid, path) {
      try {
        const file = await resolve(pid, path);
        // Not a fifo or a device: opening those has effects.
        if (!(await lstat(pid, file)).isFile()) return null;
        const fd = await within<number>(
          pid,
          silentFiles,
          (done) => fs.open(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK, done),
          (error, late) => {
            if (error === null) fs.closeSync(late);
          },
        );
        const bytes = Buffer.alloc(HEAD_BYTES);
        let read = 0;
        try {
          const late = (): void => fs.closeSync(fd);
          read = await within<number>(pid, silentFiles, (done) => fs.read(fd, bytes, 0, HEAD_BYTES, 0, done), late);
        } catch (error) {
          if (!(error instanceof StuckError && error.isPending)) fs.closeSync(fd);
          throw error;
        }
        fs.closeSync(fd);
        return bytes.subarray(0, read);
      } catch {
        return null;
      }
    },
  };
}

const SLASH = 0x2f;

function components(path: Uint8Array): string[] {
  return Buffer.from(path)
    .toString("latin1")
    .split("/")
    .filter((name) => name !== "" && name !== ".");
}
