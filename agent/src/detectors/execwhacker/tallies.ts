// The kernel's tallies by their maps: what it counted together, and how much of that was told.
import { constant, type Layout, type SensorMap, structLayout } from "@cryptnono/native";
import type { SensorCounters } from "./counters.js";
import type { Tally, TallyStore } from "./ledger.js";
import type { TalliedVerdict } from "./tell/verdicts.js";

/** Maps of bpf/execwhacker/maps.bpf.h that the next agent goes on with. */
export const TALLIES = "tallies";
export const SUMMED = "summed";
export const TOLD_GROUPS = "told_groups";
const COUNTERS = "counters";

/** Where tallies are read and written. */
export interface TallyMaps {
  readonly layout: Layout;
  counters(): SensorCounters | null;
  map(name: string): Pick<SensorMap, "entries" | "sum" | "set" | "delete">;
}

const VERDICTS: Readonly<Record<TalliedVerdict, string>> = {
  killed: "VERDICT_KILLED",
  kill_failed: "VERDICT_KILL_FAILED",
  would_kill: "VERDICT_WOULD_KILL",
  spared_substring: "VERDICT_SPARED_SUBSTRING",
  spared_pattern: "VERDICT_SPARED_PATTERN",
  spared_scope: "VERDICT_SPARED_SCOPE",
  let_go: "VERDICT_LET_GO",
  candidate: "VERDICT_CANDIDATE",
};
/** bpf/execwhacker/execwhacker.h, a define and so in no BTF. */
const NO_STRING = 0xffffffff;
/** Keys are named by their bytes. */
const ENCODING = "latin1";

export function tallyStore({ layout, counters, map }: TallyMaps): TallyStore {
  const { offsets: keyAt } = structLayout(layout, "tally_key");
  const { offsets: at } = structLayout(layout, "tally");
  const summedLayout = structLayout(layout, "summed");
  const verdicts = new Map(
    Object.entries(VERDICTS).map(([verdict, name]) => [constant(layout, name), verdict as TalliedVerdict]),
  );

  function decode(key: Uint8Array, value: Uint8Array): Tally | null {
    const k = new DataView(key.buffer, key.byteOffset, key.byteLength);
    const v = new DataView(value.buffer, value.byteOffset, value.byteLength);
    const verdict = verdicts.get(k.getUint32(keyAt["verdict"]!, true));
    if (verdict === undefined) return null;
    const stringId = k.getUint32(keyAt["string_id"]!, true);
    return {
      key: Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString(ENCODING),
      verdict,
      group: k.getBigUint64(keyAt["group"]!, true).toString(),
      stringId: stringId === NO_STRING ? null : stringId,
      patternId: k.getUint32(keyAt["pattern_id"]!, true),
      generation: k.getUint32(keyAt["generation"]!, true),
      total: Number(v.getBigUint64(at["total"]!, true)),
      told: Number(v.getBigUint64(at["told"]!, true)),
      firstNs: v.getBigUint64(at["first_ns"]!, true),
      lastNs: v.getBigUint64(at["last_ns"]!, true),
      cgroupId: v.getBigUint64(at["cgroup_id"]!, true),
      pid: v.getUint32(at["pid"]!, true),
      uid: v.getUint32(at["uid"]!, true),
    };
  }

  return {
    counters,
    tallies: () =>
      map(TALLIES)
        .entries()
        .flatMap(({ key, value }) => decode(key, value) ?? []),
    summed: () =>
      new Map(
        map(SUMMED)
          .entries()
          .map(({ key, value }) => {
            const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
            const firstNs = view.getBigUint64(summedLayout.offsets["first_ns"]!, true);
            const count = Number(view.getBigUint64(summedLayout.offsets["count"]!, true));
            return [Buffer.from(key).toString(ENCODING), { firstNs, count }];
          }),
      ),
    setSummed(key, firstNs, count) {
      const value = new Uint8Array(summedLayout.size);
      const view = new DataView(value.buffer);
      view.setBigUint64(summedLayout.offsets["first_ns"]!, firstNs, true);
      view.setBigUint64(summedLayout.offsets["count"]!, BigInt(count), true);
      try {
        map(SUMMED).set(Buffer.from(key, ENCODING), value);
      } catch {
        // No room, or no memory: only the next agent would ask, and all together are never told twice.
      }
    },
    forgetSummed: (key) => void map(SUMMED).delete(Buffer.from(key, ENCODING)),
    addSummed(verdict, count) {
      // Its own map alone: what counters() adds of earlier sensors is theirs.
      const key = constant(layout, `COUNTER_SUMMED_${verdict.toUpperCase()}`);
      map(COUNTERS).set(key, map(COUNTERS).sum(key) + BigInt(count));
    },
  };
}
