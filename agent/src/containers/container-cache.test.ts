import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ContainerCache } from "./container-cache.js";
import type { ContainerFacts } from "./runtime.js";

const limits = { maxContainers: 3, maxBytes: 4000, unknownMs: 100 };

function facts(id: string, rest: Partial<ContainerFacts> = {}): ContainerFacts {
  return { type: "cri", id, labels: {}, image: "i:1", complete: true, ...rest };
}

describe("the cache of containers", () => {
  it("keeps what was used last", () => {
    const cache = new ContainerCache(limits);
    for (const id of ["a", "b", "c"]) cache.put(facts(id));
    cache.get("a");
    cache.put(facts("d"));
    assert.deepEqual(
      ["a", "b", "c", "d"].map((id) => cache.get(id) !== undefined),
      [true, false, true, true],
    );
  });

  it("stays within its limits, whatever is put in", () => {
    const any = fc.record({
      id: fc.string({ maxLength: 3 }),
      image: fc.string({ maxLength: 600 }),
      complete: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(any, { maxLength: 50 }), (all) => {
        const cache = new ContainerCache(limits);
        for (const { id, image, complete } of all) cache.put(facts(id, { image, complete }));
        let bytes = 0;
        for (const id of new Set(all.map((one) => one.id))) {
          const kept = cache.get(id);
          bytes += kept === undefined ? 0 : 2 * (kept.id.length + kept.image.length);
        }
        assert.ok(cache.size <= limits.maxContainers);
        assert.ok(bytes <= cache.bytes && cache.bytes <= limits.maxBytes);
      }),
    );
  });

  it("lets go of a container that is larger than the whole cache", () => {
    const cache = new ContainerCache(limits);
    cache.put(facts("a", { image: "x".repeat(2000) }));
    assert.equal(cache.size, 0);
    assert.equal(cache.bytes, 0);
  });

  it("keeps the small ones when someone makes containers with long labels without end", () => {
    const cache = new ContainerCache({ ...limits, maxContainers: 2048, maxBytes: 1024 * 1024 });
    const pods = Array.from({ length: 300 }, (_, index) => `pod-${index}`);
    for (const id of pods) cache.put(facts(id, { labels: { "io.kubernetes.pod.name": id } }));
    for (let index = 0; index < 10_000; index++) {
      cache.put(facts(`fat-${index}`, { labels: { a: "x".repeat(1024), b: "y".repeat(1024), c: "z".repeat(1024) } }));
    }
    assert.equal(pods.filter((id) => cache.get(id) === undefined).length, 0);
    assert.ok(cache.bytes <= 1024 * 1024);
  });

  it("keeps the pods when someone makes Docker containers without end, and the reverse", () => {
    for (const [few, many] of [
      ["cri", "docker"],
      ["docker", "cri"],
    ] as const) {
      const cache = new ContainerCache({ ...limits, maxContainers: 100, maxBytes: 1024 * 1024 });
      for (let index = 0; index < 50; index++) cache.put(facts(`few-${index}`, { type: few }));
      for (let index = 0; index < 1000; index++) cache.put(facts(`many-${index}`, { type: many }));
      assert.deepEqual(
        [cache.size, Array.from({ length: 50 }, (_, index) => cache.get(`few-${index}`)).filter(Boolean).length],
        [100, 50],
      );
    }
  });

  it("completes what a list told and never takes it back", () => {
    const cache = new ContainerCache(limits);
    cache.put(facts("a", { complete: false, image: "sha256:1" }));
    cache.put(facts("a", { image: "name:1" }));
    cache.put(facts("a", { complete: false, image: "sha256:1" }));
    assert.equal(cache.get("a")?.image, "name:1");
  });

  it("forgets after a while that an id was unknown, and at once when it becomes known", () => {
    let nowMs = 0;
    const cache = new ContainerCache(limits, () => nowMs);
    cache.markUnknown("a");
    cache.markUnknown("b");
    nowMs = 99;
    assert.equal(cache.isUnknown("a"), true);
    cache.put(facts("a"));
    assert.equal(cache.isUnknown("a"), false);
    nowMs = 100;
    assert.equal(cache.isUnknown("b"), false);
  });

  it("remembers no more unknown ids than containers", () => {
    const cache = new ContainerCache(limits, () => 0);
    for (const id of ["a", "b", "c", "d"]) cache.markUnknown(id);
    assert.deepEqual(
      ["a", "b", "c", "d"].map((id) => cache.isUnknown(id)),
      [false, true, true, true],
    );
  });
});
