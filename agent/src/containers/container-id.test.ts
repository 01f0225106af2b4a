import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { rounds } from "@cryptnono/matcher/test/rounds";
import fc from "fast-check";
import { MAX_LINE_LENGTH, parseCgroup } from "./container-id.js";
import { cgroupSamples } from "./fixtures/cgroup-samples.js";

describe("a process's container by its cgroup", () => {
  for (const { title, cgroup, trusted, expected } of cgroupSamples) {
    it(title, () => {
      assert.deepEqual(parseCgroup(cgroup, trusted), expected);
    });
  }

  const id = "ab".repeat(32);

  it("is the same from the kernel's paths as from /proc's lines", () => {
    for (const { cgroup, trusted } of cgroupSamples) {
      if (cgroup.source !== "kernel" || cgroup.paths.length === 0) continue;
      const fromKernel = parseCgroup(cgroup, trusted);
      const lines = cgroup.paths.map((path) => `0::${path}\n`).join("");
      const fromProc = parseCgroup({ source: "proc", lines }, trusted);
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
      ref: { id, runtimes: ["docker"] },
      line: `2:memory:/docker/${id}`,
    });
  });

  const name = fc.stringMatching(/^[a-zA-Z0-9._@:-]{1,20}$/).filter((text) => text !== "." && text !== "..");
  const anyBelow = fc.array(
    fc.oneof(
      name,
      fc.constantFrom("docker", "kubepods", "kubepods.slice", "system.slice", "docker.service", id),
      fc.constantFrom(`cri-containerd-${id}.scope`, `crio-${id}.scope`, `docker-${id}.scope`),
    ),
    { maxLength: 8 },
  );

  it("is found whatever slices are above and whatever names are below", () => {
    const own = "cd".repeat(32);
    const slices = fc.array(
      name.map((text) => `${text}.slice`).filter((text) => !/^(user|user-\d+|machine)\.slice$/.test(text)),
      { maxLength: 5 },
    );
    fc.assert(
      fc.property(slices, anyBelow, (above, below) => {
        const path = `/${[...above, `cri-containerd-${own}.scope`, ...below].join("/")}`;
        const verdict = parseCgroup({ source: "kernel", paths: [path] });
        assert.ok(verdict.kind === "container");
        assert.deepEqual(verdict.ref, { id: own, runtimes: ["cri"] });
      }),
    );
  });

  it("is never one that stands below a directory, service or scope that is not a manager's", () => {
    const handed = fc.oneof(
      name.filter((text) => !/slice$|^(docker|kubepods|kubelet|burstable|besteffort|guaranteed)$/.test(text)),
      name.map((text) => `${text}.scope`),
      name.map((text) => `jupyter-${text}.service`),
      fc.constantFrom("user.slice", "user-1000.slice", "lxc.payload.web", "machine.slice/x", "docker/x", "lxc/x"),
    );
    fc.assert(
      fc.property(
        fc.constantFrom("", "/system.slice", "/../../system.slice"),
        handed,
        anyBelow,
        (above, owner, below) => {
          const path = `${above}/${[owner, ...below].join("/")}`;
          assert.notEqual(parseCgroup({ source: "kernel", paths: [path] }).kind, "container", path);
        },
      ),
      { numRuns: rounds(300) },
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
            for (const ref of [verdict.ref, verdict.inner ?? verdict.ref]) assert.match(ref.id, /^[0-9a-f]{64}$/);
          }
        }
      }),
      { numRuns: rounds(300) },
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
      // 4 MB: a quadratic step over a tenth of it would take more than a minute.
      const lines = `0::${unit.repeat(Math.ceil(2 ** 22 / unit.length))}`;
      const paths = lines.match(/.{1,4096}/gs) ?? [];
      const startMs = performance.now();
      parseCgroup({ source: "proc", lines });
      parseCgroup({ source: "kernel", paths });
      const ms = performance.now() - startMs;
      // Bounded by more than a busy machine's worst, as what is quadratic takes longer.
      assert.ok(ms < 20_000, `${JSON.stringify(unit.slice(0, 12))} repeated: ${ms} ms`);
    }
  });
});
