// The agent's word on who has reached for one destination too many: its command line is looked at before anyone is killed.

import {
  type CompiledAllow,
  compileAllow,
  DEFAULT_MAX_ALLOW_BYTES,
  matchArguments,
  PatternError,
  parsePattern,
} from "@cryptnono/matcher";
import { type Layout, type SensorMap, structLayout } from "@cryptnono/native";
import { ConfigError } from "../../config/index.js";
import { showDestination } from "./address.js";
import type { ScanWindow } from "./record.js";

/** Patterns that spare a command line of the scan rule. */
export class AllowedCommands {
  readonly sources: readonly string[];
  readonly #compiled: CompiledAllow | null;

  /** @throws ConfigError that names the pattern by its place. */
  constructor(sources: readonly string[]) {
    this.sources = sources;
    const problems = sources.flatMap((source, index) => {
      try {
        parsePattern(source, 0);
        return [];
      } catch (error) {
        if (!(error instanceof PatternError)) throw error;
        const got = `${error.problem} at offset ${error.offset}`;
        return [{ file: "", place: placeOf(index), expected: "a regular expression", got, hint: error.hint }];
      }
    });
    if (problems.length > 0) throw new ConfigError(problems);
    this.#compiled = sources.length === 0 ? null : compileAllow(sources);
    const refused = this.#compiled?.refused ?? [];
    if (refused.length > 0) {
      const expected = "a pattern that is small enough for all of them to fit";
      throw new ConfigError(
        refused.map(({ pattern: index }) => ({ file: "", place: placeOf(index), expected, got: "a larger one" })),
      );
    }
  }

  /** The pattern that matches, by its index. @param line - The path of the file that runs, then the arguments that count. */
  find(line: readonly Uint8Array[]): number | null {
    if (this.#compiled === null) return null;
    const index = matchArguments(this.#compiled, line, 1, DEFAULT_MAX_ALLOW_BYTES);
    return index < 0 ? null : index;
  }
}

function placeOf(index: number): string {
  return `FlowKiller.allowed_command_patterns[${index}]`;
}

/** The kernel's windows, as far as the agent has a word in them. */
export interface Windows {
  /** How often each destination of the window was reached for, and of how many the kernel has forgotten which they were. */
  destinations(window: ScanWindow): {
    readonly addresses: Readonly<Record<string, number>>;
    readonly forgotten: number;
  };
  /** Until then nothing is told of it. Nanoseconds since boot. */
  exempt(window: ScanWindow, untilNs: bigint): void;
  /** Until then what is new to it is refused, and kills. */
  condemn(window: ScanWindow, untilNs: bigint): void;
}

export function scanWindows(map: (name: string) => SensorMap, layout: Layout): Windows {
  const window = structLayout(layout, "window").offsets;
  const destination = structLayout(layout, "destination").offsets;

  function write({ by, key }: ScanWindow, field: string, untilNs: bigint): void {
    const windows = map(by === "pod" ? "pod_windows" : "windows");
    const value = windows.get(key);
    // It had to go for others: it begins anew.
    if (value === null) return;
    new DataView(value.buffer, value.byteOffset).setBigUint64(window[field]!, untilNs, true);
    windows.set(key, value);
  }

  return {
    destinations({ slots }) {
      const addresses: Record<string, number> = {};
      let forgotten = 0;
      for (const { hash, times } of slots) {
        const value = map("destinations").get(hash);
        if (value === null) {
          forgotten++;
          continue;
        }
        const view = new DataView(value.buffer, value.byteOffset);
        const address = value.subarray(destination["address"]!, destination["address"]! + 16);
        addresses[showDestination(address, view.getUint32(destination["port"]!, true))] = times;
      }
      return { addresses, forgotten };
    },
    exempt: (of, untilNs) => write(of, "exempt_until_ns", untilNs),
    condemn: (of, untilNs) => write(of, "condemned_until_ns", untilNs),
  };
}
