// Which addresses are public: bpf/flowkiller/public.bpf.h, asked without a kernel.
import { isV4, type Network, parseNetwork } from "./address.js";
import type { Settings } from "./settings.js";
import { contains } from "./tables.js";

/** By IANA's special-purpose registries. */
const PRIVATE4 = networks(
  ...["0.0.0.0/8", "10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24"],
  ...["192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4"],
);
const SHARED = parseNetwork("100.64.0.0/10");
const MULTICAST4 = parseNetwork("224.0.0.0/4");
const PRIVATE6 = networks(
  ...["::/64", "fc00::/7", "fe80::/10", "64:ff9b:1::/48", "100::/64", "2001:db8::/32", "2001::/23"],
);
const MULTICAST6 = parseNetwork("ff00::/8");

/** @param address - Unwrapped. */
export function isPublic(
  address: Uint8Array,
  settings: Pick<Settings, "shared_addresses_are_public" | "multicast_is_public">,
): boolean {
  const v4 = isV4(address);
  if (v4 && contains(SHARED, address)) return settings.shared_addresses_are_public;
  if (contains(v4 ? MULTICAST4 : MULTICAST6, address)) return settings.multicast_is_public;
  return !(v4 ? PRIVATE4 : PRIVATE6).some((network) => contains(network, address));
}

function networks(...texts: readonly string[]): readonly Network[] {
  return texts.map(parseNetwork);
}
