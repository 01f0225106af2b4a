// The names of the network guard's BPF object, and how its tables come into force.
import { constant, type Layout, structLayout } from "@cryptnono/native";
import type { SensorParts } from "../../sensor/index.js";
import { HOOKS, KILL_WAYS, type KillWay, PROGRAMS } from "./kill-way.js";
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

/** @param cgroupRoot - The root cgroup2's path; of no use where `way` has no hooks. */
export function flowkillerSensor(way: KillWay, cgroupRoot: string): SensorParts {
  const hooks = HOOKS.map((program) => ({ program, cgroup: cgroupRoot }));
  const programs = [
    { program: "agent_exit" },
    // Before what needs it.
    ...(way === "by-printk" ? [{ program: "printk_kill" }] : []),
    ...(way === "at-state" ? [{ program: "state" }] : hooks),
  ];
  const wanted = programs.map(({ program }) => program);
  return {
    detector: "flowkiller",
    programs,
    mainProgram: way === "at-state" ? "state" : "connect4",
    skip: PROGRAMS.filter((program) => !wanted.includes(program)),
    constants: { kill_way: KILL_WAY_NUMBERS[way] },
    maxEntries: {},
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

/** What `struct settings` holds. */
export interface KernelSettings {
  readonly flags: number;
  readonly generation: number;
  readonly wholeLines: number;
}

export function settingsBytes(settings: KernelSettings, layout: Layout): Uint8Array {
  const { size, offsets } = structLayout(layout, "settings");
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setUint32(offsets["flags"]!, settings.flags, true);
  view.setUint32(offsets["generation"]!, settings.generation, true);
  view.setUint32(offsets["whole_lines"]!, settings.wholeLines, true);
  return bytes;
}

export function slotContents(tables: Tables, settings: KernelSettings, layout: Layout): Tables {
  return { ...tables, settings_slots: settingsBytes(settings, layout) };
}
