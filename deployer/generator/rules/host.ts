// What a container has no business with: switches of the host's processor that RandomX is faster with. Administrators use them too,
// on the host itself.
import type { Candidate } from "../types.js";

const SOURCE = "xmrig/xmrig:scripts/randomx_boost.sh, scripts/enable_1gb_pages.sh";

/** Registers made writable, and AMD's that turn prefetchers off. Intel's (0x1a4) is in benchmarks' manuals too. */
const SWITCHES = [
  "modprobe msr allow_writes=on",
  "/sys/module/msr/parameters/allow_writes",
  "wrmsr -a 0xc0011020",
  "wrmsr -a 0xc0011021",
  "wrmsr -a 0xc0011022",
];

/** `host-switch`: in containers alone. */
export function hostSwitches(): Candidate[] {
  return SWITCHES.map((value) => ({ value, mode: "word", scope: "containers", source: SOURCE, rule: "host-switch" }));
}
