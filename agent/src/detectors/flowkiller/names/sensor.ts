// The names of the names object, and how its tables come into force.
import { constant, type Layout, NativeError, Sensor, type SlotContent, structLayout } from "@cryptnono/native";
import type { SensorFactory, SensorParts } from "../../../sensor/index.js";
import type { Network } from "../address.js";
import { nameKey, powersOf } from "./hash.js";
import type { NameEntry } from "./lists.js";

export const OBJECT = "names.bpf.o";

export const KILL_RING = "name_kill_events";
export const OTHER_RING = "name_events";
export const POLICIES = "policies";
export const TALLIES = "name_tallies";
export const SUMMED = "name_summed";

/** Those of cgroups, in the order of attaching: who a socket belongs to must be known before its packets come. */
export const HOOKS = [
  "names_egress",
  "names_ingress",
  "names_connect4",
  "names_connect6",
  "names_sendmsg4",
  "names_sendmsg6",
] as const;
/** For tests and measurements. */
export const TEST_PROGRAM = "look_at_payload";
const TRIAL = "names_try_signal";

/** @param signals - See {@link canSignal}. */
export function namesSensor(cgroupRoot: string, signals: boolean): SensorParts & { readonly object: string } {
  return {
    detector: "flowkiller-names",
    object: OBJECT,
    programs: [{ program: "agent_exit" }, ...HOOKS.map((program) => ({ program, cgroup: cgroupRoot }))],
    mainProgram: "names_egress",
    skip: [TEST_PROGRAM, TRIAL],
    constants: { signals },
    maxEntries: {},
    rings: [KILL_RING, OTHER_RING],
    kept: ["learnt", TALLIES, SUMMED],
  };
}

/** This kernel lets programs of these hooks send signals: tried, as versions differ. */
export function canSignal(object: Uint8Array, native: Pick<SensorFactory, "open"> = Sensor): boolean {
  const skip = ["agent_exit", ...HOOKS, TEST_PROGRAM];
  const maxEntries = { [KILL_RING]: 4096, [OTHER_RING]: 4096, learnt: 64, [TALLIES]: 64, [SUMMED]: 64, policies: 64 };
  const sensor = native.open({ object, skip, maxEntries });
  try {
    sensor.map("control");
    return true;
  } catch (error) {
    if (error instanceof NativeError) return false;
    throw error;
  } finally {
    sensor.close();
  }
}

/** What is found is told; blocked and killed; or questions are answered still, and their addresses refused. */
export type NamesMode = "audit" | "enforce";

/** What comes into force together. */
export interface NameTables {
  readonly listed: readonly NameEntry[];
  readonly spared: readonly NameEntry[];
  readonly mode: NamesMode;
  readonly dropsQuestions: boolean;
  readonly dnsPorts: readonly number[];
  /** null: every pod reaches what it likes. */
  readonly egress: EgressTables | null;
  readonly generation: number;
  readonly wholeLines: number;
  /** Of the hash. */
  readonly base: bigint;
}

export interface EgressTables {
  readonly names: readonly NameEntry[];
  readonly networks: readonly Network[];
  /** A pod that nobody has named yet reaches no more than the list has. */
  readonly refusesUnknown: boolean;
}

export function slotContents(tables: NameTables, layout: Layout): Readonly<Record<string, SlotContent>> {
  return {
    names_slots: namesContent(tables, layout),
    settings_slots: settingsBytes(tables, layout),
    free_slots: networksContent(tables.egress?.networks ?? [], layout),
  };
}

interface Listed {
  entry: number;
  flags: number;
}

function namesContent({ listed, spared, egress, base }: NameTables, layout: Layout): SlotContent {
  const { size, offsets } = structLayout(layout, "listed_name");
  const noEntry = 0xffffffff;
  const all = new Map<string, Listed>();
  const mark = (entries: readonly NameEntry[], flag: string, numbered: boolean) => {
    for (const [i, { name }] of entries.entries()) {
      const known = all.get(name) ?? { entry: noEntry, flags: 0 };
      known.flags |= constant(layout, flag);
      if (numbered) known.entry = i;
      all.set(name, known);
    }
  };
  mark(listed, "NAME_LISTED", true);
  mark(spared, "NAME_SPARED", false);
  mark(egress?.names ?? [], "NAME_EGRESS", false);
  const keys = new BigUint64Array(all.size);
  const values = new Uint8Array(all.size * size);
  const view = new DataView(values.buffer);
  let i = 0;
  for (const [name, { entry, flags }] of all) {
    keys[i] = nameKey(name, base);
    view.setUint32(i * size + offsets["entry"]!, entry, true);
    view.setUint32(i * size + offsets["flags"]!, flags, true);
    i++;
  }
  return { keys: new Uint8Array(keys.buffer), values };
}

function settingsBytes(tables: NameTables, layout: Layout): Uint8Array {
  const { size, offsets, sizes } = structLayout(layout, "names_settings");
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  const flags = [
    tables.mode === "enforce" ? "NAMES_ENFORCE" : null,
    tables.dropsQuestions ? "NAMES_DROP_QUESTIONS" : null,
    tables.egress !== null ? "NAMES_EGRESS" : null,
    tables.egress?.refusesUnknown ? "NAMES_REFUSE_UNKNOWN" : null,
  ].reduce((sum, name) => (name === null ? sum : sum | constant(layout, name)), 0);
  view.setUint32(offsets["flags"]!, flags, true);
  view.setUint32(offsets["generation"]!, tables.generation, true);
  view.setUint32(offsets["whole_lines"]!, tables.wholeLines, true);
  view.setBigUint64(offsets["base"]!, tables.base, true);
  const powers = powersOf(tables.base, sizes["powers"]! / 8);
  bytes.set(new Uint8Array(powers.buffer), offsets["powers"]!);
  for (const [i, port] of tables.dnsPorts.entries()) view.setUint16(offsets["dns_ports"]! + 2 * i, port, true);
  return bytes;
}

function networksContent(networks: readonly Network[], layout: Layout): SlotContent {
  const { size, offsets } = structLayout(layout, "network");
  const keys = new Uint8Array(networks.length * size);
  const values = new Uint8Array(networks.length * 4);
  const view = new DataView(keys.buffer);
  for (const [i, { address, bits }] of networks.entries()) {
    view.setUint32(i * size + offsets["bits"]!, bits, true);
    keys.set(address, i * size + offsets["address"]!);
    values[i * 4] = 1;
  }
  return { keys, values };
}
