import assert from "node:assert/strict";
import { test } from "node:test";
import type { Layout, SlotContent } from "@cryptnono/native";
import fc from "fast-check";
import { isV4, parseAddress, parseNetwork, showNetwork } from "./address.js";
import { Entries } from "./lists.js";
import { compileNetworks, contains, findEntry, NO_ENTRY } from "./tables.js";

const LAYOUT: Layout = {
  enums: {},
  structs: {
    network4: { size: 8, offsets: { bits: 0, address: 4 }, sizes: { bits: 4, address: 4 } },
    network6: { size: 20, offsets: { bits: 0, address: 4 }, sizes: { bits: 4, address: 16 } },
    listed: { size: 8, offsets: { entry: 0, ports: 4 }, sizes: { entry: 4, ports: 4 } },
    listed_port: { size: 8, offsets: { ports: 0, port: 4 }, sizes: { ports: 4, port: 4 } },
  },
};

function entriesOf(texts: readonly string[]): Entries {
  const entries = new Entries();
  for (const [i, text] of texts.entries()) entries.add(parseNetwork(text), "/list", i + 1);
  return entries.done();
}

function rowsOf(content: SlotContent, keySize: number, valueSize: number) {
  assert.ok(!(content instanceof Uint8Array));
  const keys = new DataView(content.keys.buffer);
  const values = new DataView(content.values.buffer);
  return Array.from({ length: content.keys.length / keySize }, (_, i) => ({
    first: keys.getUint32(i * keySize, true),
    rest: content.keys.subarray(i * keySize + 4, (i + 1) * keySize),
    value: Array.from({ length: valueSize / 4 }, (_, j) => values.getUint32(i * valueSize + 4 * j, true)),
  }));
}

/** What the kernel's part does with the tables: the longest network, then its ports. */
function kernelFinds(tables: ReturnType<typeof compileNetworks>, address: Uint8Array, port: number): number {
  const v4 = isV4(address);
  const rows = rowsOf(tables[v4 ? "banned4_slots" : "banned6_slots"]!, v4 ? 8 : 20, 8);
  const wanted = v4 ? address.subarray(12) : address;
  let longest: (typeof rows)[number] | undefined;
  for (const row of rows) {
    const matches = contains({ address: row.rest, bits: row.first, port: 0 }, wanted);
    if (matches && (longest === undefined || row.first >= longest.first)) longest = row;
  }
  if (longest === undefined) return -1;
  const [entry, group] = longest.value;
  if (entry !== NO_ENTRY) return entry!;
  const found = rowsOf(tables["ports_slots"]!, 8, 4).find(
    ({ first, rest }) => first === group && new DataView(rest.buffer, rest.byteOffset).getUint32(0, true) === port,
  );
  return found === undefined ? -1 : found.value[0]!;
}

const network = fc
  .tuple(fc.boolean(), fc.integer({ min: 0, max: 7 }), fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 2 }))
  .map(([isV6, last, shorter, port]) => {
    const suffix = port === 0 ? "" : `:${port}`;
    const bits = (isV6 ? 128 : 32) - shorter;
    return isV6 ? `[2001:db8::${last}/${bits}]${suffix}` : `10.0.0.${last}/${bits}${suffix}`;
  });

test("the tables ban what some entry bans, whatever lies in whatever", () => {
  const destinations = Array.from({ length: 8 }, (_, i) => [`10.0.0.${i}`, `2001:db8::${i}`]).flat();
  fc.assert(
    fc.property(fc.array(network, { maxLength: 12 }), (texts) => {
      const entries = entriesOf(texts);
      const tables = compileNetworks(entries, entriesOf([]), LAYOUT);
      for (const text of destinations) {
        const address = parseAddress(text)!;
        for (const port of [1, 2, 3]) {
          const found = kernelFinds(tables, address, port);
          assert.equal(found < 0, findEntry(entries, address, port) < 0, `${text}:${port} of ${texts.join(" ")}`);
          if (found < 0) continue;
          const entry = entries.at(found)!;
          assert.ok(contains(entry, address) && (entry.port === 0 || entry.port === port), showNetwork(entry));
        }
      }
    }),
  );
});

test("of equal networks the first is named", () => {
  const entries = entriesOf(["192.0.2.1", "192.0.2.1", "192.0.2.1"]);
  const rows = rowsOf(compileNetworks(entries, entriesOf([]), LAYOUT)["banned4_slots"]!, 8, 8);
  // The last of equal keys is what a map keeps.
  assert.equal(rows.at(-1)!.value[0], 0);
});

test("all of IPv6 is none of IPv4", () => {
  const entries = entriesOf(["::/0", "198.51.100.1:80"]);
  const tables = compileNetworks(entries, entriesOf([]), LAYOUT);
  assert.equal(kernelFinds(tables, parseAddress("198.51.100.1")!, 443), -1);
  assert.equal(kernelFinds(tables, parseAddress("198.51.100.1")!, 80), 1);
  assert.equal(findEntry(entries, parseAddress("192.0.2.1")!, 80), -1);
  assert.equal(findEntry(entries, parseAddress("2001:db8::1")!, 80), 0);
});
