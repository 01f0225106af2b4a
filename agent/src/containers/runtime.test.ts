import assert from "node:assert/strict";
import { describe, it, mock } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { boundFacts, pacer } from "./runtime.js";

describe("what a container's maker wrote", () => {
  const facts = { type: "docker", id: "a", image: "i:1", labels: {}, complete: true } as const;

  it("is kept when it is of a usual size", () => {
    const labels = { __proto__: "x", owner: "o", "io.kubernetes.pod.name": "p".repeat(253) };
    const given = { ...facts, labels: JSON.parse(JSON.stringify(labels)) };
    assert.deepEqual(boundFacts(given), given);
  });

  it("is cut in a log line, whatever its size", () => {
    const text = fc.nat({ max: 20_000 }).map((length) => "x".repeat(length));
    const labels = fc.dictionary(fc.string({ maxLength: 400 }), text, { maxKeys: 100, size: "max" });
    fc.assert(
      fc.property(text, labels, (image, given) => {
        const bounded = boundFacts({ ...facts, image, labels: given });
        assert.ok(bounded.image.length <= 512);
        assert.ok(JSON.stringify(bounded.labels).length <= 4096 * 2 + 64 * 8);
      }),
    );
  });

  it("takes no more memory than what is left of it", () => {
    const collect = gc();
    const before = process.memoryUsage().heapUsed;
    const kept = Array.from({ length: 100 }, () => {
      // As it comes from the runtime: a string of its own for each.
      const label = Buffer.alloc(2 ** 20, "x").toString("latin1");
      return boundFacts({ ...facts, image: label, labels: { label }, envs: { label } });
    });
    collect();
    const grown = process.memoryUsage().heapUsed - before;
    assert.equal(kept.length, 100);
    assert.ok(grown < 10 * 2 ** 20, `${grown} bytes for ${kept.length} containers`);
  });

  it("shows where it was cut", () => {
    assert.equal(boundFacts({ ...facts, image: "x".repeat(600) }).image, `${"x".repeat(511)}…`);
  });
});

/** The collector, which the command line need not have opened. */
function gc(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}

describe("a stream of events that floods", () => {
  it("is paused for the rest of a tick", (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    const stream = { pause: mock.fn(), resume: mock.fn() };
    const count = pacer(stream, 3, 1000);
    count();
    count();
    assert.equal(stream.pause.mock.callCount(), 0);
    count();
    assert.equal(stream.pause.mock.callCount(), 1);
    context.mock.timers.tick(1000);
    assert.equal(stream.resume.mock.callCount(), 1);
  });
});
