// Strings that are only logged from now on, in the kernel's table and for the scan.
import { type Layout, type SensorMap, structLayout } from "@cryptnono/native";
import { type CompiledRules, ruleByNumber } from "./rules.js";
import type { Rule } from "./types.js";

/** bpf/execwhacker/maps.bpf.h */
export const DEMOTED = "demoted";

/** Until the list is loaded again. @throws NativeError when the kernel has no room: the string then stays in force. */
export function demote(
  { list, index, wallet }: Rule,
  { rules, generation, list: judged }: CompiledRules,
  map: Pick<SensorMap, "set">,
  layout: Layout,
): void {
  const { offsets, size } = structLayout(layout, "demoted_key");
  const count = rules.strings.length + (rules.wallets?.length ?? 0);
  for (let id = 0; id < count; id++) {
    const rule = ruleByNumber(rules, id)!;
    if (rule.index !== index || rule.list !== list || rule.wallet !== wallet) continue;
    const key = new Uint8Array(size);
    const view = new DataView(key.buffer);
    view.setUint32(offsets["generation"]!, generation, true);
    view.setUint32(offsets["string_id"]!, id, true);
    map.set(key, 1);
    judged.demoted.add(id);
  }
}

/** All are in force again. */
export function promoteAll(map: Pick<SensorMap, "keys" | "delete">): void {
  for (const key of map.keys()) map.delete(key);
}
