// What the kernel counted and did not tell one by one: the difference of two maps, told as numbers now and then.
import { type Layout, type SensorMap, structLayout } from "@cryptnono/native";
import { type FlowKind, numbered } from "./record.js";

/** So many of one kind in one pod that have no line of their own. */
export interface Untold {
  readonly kind: FlowKind;
  readonly count: bigint;
  readonly group: bigint;
  readonly entry: number;
  readonly firstNs: bigint;
  readonly lastNs: bigint;
  /** Of the last one. */
  readonly pid: number;
  readonly uid: number;
  readonly port: number;
  readonly address: Uint8Array;
}

export interface TallyParts {
  readonly layout: Layout;
  readonly tallies: SensorMap;
  /** How much of them was told by number; outlives the agent as they do. */
  readonly summed: SensorMap;
  readonly kinds: Readonly<Record<string, FlowKind>>;
}

/** @returns a function that answers what came to be untold since its last call, and takes it for told. */
export function tallyReader({ layout, tallies, summed, kinds: words }: TallyParts): () => Untold[] {
  const key = structLayout(layout, "tally_key").offsets;
  const tally = structLayout(layout, "tally").offsets;
  const sum = structLayout(layout, "summed");
  const kinds = numbered(layout, "flow_event_kind", words);

  return () => {
    const before = new Map(summed.entries().map(({ key, value }) => [hex(key), value]));
    const untold: Untold[] = [];
    for (const { key: keyBytes, value } of tallies.entries()) {
      const [k, t] = [viewOf(keyBytes), viewOf(value)];
      const firstNs = t.getBigUint64(tally["first_ns"]!, true);
      const known = before.get(hex(keyBytes));
      before.delete(hex(keyBytes));
      const summedBefore =
        known !== undefined && viewOf(known).getBigUint64(sum.offsets["first_ns"]!, true) === firstNs
          ? viewOf(known).getBigUint64(sum.offsets["count"]!, true)
          : 0n;
      // The one that is just being told is counted and not told yet: it is, next time.
      const all = t.getBigUint64(tally["total"]!, true) - t.getBigUint64(tally["told"]!, true);
      const count = all - summedBefore;
      const kind = kinds.get(k.getUint32(key["kind"]!, true));
      if (count <= 0n || kind === undefined) continue;
      const next = new Uint8Array(sum.size);
      viewOf(next).setBigUint64(sum.offsets["first_ns"]!, firstNs, true);
      viewOf(next).setBigUint64(sum.offsets["count"]!, all, true);
      summed.set(keyBytes, next);
      untold.push({
        kind,
        count,
        group: k.getBigUint64(key["group"]!, true),
        entry: k.getUint32(key["entry"]!, true),
        firstNs,
        lastNs: t.getBigUint64(tally["last_ns"]!, true),
        pid: t.getUint32(tally["pid"]!, true),
        uid: t.getUint32(tally["uid"]!, true),
        port: t.getUint32(tally["port"]!, true),
        address: value.slice(tally["address"]!, tally["address"]! + 16),
      });
    }
    // Tallies that had to go.
    for (const gone of before.keys()) summed.delete(Buffer.from(gone, "hex"));
    return untold;
  };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
