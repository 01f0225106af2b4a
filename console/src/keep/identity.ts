// Which lines tell of the same process.
import { caseKey } from "@cryptnono/agent/report/case-number";
import type { Sighting } from "../types.js";

export { numberOf } from "@cryptnono/agent/report/case-number";

/** The same for each line of one process, or for each copy of one summary: 16 bytes. */
export function keyOf(sighting: Sighting): Uint8Array {
  const { node, pid, startTime, at, cmdline, action, count, matched, rule, containerId, namespace, pod, container } =
    sighting;
  // A line without a start time, as earlier versions write them, is the same only when it says the same.
  return caseKey(
    pid !== null && startTime !== null
      ? [node, pid, startTime]
      : [node, pid, at, action, count, cmdline, matched, rule, containerId, namespace, pod, container],
  );
}
