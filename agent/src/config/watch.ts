// Notices that config files changed: written in place, replaced by rename, or swapped below a mounted Secret's `..data`.
import { type FSWatcher, realpathSync, statSync, watch } from "node:fs";
import { dirname } from "node:path";

export interface WatchOptions {
  /** How often the files are looked at, whatever inotify says. */
  readonly pollMs?: number;
  /** The files must look the same this long before a change is told: a writer may be half way. */
  readonly settleMs?: number;
  /** Longest wait for files that never settle. */
  readonly maxWaitMs?: number;
}

export interface ConfigWatch {
  /** Stops it; nothing is called afterwards. */
  close(): void;
}

/**
 * Call `onChange` once for each change of any of `files`, deletion and re-creation too. What the files are at the time of the
 * call counts as known: start watching first, then load, so that no change falls between.
 *
 * The truth is what polling sees (real path, device, inode, size, times). Directory watches only make it prompt; they miss
 * writes behind a symbolic link, may be refused (inotify limits) and die with their directory.
 */
export function watchConfig(files: readonly string[], onChange: () => void, options: WatchOptions = {}): ConfigWatch {
  const { pollMs = 2000, settleMs = 200, maxWaitMs = 2000 } = options;
  const directories = new DirectoryWatches(files, () => check());
  let told = signature(files);
  let seen = told;
  let changedAt = 0;
  let settling: NodeJS.Timeout | undefined;

  function check(): void {
    if (settling !== undefined) return;
    seen = signature(files);
    if (seen === told) return;
    changedAt = performance.now();
    settling = setTimeout(settle, settleMs);
  }

  function settle(): void {
    const now = signature(files);
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
      directories.close();
    },
  };
}

/** One line per file that differs whenever its content may differ. */
function signature(files: readonly string[]): string {
  return files.map(fileSignature).join("\n");
}

function fileSignature(file: string): string {
  try {
    const stat = statSync(file, { bigint: true });
    // ctime too: `cp -p` over a file of the same size leaves the rest as it was.
    return [realpathSync(file), stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(" ");
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : "error";
  }
}

/** inotify on the folders of the files as they are named: that is where a rename and the swap of `..data` show. */
class DirectoryWatches {
  readonly #directories: readonly string[];
  readonly #onEvent: () => void;
  readonly #watches = new Map<string, { readonly identity: string; readonly watcher: FSWatcher }>();

  constructor(files: readonly string[], onEvent: () => void) {
    this.#directories = [...new Set(files.map((file) => dirname(file)))];
    this.#onEvent = onEvent;
    this.renew();
  }

  /** Watches directories that came to be, or came back as another one. */
  renew(): void {
    for (const directory of this.#directories) {
      const identity = directoryIdentity(directory);
      const old = this.#watches.get(directory);
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
      const watcher = watch(directory, () => this.#onEvent());
      watcher.on("error", () => this.#drop(directory));
      this.#watches.set(directory, { identity, watcher });
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
