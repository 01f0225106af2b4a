// What the kernel counted and did not tell one by one: the difference of two maps, told as numbers now and then.
import { type Layout, type SensorMap, structLayout } from "@cryptnono/native";

/** So many of one kind in one pod that have no line of their own. */
export interface Untold<Kind> {
  readonly kind: Kind;
  readonly count: bigint;
  readonly group: bigint;
  /** Nanoseconds since boot, as the next one. */
  readonly firstNs: bigint;
  readonly lastNs: bigint;
  /** Of the last one. */
  readonly pid: number;
  readonly uid: number;
  readonly port: number;
  readonly address: Uint8Array;
}

export interface TallyParts<Kind> {
  /** Of an object with `tally_key`, `tally` and `summed`. */
  readonly layout: Layout;
  readonly tallies: SensorMap;
  /** How much of them was told by number; outlives the agent as they do. */
  readonly summed: SensorMap;
  /** What a tally is of; null: nothing that is told. */
  readonly kindOf: (key: Uint8Array, tally: Uint8Array) => Kind | null;
}

/** @returns a function that answers what came to be untold since its last call, and takes it for told. */
export function tallyReader<Kind>({ layout, tallies, summed, kindOf }: TallyParts<Kind>): () => Untold<Kind>[] {
  const key = structLayout(layout, "tally_key").offsets;
  const tally = structLayout(layout, "tally").offsets;
  const sum = structLayout(layout, "summed");

  return () => {
    const before = new Map(summed.entries().map(({ key, value }) => [hex(key), value]));
    const untold: Untold<Kind>[] = [];
    const all = tallies.entries();
    // Tallies that had to go make room first: there are as many sums as tallies at most.
    const there = new Set(all.map(({ key }) => hex(key)));
    for (const gone of before.keys()) if (!there.has(gone)) summed.delete(Buffer.from(gone, "hex"));
    for (const { key: keyBytes, value } of all) {
      const t = viewOf(value);
      const firstNs = t.getBigUint64(tally["first_ns"]!, true);
      // One that is just being made.
      if (firstNs === 0n) continue;
      const known = before.get(hex(keyBytes));
      const summedBefore =
        known !== undefined && viewOf(known).getBigUint64(sum.offsets["first_ns"]!, true) === firstNs
          ? viewOf(known).getBigUint64(sum.offsets["count"]!, true)
          : 0n;
      // The one that is just being told is counted and not told yet: it is, next time.
      const notTold = t.getBigUint64(tally["total"]!, true) - t.getBigUint64(tally["told"]!, true);
      const count = notTold - summedBefore;
      const kind = kindOf(keyBytes, value);
      if (count <= 0n || kind === null) continue;
      const next = new Uint8Array(sum.size);
      viewOf(next).setBigUint64(sum.offsets["first_ns"]!, firstNs, true);
      viewOf(next).setBigUint64(sum.offsets["count"]!, notTold, true);
      summed.set(keyBytes, next);
      untold.push({
        kind,
        count,
        group: viewOf(keyBytes).getBigUint64(key["group"]!, true),
        firstNs,
        lastNs: t.getBigUint64(tally["last_ns"]!, true),
        pid: t.getUint32(tally["pid"]!, true),
        uid: t.getUint32(tally["uid"]!, true),
        port: t.getUint32(tally["port"]!, true),
        address: value.slice(tally["address"]!, tally["address"]! + 16),
      });
    }
    return untold;
  };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
