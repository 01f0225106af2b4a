// What is known of a running process: the kernel's counts so far, out of the pinned map, without a verdict.
import { constant, type Layout, Sensor, structLayout } from "@cryptnono/native";
import { UsageError } from "../../errors.js";
import { openProc, type ProcFiles, parseStat, ticksToNs } from "../../proc/index.js";
import { objectDir, readObject } from "../../run/objects.js";
import { pinsOf } from "../../sensor/index.js";
import { type Seen, seenDecoder } from "./record.js";
import { OBJECT, PROCESSES } from "./sensor.js";

export interface ExplainOptions {
  /** The running agent's. */
  readonly pinDir: string;
  readonly json: boolean;
}

/** What is told, for programs. */
export interface Known {
  readonly pid: number;
  /** null: no sample of it had a directed rounding mode. */
  readonly seen: Seen | null;
  readonly told: readonly string[];
}

/** @returns the exit status: 0. @throws UsageError */
export function explainProcess(
  pid: number,
  { pinDir, json }: ExplainOptions,
  write: (text: string) => void = (text) => process.stdout.write(text),
  proc: Pick<ProcFiles, "read"> = openProc(),
): number {
  const known = lookUp(pid, pinDir, proc);
  write(
    json
      ? `${JSON.stringify(known, (_, value) => (typeof value === "bigint" ? Number(value) : value))}\n`
      : sentence(known),
  );
  return 0;
}

function lookUp(pid: number, pinDir: string, proc: Pick<ProcFiles, "read">): Known {
  const startTimeNs = startOf(pid, proc);
  const dir = pinsOf(pinDir, "monero").at(-1);
  if (dir === undefined) {
    const hint = "give the running agent's --pin-dir; what an agent without pins knows is in its log alone";
    throw new UsageError(`look for what is known in ${pinDir}: nothing is pinned there`, hint);
  }
  const sensor = Sensor.openPinned(dir, [PROCESSES]);
  try {
    const layout = layoutOf();
    const bytes = sensor.map(PROCESSES).get(pid);
    const seen = bytes === null ? null : seenDecoder(layout)(bytes);
    // A number that was given again: /proc counts in ticks of 10 ms.
    const isIt = seen !== null && seen.startTimeNs / TICK_NS === startTimeNs / TICK_NS;
    return { pid, seen: isIt ? seen : null, told: isIt ? toldOf(bytes!, layout) : [] };
  } finally {
    sensor.close();
  }
}

const TICK_NS = 10_000_000n;

function startOf(pid: number, proc: Pick<ProcFiles, "read">): bigint {
  try {
    const stat = parseStat(proc.read(pid, "stat"));
    if (stat !== null) return ticksToNs(stat.startTicks);
  } catch {
    // It is gone.
  }
  throw new UsageError(`look up process ${pid}: there is none`, "give the number that it has on the node");
}

function layoutOf(): Layout {
  const sensor = Sensor.open({ object: readObject(objectDir(), OBJECT) });
  try {
    return sensor.layout();
  } finally {
    sensor.close();
  }
}

function toldOf(bytes: Uint8Array, layout: Layout): string[] {
  const told = new DataView(bytes.buffer, bytes.byteOffset).getUint32(
    structLayout(layout, "seen").offsets["told"]!,
    true,
  );
  return (["RULE_REGISTERS", "RULE_FOUR_MODES"] as const).flatMap((name) =>
    told & (1 << constant(layout, name)) ? [name === "RULE_REGISTERS" ? "registers" : "four-modes"] : [],
  );
}

function sentence({ pid, seen, told }: Known): string {
  if (seen === null) return `process ${pid}: no sample of it had a directed rounding mode\n`;
  const { counts, ftzDaz, samples, directed, constants } = seen;
  const modes = Object.entries(counts).map(([mode, count]) => `${mode} ${count}`);
  return [
    `process ${pid}: ${samples} samples since its exec, ${directed} with a directed rounding mode`,
    `  counted, fading: ${modes.join(", ")}; ${ftzDaz} flush to zero`,
    `  RandomX's constants in registers: ${constants.length === 0 ? "none" : constants.join(", ")}`,
    `  verdicts so far: ${told.length === 0 ? "none" : told.join(", ")}`,
    "",
  ].join("\n");
}
