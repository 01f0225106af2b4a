import assert from "node:assert/strict";
import { describe, it, mock } from "node:test";
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
        assert.ok(JSON.stringify(bounded.labels).length <= 8192 * 2 + 64 * 8);
      }),
    );
  });

  it("shows where it was cut", () => {
    assert.equal(boundFacts({ ...facts, image: "x".repeat(600) }).image, `${"x".repeat(511)}…`);
  });
});

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
