import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { RuntimeState, RuntimeStatus } from "../types.js";
import { createAnnouncer } from "./announce.js";

describe("the log's words on the runtimes' sockets", () => {
  it("come once, when all were tried, each socket by its name and state", (context) => {
    const { announce, notices } = open(context);
    announce(sockets("starting", "starting"));
    announce(sockets("absent", "starting"));
    assert.deepEqual(notices, []);
    announce(sockets("absent", "answers"));
    announce(sockets("absent", "answers"));
    assert.deepEqual(notices, [
      ["info", "Container runtimes", { runtimes: ["unix:///run/0: absent", "unix:///run/1: answers"] }],
    ]);
  });

  it("are a warning when none answers, and say why", (context) => {
    const { announce, notices } = open(context);
    announce([
      { type: "cri", socketPath: "/run/containerd/containerd.sock", state: "not-permitted", detail: "connect EACCES" },
      { type: "docker", socketPath: "/run/d.sock", state: "not-a-runtime", detail: "not HTTP" },
    ]);
    const runtimes = [
      "unix:///run/containerd/containerd.sock: not permitted (connect EACCES)",
      "unix:///run/d.sock: not a Docker daemon (not HTTP)",
    ];
    assert.deepEqual(notices, [["warning", "Container runtimes", { runtimes }]]);
  });

  it("come again for a socket that changed, at most once a minute, with what it came to", (context) => {
    const { announce, notices, tick } = open(context);
    announce(sockets("answers", "absent"));
    tick(60_000);
    announce(sockets("refused", "absent"));
    assert.deepEqual(notices.at(-1), ["warning", "Container runtime changed", { runtime: "unix:///run/0: refused" }]);
    for (const state of ["silent", "answers", "silent", "answers"] as const) {
      tick(1000);
      announce(sockets(state, "absent"));
    }
    assert.equal(notices.length, 2);
    tick(60_000);
    assert.deepEqual(notices.slice(2), [["info", "Container runtime changed", { runtime: "unix:///run/0: answers" }]]);
    announce(sockets("silent", "absent"));
    announce(sockets("answers", "absent"));
    tick(600_000);
    assert.equal(notices.length, 3);
  });
});

function sockets(...states: readonly RuntimeState[]): readonly RuntimeStatus[] {
  return states.map((state, index) => ({ type: "cri", socketPath: `/run/${index}`, state }));
}

function open(context: TestContext) {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  let nowMs = 0;
  const notices: unknown[][] = [];
  const announce = createAnnouncer(
    (...notice) => notices.push(notice),
    60_000,
    () => nowMs,
  );
  return {
    announce,
    notices,
    tick(ms: number) {
      nowMs += ms;
      context.mock.timers.tick(ms);
    },
  };
}
