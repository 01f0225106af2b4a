// Kills as a year of a busy federation may have them: many pods, few images, some that come back.
import { createHash } from "node:crypto";
import type { Sighting } from "../types.js";

/** @param at - Milliseconds since 1970. */
export function someKill(i: number, at: number): Sighting {
  const id = createHash("sha1").update(String(i)).digest("hex");
  // Forty of one pod.
  const pod = createHash("sha1")
    .update(`pod ${Math.floor(i / 40)}`)
    .digest("hex")
    .slice(0, 10);
  const cmdline = `/tmp/${id.slice(0, 6)} -o stratum+tcp://pool-${i % 97}.example.org:3333 -u ${id} --threads ${i % 16}`;
  const sighting = {
    at,
    node: `node-${i % 100}`,
    pid: i % 4_000_000,
    startTime: `start ${i}`,
    action: i % 20 === 0 ? ("spared" as const) : ("killed" as const),
    count: 1,
    detector: i % 50 === 0 ? "flowkiller" : "execwhacker",
    cmdline,
    matched: "stratum+tcp://",
    rule: `encrypted-01[${i % 300}]`,
    namespace: `hub-${Math.floor(i / 40) % 25}`,
    pod: `jupyter-${pod}`,
    container: "notebook",
    containerId: id,
    image: `quay.io/hub/image-${i % 60}:1`,
    user: pod,
    repository: `https://example.org/repository-${Math.floor(i / 400)}`,
    address: `192.0.2.${i % 250}`,
    wallet: null,
  };
  return {
    ...sighting,
    line: JSON.stringify({
      ...sighting,
      action: sighting.action,
      event: "Killed process",
      timestamp: new Date(at).toISOString(),
    }),
  };
}
