// The logs of one machine: files and standard input, each from where it was left.
import type { Keeper } from "../keep/keeper.js";
import type { Notice, Sighting } from "../types.js";
import type { Coverage, FollowedAgent } from "./coverage.js";
import { type FilePosition, followFile, readStream } from "./file.js";
import { LogReader, type ReadCounts } from "./reader.js";

export interface FollowedLogs {
  coverage(): Coverage;
  stop(): Promise<void>;
}

type State = { -readonly [Key in keyof FollowedAgent]: FollowedAgent[Key] };

export function followLogs(
  files: readonly string[],
  node: string,
  keeper: Pick<Keeper, "sighting" | "notice" | "position" | "store">,
  warn: (message: string) => void,
  stdin: AsyncIterable<Uint8Array> = process.stdin,
): FollowedLogs {
  const abort = new AbortController();
  const counts: ReadCounts = { lines: 0, foreign: 0, overlong: 0 };
  const states: State[] = [];
  const ends = files.map((file) => (file === "-" ? standardInput() : one(file)));
  return {
    coverage: () => ({ agents: states, unguarded: null, nodes: null, counts }),
    async stop() {
      abort.abort();
      // Standard input may never end.
      await Promise.all(ends.filter((_, i) => files[i] !== "-"));
    },
  };

  function readerOf(name: string, state: State): LogReader {
    const seen = () => {
      state.lastAt = Date.now();
      state.state = "followed";
      delete state.why;
    };
    const intake = {
      sighting(sighting: Sighting) {
        seen();
        keeper.sighting(sighting);
      },
      notice(notice: Notice) {
        seen();
        keeper.notice(notice);
      },
    };
    return new LogReader({ name, node }, intake, counts);
  }

  function stateOf(name: string): State {
    const state: State = { name, node, state: "followed", lastAt: null };
    states.push(state);
    return state;
  }

  async function standardInput(): Promise<void> {
    const state = stateOf("standard input");
    try {
      await readStream(stdin, readerOf("-", state));
    } catch (error) {
      warn(`read standard input: ${(error as Error).message}`);
    }
    state.state = "silent";
    state.why = "it has ended";
  }

  async function one(file: string): Promise<void> {
    const state = stateOf(file);
    await followFile({
      file,
      from: positionOf(keeper.store().position(file)),
      reader: () => readerOf(file, state),
      onPosition: ({ inode, bytes }) => keeper.position(file, `${inode}:${bytes}`),
      onError(error) {
        state.state = "unreadable";
        state.why = (error as Error).message;
        warn(`read ${file}: ${state.why}; tried again`);
      },
      signal: abort.signal,
    });
  }
}

function positionOf(text: string | null): FilePosition | null {
  const [, inode, bytes] = /^(\d+):(\d+)$/.exec(text ?? "") ?? [];
  return inode === undefined ? null : { inode: Number(inode), bytes: Number(bytes) };
}
