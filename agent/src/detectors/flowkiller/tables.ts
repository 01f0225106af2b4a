// Entries to what the kernel's tries and hashes hold. A trie answers with the longest network that an address lies in, and with no
// shorter one: what shorter ones say is written into the longer ones here.
import { type Layout, type SlotContent, structLayout } from "@cryptnono/native";
import { isV4, type Network } from "./address.js";
import type { Entry } from "./lists.js";

/** By outer map. */
export type Tables = Readonly<Record<string, SlotContent>>;

export const NO_ENTRY = 0xffffffff;

/** What lists say of one network: of all of its ports, or of some. */
interface Listed {
  readonly network: Network;
  /** Bans every port; NO_ENTRY when only some are. */
  entry: number;
  readonly ports: Map<number, number>;
}

/** Entries that are banned and others that are allowed, by their index in `banned` and in `allowed`. */
export function compileNetworks(banned: readonly Entry[], allowed: readonly Entry[], layout: Layout): Tables {
  const ports = new Map<string, readonly [ports: number, port: number, entry: number]>();
  const listed = inherit(banned);
  let portGroups = 0;
  const bannedRows = listed.map(({ network, entry, ports: own }) => {
    if (entry !== NO_ENTRY) return { network, entry, group: 0 };
    const group = ++portGroups;
    for (const [port, index] of own) ports.set(`${group} ${port}`, [group, port, index]);
    return { network, entry, group };
  });
  const allowedRows = unique(allowed).map(({ network, entry }) => ({ network, entry, group: 0 }));
  return {
    banned4_slots: trie4(bannedRows, layout),
    banned6_slots: trie6(bannedRows, layout),
    allowed4_slots: trie4(allowedRows, layout),
    allowed6_slots: trie6(allowedRows, layout),
    ports_slots: portTable([...ports.values()], layout),
  };
}

/** One of each network; the first entry that bans it whole is the one that is named. */
function unique(entries: readonly Entry[]): Listed[] {
  const byNetwork = new Map<string, Listed>();
  for (let i = 0; i < entries.length; i++) {
    const network = entries[i]!;
    const key = `${Buffer.from(network.address).toString("latin1")}${String.fromCharCode(network.bits)}`;
    let listed = byNetwork.get(key);
    if (listed === undefined) {
      listed = { network, entry: NO_ENTRY, ports: new Map() };
      byNetwork.set(key, listed);
    }
    if (network.port !== 0) {
      if (!listed.ports.has(network.port)) listed.ports.set(network.port, i);
    } else if (listed.entry === NO_ENTRY) listed.entry = i;
  }
  return [...byNetwork.values()];
}

function inherit(entries: readonly Entry[]): Listed[] {
  const all = unique(entries);
  // Nothing to inherit where every entry bans all ports.
  if (all.every(({ ports }) => ports.size === 0)) return all;
  all.sort((a, b) => Buffer.compare(a.network.address, b.network.address) || a.network.bits - b.network.bits);
  const around: Listed[] = [];
  return all.filter((listed) => {
    while (around.length > 0 && !covers(around.at(-1)!.network, listed.network)) around.pop();
    const outer = around.at(-1);
    if (listed.entry === NO_ENTRY && outer !== undefined) {
      if (outer.entry !== NO_ENTRY) return false; // banned whole already
      for (const [port, entry] of outer.ports) if (!listed.ports.has(port)) listed.ports.set(port, entry);
    }
    around.push(listed);
    return true;
  });
}

/** Both are of one family: ::/0 is all of IPv6 and none of IPv4. */
function covers(outer: Network, inner: Network): boolean {
  return isV4Network(outer) === isV4Network(inner) && contains(outer, inner.address);
}

export function contains({ address, bits }: Network, other: Uint8Array): boolean {
  const whole = bits >> 3;
  for (let i = 0; i < whole; i++) if (address[i] !== other[i]) return false;
  const rest = bits & 7;
  return rest === 0 || (address[whole]! ^ other[whole]!) >> (8 - rest) === 0;
}

interface Row {
  readonly network: Network;
  readonly entry: number;
  readonly group: number;
}

/** It lies in the IPv4 part of the address space, whole. */
function isV4Network({ address, bits }: Network): boolean {
  return bits >= 96 && isV4(address);
}

function trie4(rows: readonly Row[], layout: Layout): SlotContent {
  const { size, offsets } = structLayout(layout, "network4");
  const own = rows.filter(({ network }) => isV4Network(network));
  return trie(own, layout, size, (keys, { address, bits }, at) => {
    keys.setUint32(at + offsets["bits"]!, bits - 96, true);
    for (let i = 0; i < 4; i++) keys.setUint8(at + offsets["address"]! + i, address[12 + i]!);
  });
}

function trie6(rows: readonly Row[], layout: Layout): SlotContent {
  const { size, offsets } = structLayout(layout, "network6");
  const own = rows.filter(({ network }) => !isV4Network(network));
  return trie(own, layout, size, (keys, { address, bits }, at) => {
    keys.setUint32(at + offsets["bits"]!, bits, true);
    for (let i = 0; i < 16; i++) keys.setUint8(at + offsets["address"]! + i, address[i]!);
  });
}

function trie(
  rows: readonly Row[],
  layout: Layout,
  keySize: number,
  putKey: (keys: DataView, network: Network, at: number) => void,
): SlotContent {
  const { size, offsets } = structLayout(layout, "listed");
  const keys = new Uint8Array(rows.length * keySize);
  const values = new Uint8Array(rows.length * size);
  const [keyView, valueView] = [new DataView(keys.buffer), new DataView(values.buffer)];
  rows.forEach(({ network, entry, group }, i) => {
    putKey(keyView, network, i * keySize);
    valueView.setUint32(i * size + offsets["entry"]!, entry, true);
    valueView.setUint32(i * size + offsets["ports"]!, group, true);
  });
  return { keys, values };
}

function portTable(
  rows: readonly (readonly [group: number, port: number, entry: number])[],
  layout: Layout,
): SlotContent {
  const { size, offsets } = structLayout(layout, "listed_port");
  const keys = new Uint8Array(rows.length * size);
  const values = new Uint8Array(rows.length * 4);
  const [keyView, valueView] = [new DataView(keys.buffer), new DataView(values.buffer)];
  rows.forEach(([group, port, entry], i) => {
    keyView.setUint32(i * size + offsets["ports"]!, group, true);
    keyView.setUint32(i * size + offsets["port"]!, port, true);
    valueView.setUint32(i * 4, entry, true);
  });
  return { keys, values };
}

/** What the tables say of a destination, asked without a kernel. */
export function findEntry(entries: readonly Entry[], address: Uint8Array, port: number): number {
  let best = -1;
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i]!;
    if (entry.port !== 0 && entry.port !== port) continue;
    if (isV4Network(entry) !== isV4(address) || !contains(entry, address)) continue;
    if (best < 0 || entry.bits > entries[best]!.bits) best = i;
  }
  return best;
}
