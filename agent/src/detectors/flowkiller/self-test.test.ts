import assert from "node:assert/strict";
import { test } from "node:test";
import { runSelfTest } from "./self-test.js";

for (const [what, seen, hasV6, result] of [
  ["both hooks answer", ["udp4", "udp6"], true, "killed"],
  ["the hook of IPv6 is gone", ["udp4"], true, "survived"],
  ["the hook of IPv4 is gone", ["udp6"], true, "survived"],
  ["all are gone", [], true, "survived"],
  ["the machine has no IPv6", ["udp4"], false, "killed"],
] as const) {
  test(`${what}: ${result}`, async () => {
    let count = 5n;
    const ask = (type: "udp4" | "udp6") => {
      if (type === "udp6" && !hasV6) return Promise.resolve(false);
      if ((seen as readonly string[]).includes(type)) count++;
      return Promise.resolve(true);
    };
    assert.equal(await runSelfTest({ count: () => count, ask }), result);
  });
}

test("a retired agent asks nobody's hooks", async () => {
  assert.equal(await runSelfTest({ count: () => null, ask: () => Promise.resolve(true) }), "killed");
});
