// Entries to what the kernel's tries and hashes hold. A trie answers with the longest network that an address lies in, and with no
// shorter one: what shorter ones say is written into the longer ones here.
import { type Layout, type SlotContent, structLayout } from "@cryptnono/native";
import { isV4, masked, type Network } from "./address.js";
import type { Entries } from "./lists.js";

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

/** The tables of what is banned and what is allowed; an entry is its index. */
export function compileNetworks(banned: Entries, allowed: Entries, layout: Layout): Tables {
  const ports: (readonly [group: number, port: number, entry: number])[] = [];
  const bannedRows = banned.hasPorts ? rowsWithPorts(banned, ports) : rowsOf(banned);
  const allowedRows = rowsOf(allowed);
  return {
    banned4_slots: trie4(bannedRows, layout),
    banned6_slots: trie6(bannedRows, layout),
    allowed4_slots: trie4(allowedRows, layout),
    allowed6_slots: trie6(allowedRows, layout),
    ports_slots: portTable(ports, layout),
  };
}

/** Where every entry is of all ports there is nothing to inherit. The last of equal keys stays: so that it is the first that was
 * written, they come from the end. */
function rowsOf(entries: Entries): Row[] {
  return Array.from({ length: entries.length }, (_, i) => {
    const entry = entries.length - 1 - i;
    return { network: entries.network(entry), entry, group: 0 };
  });
}

function rowsWithPorts(entries: Entries, ports: (readonly [group: number, port: number, entry: number])[]): Row[] {
  let groups = 0;
  return inherit(unique(entries)).map(({ network, entry, ports: own }) => {
    if (entry !== NO_ENTRY) return { network, entry, group: 0 };
    const group = ++groups;
    for (const [port, index] of own) ports.push([group, port, index]);
    return { network, entry, group };
  });
}

/** One of each network; the first entry that bans it whole is the one that is named. */
function unique(entries: Entries): Listed[] {
  const byNetwork = new Map<string, Listed>();
  for (let i = 0; i < entries.length; i++) {
    const network = entries.network(i);
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

function inherit(all: Listed[]): Listed[] {
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

/** What the tables say of a destination, asked without a kernel: the entry, or -1. */
export function findEntry(entries: Entries, address: Uint8Array, port: number): number {
  let [best, bits] = [-1, -1];
  for (let i = 0; i < entries.length; i++) {
    const network = entries.network(i);
    if (network.port !== 0 && network.port !== port) continue;
    if (isV4Network(network) !== isV4(address) || !contains(network, address) || network.bits <= bits) continue;
    [best, bits] = [i, network.bits];
  }
  return best;
}

/** All entries that ban a destination. */
export function findsOf(entries: Entries, address: Uint8Array, port: number): number[] {
  const found: number[] = [];
  for (let i = 0; i < entries.length; i++) {
    const network = entries.network(i);
    if (network.port !== 0 && network.port !== port) continue;
    if (isV4Network(network) === isV4(address) && contains(network, address)) found.push(i);
  }
  return found;
}

/** Entries of all ports by their network, for whoever asks which of them lie around another. */
export class NetworkIndex {
  readonly #first = new Map<string, number>();
  readonly #bits: readonly number[];

  constructor(entries: Entries) {
    const bits = new Set<number>();
    for (let i = 0; i < entries.length; i++) {
      const network = entries.network(i);
      bits.add(network.bits);
      const key = keyOf(network.address, network.bits, network.port);
      if (!this.#first.has(key)) this.#first.set(key, i);
    }
    this.#bits = [...bits].sort((a, b) => a - b);
  }

  /** The widest entry around `network`, or an equal one before `index`: of all ports, or of the same. */
  around(network: Network, index: number): number | null {
    const least = isV4Network(network) ? 96 : 0;
    for (const bits of this.#bits) {
      if (bits < least || bits > network.bits) continue;
      for (const port of network.port === 0 ? [0] : [0, network.port]) {
        const found = this.#first.get(keyOf(masked(network.address, bits), bits, port));
        if (
          found !== undefined &&
          found !== index &&
          (bits < network.bits || port !== network.port || found < index || index < 0)
        )
          return found;
      }
    }
    return null;
  }
}

function keyOf(address: Uint8Array, bits: number, port: number): string {
  return `${Buffer.from(address).toString("latin1")}/${bits}:${port}`;
}
