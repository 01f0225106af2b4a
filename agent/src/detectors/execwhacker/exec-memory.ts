// What the kernel remembers of processes that a pattern spared at exec: a verdict there binds whoever sees them again.
import { hashStrings, type Layout, type SensorMap, structLayout } from "@cryptnono/native";
import type { ExecMemory } from "./scan/index.js";

/** A map of bpf/execwhacker/maps.bpf.h that the next agent goes on with. */
export const SPARED = "spared";

/** /proc/PID/stat counts in ticks of 10 ms: two times of one process may differ by that. */
const TICK_NS = 10_000_000n;

/** @param map - The sensor's map `spared`: `struct spared` of bpf/execwhacker/execwhacker.h by thread group. */
export function execMemory(map: Pick<SensorMap, "get">, layout: Layout): ExecMemory {
  const { offsets, sizes } = structLayout(layout, "spared");
  const at = (field: string) => {
    const offset = offsets[field];
    if (offset === undefined) throw new Error(`struct spared has no ${field}`);
    return offset;
  };
  const pathRoom = sizes["path"]!;
  return {
    spared(pid, startTimeNs, image) {
      const bytes = map.get(pid);
      if (bytes === null) return null;
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const began = view.getBigUint64(at("start_time_ns"), true);
      if (began / TICK_NS !== startTimeNs / TICK_NS) return null;
      if (!image.startsWith(`${view.getBigUint64(at("args_address"), true)} `)) return null;
      const pathBytes = view.getUint16(at("path_bytes"), true);
      const hashed = Number(view.getBigUint64(at("bytes"), true));
      const hash = view.getBigUint64(at("hash"), true);
      const keys = bytes.slice(at("keys"), at("keys") + 16);
      return {
        path: pathBytes < pathRoom ? bytes.slice(at("path"), at("path") + pathBytes) : null,
        stringId: view.getUint32(at("string_id"), true),
        patternId: view.getUint32(at("pattern_id"), true),
        generation: view.getUint32(at("generation"), true),
        hasChanged: (area) => hashed === 0 || hashed > area.length || hashStrings(area, hashed, keys) !== hash,
      };
    },
  };
}
