// What is known of a running process: the kernel's counts so far and what its file was found to have, out of pinned maps.
import { constant, type Layout, Sensor, structLayout } from "@cryptnono/native";
import { UsageError } from "../../errors.js";
import { openProc, type ProcFiles, parseStat, ticksToNs } from "../../proc/index.js";
import { bootClock, type TimeOf } from "../../report/index.js";
import { objectDir, readObject } from "../../run/objects.js";
import { pinsOf } from "../../sensor/index.js";
import { type Look, Looks, type Mark } from "./memory/looks.js";
import { type Seen, seenDecoder } from "./record.js";
import { LOOKS, MARKS, OBJECT, PROCESSES } from "./sensor.js";

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
  /** Files are looked into as they begin to run. */
  readonly looksAtExec: boolean;
  /** At the file that it began last; null: it began before the agent, or many others have begun since. */
  readonly look: Look | null;
  /** One of its files has an algorithm's constants. */
  readonly mark: Mark | null;
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
  const sensor = Sensor.openPinned(dir, [PROCESSES, LOOKS, MARKS]);
  // A number may have been given again: /proc counts in ticks of 10 ms.
  const its = <T extends { readonly startTimeNs: bigint }>(one: T | null): T | null =>
    one !== null && one.startTimeNs / TICK_NS === startTimeNs / TICK_NS ? one : null;
  try {
    const layout = layoutOf();
    const bytes = sensor.map(PROCESSES).get(pid);
    const seen = its(bytes === null ? null : seenDecoder(layout)(bytes));
    const looks = new Looks({ looks: sensor.map(LOOKS), marks: sensor.map(MARKS) }, layout);
    return {
      pid,
      seen,
      told: seen === null ? [] : toldOf(bytes!, layout),
      looksAtExec: looks.areMade,
      look: its(looks.look(pid)),
      mark: its(looks.mark(pid)),
    };
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

/** @param timeOf - A time of the kernel's, as text. */
export function sentence(known: Known, timeOf: TimeOf = bootClock()): string {
  return [...computing(known), ...file(known, timeOf), ""].join("\n");
}

function computing({ pid, seen, told }: Known): string[] {
  if (seen === null) return [`process ${pid}: no sample of it had a directed rounding mode`];
  const { counts, ftzDaz, samples, directed, constants } = seen;
  const modes = Object.entries(counts).map(([mode, count]) => `${mode} ${count}`);
  return [
    `process ${pid}: ${samples} samples since its exec, ${directed} with a directed rounding mode`,
    `  counted, fading: ${modes.join(", ")}; ${ftzDaz} flush to zero`,
    `  RandomX's constants in registers: ${constants.length === 0 ? "none" : constants.join(", ")}`,
    `  verdicts so far: ${told.length === 0 ? "none" : told.join(", ")}`,
  ];
}

function file({ looksAtExec, look, mark }: Known, timeOf: TimeOf): string[] {
  if (!looksAtExec) return ["  its file: not looked into as it begins (--memory-at-exec is off)"];
  return [
    `  its file: ${look === null ? "not known; it began before the agent, or many others have begun since" : lookText(look, timeOf)}`,
    ...(mark === null ? [] : [`  ${markText(mark)}`]),
  ];
}

function lookText({ outcome, timeNs, lookedMs }: Look, timeOf: TimeOf): string {
  const began = `began at ${timeOf(timeNs)}`;
  const at = lookedMs === null ? "" : ` at ${new Date(lookedMs).toISOString()}`;
  switch (outcome) {
    case "waits":
      return `${began}, waits to be looked into, or a part of it was`;
    case "untold":
      return `${began}, not looked into: too many programs began in that second`;
    case "put-off":
      return `${began}, not looked into: too many others waited`;
    case "unreadable":
      return `${began}, could not be read${at}: not on a file system of this machine alone, or not in time`;
    case "searched":
      return `${began}, searched${at}`;
    case "cached":
      return `${began}, known${at} by an earlier search`;
  }
}

function markText({ algorithm: { name, variant }, markedMs }: Mark): string {
  const what = variant === undefined ? name : `${name} (${variant})`;
  const at = new Date(markedMs).toISOString();
  return `marked for the constants of ${what} in it at ${at}: looked at each second whether it burns CPU`;
}
