import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AddressError,
  parseAddress,
  parseNetwork,
  showAddress,
  showDestination,
  showNetwork,
  unwrapped,
} from "./address.js";

for (const [text, shown, bits, port] of [
  ["192.0.2.1", "192.0.2.1", 128, 0],
  ["192.0.2.77/24", "192.0.2.0/24", 120, 0],
  ["0.0.0.0/0", "0.0.0.0/0", 96, 0],
  ["192.0.2.1:3333", "192.0.2.1:3333", 128, 3333],
  ["10.0.0.0/8:80", "10.0.0.0/8:80", 104, 80],
  ["2001:db8::1", "2001:db8::1", 128, 0],
  ["2001:DB8:0:0:1::/80", "2001:db8:0:0:1::/80", 80, 0],
  ["::/0", "::/0", 0, 0],
  ["[2001:db8::1]:443", "[2001:db8::1]:443", 128, 443],
  ["[2001:db8::1]", "2001:db8::1", 128, 0],
  ["[2001:db8::/32]:443", "[2001:db8::/32]:443", 32, 443],
  ["::ffff:192.0.2.1", "192.0.2.1", 128, 0],
  ["::ffff:192.0.2.0/120", "192.0.2.0/24", 120, 0],
  ["64:ff9b::192.0.2.1", "64:ff9b::c000:201", 128, 0],
] as const) {
  test(`${text} is ${shown}`, () => {
    const network = parseNetwork(text);
    assert.deepEqual([showNetwork(network), network.bits, network.port], [shown, bits, port]);
  });
}

for (const text of [
  "",
  "192.0.2",
  "192.0.2.256",
  "192.0.2.01",
  "192.0.2.1/33",
  "192.0.2.1/",
  "192.0.2.1:0",
  "192.0.2.1:65536",
  "192.0.2.1:",
  "192.0.2.1 192.0.2.2",
  "2001:db8::1::2",
  "2001:db8::/129",
  "[192.0.2.1]:80",
  "[2001:db8::1",
  "fe80::1%eth0",
  "pool.example.org",
  "0x7f.1",
]) {
  test(`${JSON.stringify(text)} is refused`, () => assert.throws(() => parseNetwork(text), AddressError));
}

test("a refusal names a name, and does not quote the line", () => {
  assert.throws(() => parseNetwork("pool.example.org"), /got a name$/);
});

test("NAT64 addresses are unwrapped, others stay", () => {
  assert.equal(showAddress(unwrapped(parseAddress("64:ff9b::192.0.2.1")!)), "192.0.2.1");
  assert.equal(showAddress(unwrapped(parseAddress("64:ff9b:1::192.0.2.1")!)), "64:ff9b:1::c000:201");
});

test("a destination has its port, behind brackets for IPv6", () => {
  assert.equal(showDestination(parseAddress("192.0.2.1")!, 80), "192.0.2.1:80");
  assert.equal(showDestination(parseAddress("2001:db8::1")!, 80), "[2001:db8::1]:80");
});
