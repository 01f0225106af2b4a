// Notices that config files changed: written in place, replaced by rename, or swapped below a mounted Secret's `..data`.
import { type FSWatcher, readdirSync, realpathSync, statSync, watch } from "node:fs";
import { dirname, join } from "node:path";

export interface WatchOptions {
  /** How often the files are looked at, whatever inotify says. */
  readonly pollMs?: number;
  /** The files must look the same this long before a change is told: a writer may be half way. */
  readonly settleMs?: number;
  /** Longest wait for files that never settle. */
  readonly maxWaitMs?: number;
  /** What a file looks like, so that it differs whenever its content may: tests count the looks. */
  readonly look?: (file: string) => string;
}

export interface ConfigWatch {
  /** Stops it; nothing is called afterwards. */
  close(): void;
}

/**
 * Call `onChange` once for each change of any of `files`, deletion and re-creation too; of a directory, each change of what lies in
 * it. What a function names may change: it is asked at each look. What the files are at the time of the
 * call counts as known: start watching first, then load, so that no change falls between.
 *
 * The truth is what polling sees (real path, device, inode, size, times). Directory watches only make it prompt; they miss
 * writes behind a symbolic link, may be refused (inotify limits) and die with their directory. What happens to other files
 * beside a config costs little, however much it is: looks are rationed, and a directory without rest is polled alone.
 */
export function watchConfig(
  files: readonly string[] | (() => readonly string[]),
  onChange: () => void,
  options: WatchOptions = {},
): ConfigWatch {
  const { pollMs = 2000, settleMs = 200, maxWaitMs = 2000, look = (file: string) => fileSignature(file) } = options;
  const named = typeof files === "function" ? files : () => files;
  const directories = new DirectoryWatches(named(), lookSoon);
  let lookMs = 0;
  let told = lookAtAll();
  let seen = told;
  let changedAt = 0;
  let settling: NodeJS.Timeout | undefined;
  let soon: NodeJS.Timeout | undefined;

  function lookAtAll(): string {
    const start = performance.now();
    const all = named().map(look).join("\n");
    lookMs = performance.now() - start;
    return all;
  }

  /** Many events want one look, and looks may take a twentieth of the time. */
  function lookSoon(): void {
    soon ??= setTimeout(check, Math.max(MIN_LOOK_MS, lookMs * 20));
  }

  function check(): void {
    clearTimeout(soon);
    soon = undefined;
    if (settling !== undefined) return;
    seen = lookAtAll();
    if (seen === told) return;
    changedAt = performance.now();
    settling = setTimeout(settle, settleMs);
  }

  function settle(): void {
    const now = lookAtAll();
    if (now !== seen && performance.now() - changedAt < maxWaitMs) {
      seen = now;
      settling = setTimeout(settle, settleMs);
      return;
    }
    settling = undefined;
    if (now === told) return;
    told = now;
    onChange();
  }

  const poll = setInterval(() => {
    directories.renew();
    check();
  }, pollMs);

  return {
    close(): void {
      clearInterval(poll);
      clearTimeout(settling);
      clearTimeout(soon);
      directories.close();
    },
  };
}

const MIN_LOOK_MS = 20;
/** Events of one directory between two polls, above which it is polled alone, and for how many polls. */
const MANY_EVENTS = 500;
const REST_POLLS = 15;

/** A mounted ConfigMap is a directory of links, and several may lie in one: two levels. */
const DIRECTORY_LEVELS = 2;
const MOST_IN_DIRECTORY = 1000;

function fileSignature(file: string, depth = DIRECTORY_LEVELS): string {
  try {
    const stat = statSync(file, { bigint: true });
    // ctime too: `cp -p` over a file of the same size leaves the rest as it was.
    const own = [realpathSync(file), stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(" ");
    if (!stat.isDirectory() || depth === 0) return own;
    const names = readdirSync(file).toSorted().slice(0, MOST_IN_DIRECTORY);
    return [own, ...names.map((name) => `${name} ${fileSignature(join(file, name), depth - 1)}`)].join("\n");
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : "error";
  }
}

/** inotify on the folders of the files as they are named: that is where a rename and the swap of `..data` show. */
class DirectoryWatches {
  readonly #directories: readonly string[];
  readonly #onEvent: () => void;
  readonly #watches = new Map<string, { readonly identity: string; readonly watcher: FSWatcher; events: number }>();
  /** Directories without rest, with the number of polls until they are watched again. */
  readonly #resting = new Map<string, number>();

  constructor(files: readonly string[], onEvent: () => void) {
    this.#directories = [...new Set(files.map((file) => dirname(file)))];
    this.#onEvent = onEvent;
    this.renew();
  }

  /** Watches directories that came to be, or came back as another one. */
  renew(): void {
    for (const directory of this.#directories) {
      const rest = this.#resting.get(directory) ?? 0;
      if (rest > 1) {
        this.#resting.set(directory, rest - 1);
        continue;
      }
      this.#resting.delete(directory);
      const identity = directoryIdentity(directory);
      const old = this.#watches.get(directory);
      if (old !== undefined) old.events = 0;
      if (old?.identity === identity) continue;
      this.#drop(directory);
      if (identity !== null) this.#watch(directory, identity);
    }
  }

  close(): void {
    for (const directory of this.#directories) this.#drop(directory);
  }

  #watch(directory: string, identity: string): void {
    try {
      const watcher = watch(directory, () => {
        if (++entry.events > MANY_EVENTS) {
          this.#drop(directory);
          this.#resting.set(directory, REST_POLLS);
        }
        this.#onEvent();
      });
      const entry = { identity, watcher, events: 0 };
      watcher.on("error", () => this.#drop(directory));
      this.#watches.set(directory, entry);
    } catch {
      // Out of inotify watches, or gone again: polling goes on.
    }
  }

  #drop(directory: string): void {
    this.#watches.get(directory)?.watcher.close();
    this.#watches.delete(directory);
  }
}

function directoryIdentity(directory: string): string | null {
  try {
    const { dev, ino } = statSync(directory, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return null;
  }
}
