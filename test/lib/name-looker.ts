// The programs' own reading of what a flow says first, asked about buffers: nothing is attached.
import { readFileSync } from "node:fs";
import { randomBase } from "@cryptnono/agent/detectors/flowkiller/names/hash";
import { normalName } from "@cryptnono/agent/detectors/flowkiller/names/lists";
import { HOOKS, type NameTables, slotContents, TEST_PROGRAM } from "@cryptnono/agent/detectors/flowkiller/names/sensor";
import { type Layout, Sensor, type StructLayout, structLayout } from "@cryptnono/native";
import { ROOT } from "./agent.js";

/** What a flow would be taken for. */
export interface Look {
  /** `sni`, `host`, `proxy`, `stratum`, `question`; null: nothing was found. */
  readonly found: string | null;
  /** By its place in the list; null: there is none. */
  readonly entry: number | null;
  /** What was read last; what was found, if something was. */
  readonly name: string;
  /** Who logs in. */
  readonly wallet: string;
  /** Packets until it was found. */
  readonly packets: number;
  /** It would not be followed any more. */
  readonly isOver: boolean;
  readonly flags: number;
  readonly elapsedNs: number;
}

export interface LookOptions {
  /** Bytes of the first packet. */
  readonly split?: number;
  /** Of each packet behind it. */
  readonly piece?: number;
  /** It goes to a name server. */
  readonly isDns?: boolean;
}

export const NAMES_OBJECT = readFileSync(`${ROOT}build/bpf/names.bpf.o`);

/** Tables of names as they are, in audit mode. */
export function nameTables(listed: readonly string[], more: Partial<NameTables> = {}): NameTables {
  return {
    listed: listed.map((text, i) => {
      const name = normalName(text);
      if (typeof name !== "string") throw new Error(`${text}: ${name.problem}`);
      return { name, list: "/names", line: i + 1 };
    }),
    spared: [],
    mode: "audit",
    dropsQuestions: true,
    dnsPorts: [53],
    egress: null,
    generation: 1,
    wholeLines: 0,
    base: randomBase(),
    ...more,
  };
}

export class NameLooker {
  readonly layout: Layout;
  readonly #sensor: Sensor;
  readonly #args: StructLayout;
  #slot: 0 | 1 = 0;

  constructor({ withoutBpfLoop = false } = {}) {
    const skip = ["agent_exit", "names_try_signal", ...HOOKS];
    this.#sensor = Sensor.open({ object: NAMES_OBJECT, constants: { without_bpf_loop: withoutBpfLoop }, skip });
    this.layout = this.#sensor.layout();
    this.#args = structLayout(this.layout, "look_args");
  }

  install(tables: NameTables): void {
    this.#slot = this.#slot === 0 ? 1 : 0;
    this.#sensor.fill(this.#slot, slotContents(tables, this.layout));
    this.#sensor.map("control").set(this.layout.enums["control"]!["CONTROL_SLOT"]!, this.#slot);
  }

  look(payload: Uint8Array, { split = 0, piece = 0, isDns = false }: LookOptions = {}): Look {
    const { size, offsets } = this.#args;
    const context = new Uint8Array(size);
    const view = new DataView(context.buffer);
    view.setUint32(offsets["bytes"]!, payload.length, true);
    view.setUint32(offsets["split"]!, split, true);
    view.setUint32(offsets["piece"]!, piece, true);
    view.setUint32(offsets["is_dns"]!, Number(isDns), true);
    if (this.#sensor.testRun(TEST_PROGRAM, context, [[offsets["payload"]!, payload]]) !== 0)
      throw new Error("look at a payload: no tables in force");
    const u32 = (field: string) => view.getUint32(offsets[field]!, true);
    const text = (field: string) => {
      const at = offsets[field]!;
      return Buffer.from(context.subarray(at, at + u32(`${field}_bytes`))).toString("latin1");
    };
    const evidence = Object.entries(this.layout.enums["evidence"]!).find(([, value]) => value === u32("found"))![0];
    return {
      found: evidence === "EVIDENCE_COUNT" ? null : evidence.slice("EVIDENCE_".length).toLowerCase(),
      entry: u32("entry") === 0xffffffff ? null : u32("entry"),
      name: text("name"),
      wallet: text("wallet"),
      packets: u32("packets"),
      isOver: u32("is_over") !== 0,
      flags: u32("flags"),
      elapsedNs: Number(view.getBigUint64(offsets["elapsed_ns"]!, true)),
    };
  }

  close(): void {
    this.#sensor.close();
  }
}
