import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { MAX_LINE_LENGTH, parseCgroup } from "./container-id.js";
import { cgroupSamples } from "./fixtures/cgroup-samples.js";

describe("a process's container by its cgroup", () => {
  for (const { title, cgroup, expected } of cgroupSamples) {
    it(title, () => {
      assert.deepEqual(parseCgroup(cgroup), expected);
    });
  }

  const id = "ab".repeat(32);

  it("is the same from the kernel's paths as from /proc's lines", () => {
    for (const { cgroup } of cgroupSamples) {
      if (cgroup.source !== "kernel") continue;
      const fromKernel = parseCgroup(cgroup);
      const fromProc = parseCgroup({ source: "proc", lines: cgroup.paths.map((path) => `0::${path}\n`).join("") });
      assert.deepEqual(
        fromProc.kind === "host" ? fromProc : { ...fromProc, line: fromProc.line.slice("0::".length) },
        fromKernel,
      );
    }
  });

  it("is not hidden by leaving one controller's cgroup", () => {
    const lines = `3:devices:/\n2:memory:/docker/${id}\n0::/\n`;
    assert.deepEqual(parseCgroup({ source: "proc", lines }), {
      kind: "container",
      refs: [{ id, runtimes: ["docker"] }],
      line: `2:memory:/docker/${id}`,
    });
  });

  it("is found whatever prefix and suffix surround a known shape", () => {
    const name = fc
      .stringMatching(/^[a-z0-9._-]{1,20}$/)
      .filter((text) => !/lxc|default|buildkit|libpod|docker|k8s/.test(text));
    fc.assert(
      fc.property(fc.array(name, { maxLength: 5 }), fc.array(name, { maxLength: 5 }), (before, after) => {
        const path = `/${[...before, `cri-containerd-${id}.scope`, ...after].join("/")}`;
        const verdict = parseCgroup({ source: "kernel", paths: [path] });
        assert.deepEqual(verdict, { kind: "container", refs: [{ id, runtimes: ["cri"] }], line: path });
      }),
    );
  });

  it("is a verdict and never an exception for any text", () => {
    const part = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom(
        "/",
        ":",
        "-",
        "..",
        ".scope",
        " (deleted)",
        "docker",
        "kubepods",
        "cri-containerd-",
        "lxc.payload.",
        "\n",
        "0::",
      ),
      fc.constant(id),
    );
    const text = fc.array(part, { maxLength: 40 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(text, (any) => {
        for (const verdict of [
          parseCgroup({ source: "proc", lines: any }),
          parseCgroup({ source: "kernel", paths: [any, any] }),
        ]) {
          if (verdict.kind !== "host") assert.ok(verdict.line.length <= MAX_LINE_LENGTH);
          if (verdict.kind === "container") {
            assert.ok(verdict.refs.length <= 4);
            for (const ref of verdict.refs) assert.match(ref.id, /^[0-9a-f]{64}$/);
          }
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("takes no more than linear time for names made to be slow", () => {
    const units = [
      "/",
      ":",
      "-",
      "a",
      "/..",
      "-pod",
      "/pod",
      " (deleted)",
      `/docker/${id}`,
      `/${id}-`,
      "/lxc.payload.",
      "-0f",
    ];
    for (const unit of units) {
      // 16 MB: a quadratic step over a tenth of it would take minutes.
      const lines = `0::${unit.repeat(Math.ceil(2 ** 24 / unit.length))}`;
      const paths = lines.match(/.{1,4096}/gs) ?? [];
      const startMs = performance.now();
      parseCgroup({ source: "proc", lines });
      parseCgroup({ source: "kernel", paths });
      const ms = performance.now() - startMs;
      assert.ok(ms < 1000, `${JSON.stringify(unit.slice(0, 12))} repeated: ${ms} ms`);
    }
  });
});
