// The names of the network guard's BPF object, and how its tables come into force.
import { randomInt } from "node:crypto";
import { constant, type Layout, structLayout } from "@cryptnono/native";
import type { SensorParts } from "../../sensor/index.js";
import { HOOKS, type KernelAbility, KILL_WAYS, type KillWay, PROGRAMS } from "./kill-way.js";
import type { Tables } from "./tables.js";

export const OBJECT = "flowkiller.bpf.o";

/** Kills have a ring of their own, so that no flood of other events can take their room. */
export const KILL_RING = "kill_events";
export const OTHER_RING = "other_events";
export const TALLIES = "tallies";
export const SUMMED = "summed";

/** `enum kill_way`: user space sets it before the layout can be asked. */
const KILL_WAY_NUMBERS: Readonly<Record<KillWay, number>> = {
  "by-agent": 0,
  "in-hook": 1,
  "by-printk": 2,
  "at-state": 3,
};

/** @param cgroupRoot - The root cgroup2's path; of no use where the kernel has no hooks. */
export function flowkillerSensor(
  { way, hasErrno }: KernelAbility,
  cgroupRoot: string,
  maxEntries: Readonly<Record<string, number>> = {},
): SensorParts {
  const hooks = HOOKS.map((program) => ({ program, cgroup: cgroupRoot }));
  const programs = [
    { program: "agent_exit" },
    // Before what needs it.
    ...(way === "by-printk" ? [{ program: "printk_kill" }] : []),
    ...(way === "at-state" ? [{ program: "state" }] : [{ program: "watch_answer" }, ...hooks]),
  ];
  const wanted = programs.map(({ program }) => program);
  return {
    detector: "flowkiller",
    programs,
    mainProgram: way === "at-state" ? "state" : "connect4",
    skip: PROGRAMS.filter((program) => !wanted.includes(program)),
    constants: { kill_way: KILL_WAY_NUMBERS[way], has_errno: hasErrno, hash_seed: randomInt(2 ** 32) },
    maxEntries,
    rings: [KILL_RING, OTHER_RING],
    kept: [TALLIES, SUMMED],
  };
}

/** @throws where the object numbers its ways otherwise: the two were not built together. */
export function checkKillWays(layout: Layout): void {
  for (const [way, name] of Object.entries(KILL_WAYS)) {
    if (constant(layout, name) !== KILL_WAY_NUMBERS[way as KillWay]) throw new Error(`${name} has another number`);
  }
}

/** The fields of `struct settings`, by their names there. */
export type KernelSettings = Readonly<Record<string, number | bigint>>;

/** @throws where the object has other fields: the two were not built together. */
export function settingsBytes(settings: KernelSettings, layout: Layout): Uint8Array {
  const { size, offsets, sizes } = structLayout(layout, "settings");
  const unset = Object.keys(offsets).find((field) => field !== "reserved" && settings[field] === undefined);
  if (unset !== undefined) throw new Error(`nothing is said of the setting ${unset}`);
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  for (const [field, value] of Object.entries(settings)) {
    if (sizes[field] === 8) view.setBigUint64(offsets[field]!, BigInt(value), true);
    else view.setUint32(offsets[field]!, Number(value), true);
  }
  return bytes;
}

export function slotContents(tables: Tables, settings: KernelSettings, layout: Layout): Tables {
  return { ...tables, settings_slots: settingsBytes(settings, layout) };
}
