// The container that kills what computes RandomX: on by default, its settings, and what it may do.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { CHARTS, find, HELM, notes, remembered, render, scenario } from "./helm.js";

const skip = HELM === undefined ? "no helm: run test/cluster/install-tools charts" : false;
const AGENT = join(CHARTS, "../bin/cryptnono");
const agentIsMissing = existsSync(join(CHARTS, "../build/agent/cryptnono.mjs"))
  ? false
  : "the agent is not bundled: run make build";

const of = (own: Record<string, unknown>, execwhacker: Record<string, unknown> = {}) => ({
  detectors: { monero: own, execwhacker },
});
const container = (values: Record<string, unknown>) =>
  find(render(values), "DaemonSet")["spec"].template.spec.containers.find(
    ({ name }: { name: string }) => name === "monero",
  );

describe("monero's container", { skip }, () => {
  it("is there unless it is switched off", () => {
    assert.notEqual(container({}), undefined);
    assert.equal(container(of({ enabled: false })), undefined);
  });

  it("has the rules' modes, and each setting", () => {
    const { args } = container({});
    assert.deepEqual(args, [
      "monero",
      "--lookup-container",
      ...["--mode", "enforce"],
      ...["--registers", "enforce"],
      ...["--four-modes", "audit"],
      ...["--memory", "audit"],
      ...["--node-name", "$(CRYPTNONO_NODE_NAME)"],
      ...["--health-port", "12133"],
      ...["--pin-dir", "/run/cryptnono/pins"],
    ]);
    const all = container(scenario("all-settings")).args;
    assert.deepEqual(all.slice(all.indexOf("--mode"), all.indexOf("--health-port")), [
      ...["--mode", "audit"],
      ...["--lookup-wait", "0"],
      ...["--summary-every", "86400"],
      ...["--whole-lines", "1000000"],
      ...["--lookup-envs", "JUPYTERHUB_USER"],
      ...["--trusted-cgroup", "/kubernetes"],
      "--log-severity",
      ...["--registers", "audit"],
      ...["--four-modes", "enforce"],
      ...["--memory", "off"],
      ...["--half-life", "30"],
      ...["--memory-every", "60"],
      ...["--memory-percent", "50"],
      ...["--min-each", "5"],
      ...["--min-percent", "9"],
      ...["--min-samples", "1000000"],
      ...["--ticks", "0"],
      "--memory-at-exec",
      ...["--node-name", "$(CRYPTNONO_NODE_NAME)"],
      "--tell-terminal",
    ]);
  });

  const NUMBERS: readonly (readonly [key: string, least: number, most: number])[] = [
    ["minSamples", 4, 1_000_000],
    ["minEach", 1, 1_000_000],
    ["minPercent", 1, 33],
    ["halfLifeSeconds", 1, 2_147_483],
    ["ticksPerSecond", 0, 100],
    ["memoryEverySeconds", 2, 86_400],
    ["memoryPercent", 1, 100],
  ];
  const numbers = (one: (least: number, most: number) => number) =>
    of(Object.fromEntries(NUMBERS.map(([key, least, most]) => [key, one(least, most)])));
  it("takes the least of each number", () => void render(numbers((least) => least)));
  // helm names all places that are wrong.
  const refusal = remembered((isBelow: boolean) => {
    let message = "";
    assert.throws(
      () => render(numbers((least, most) => (isBelow ? least - 1 : most + 1))),
      (error: Error) => {
        message = error.message;
        return true;
      },
    );
    return message;
  });
  for (const [key, least, most] of NUMBERS) {
    it(`is refused: ${key} below ${least} or above ${most}`, () => {
      for (const isBelow of [true, false]) assert.match(refusal(isBelow), new RegExp(`/monero/${key}'`));
    });
  }

  it("has arguments that are flags of the agent", { skip: agentIsMissing }, () => {
    const { stdout } = spawnSync(AGENT, ["monero", "--help"], { encoding: "utf8" });
    const known = new Set(stdout.match(/--[a-z-]+/g));
    const { args } = container(scenario("all-settings"));
    assert.deepEqual(
      args.filter((arg: string) => arg.startsWith("--") && !known.has(arg)),
      [],
    );
  });

  it("has four capabilities, and nothing of the node but pins and sockets", () => {
    const { securityContext, volumeMounts } = container({});
    assert.deepEqual(securityContext.capabilities, { drop: ["ALL"], add: ["BPF", "PERFMON", "SYS_PTRACE", "KILL"] });
    assert.deepEqual(
      volumeMounts.map(({ mountPath }: { mountPath: string }) => mountPath),
      ["/run/cryptnono/pins", "/host/run/containerd"],
    );
  });

  it("finds the sockets that execwhacker was given, or its own", () => {
    const k3s = { containerdHostPath: "/run/k3s/containerd/containerd.sock" };
    const endpoint = (values: Record<string, unknown>) => container(values).env[0].value;
    assert.equal(endpoint(of({}, k3s)), "unix:///host/run/k3s/containerd/containerd.sock");
    assert.equal(endpoint(of({ containerdHostPath: "/run/crio/crio.sock" }, k3s)), "unix:///host/run/crio/crio.sock");
  });

  it("has allow patterns in a Secret, and none where there are none", () => {
    const secrets = (values: Record<string, unknown>) =>
      render(values).filter(({ kind, metadata }) => kind === "Secret" && metadata.name.endsWith("-monero"));
    assert.deepEqual(secrets({}), []);
    const values = of({ configs: { suites: { allowedCommandPatterns: ["/usr/bin/ctest .*"] }, none: null } });
    const data = secrets(values)[0]!["data"] as Record<string, string>;
    assert.deepEqual(Object.keys(data), ["suites.json"]);
    assert.deepEqual(JSON.parse(Buffer.from(data["suites.json"]!, "base64").toString()), {
      allowedCommandPatterns: ["/usr/bin/ctest .*"],
    });
    const { args } = container(values);
    assert.ok(args.includes("/etc/cryptnono/monero/suites.json"));
  });

  it("starts within a minute under a limit that is too small for it", () => {
    const { limits } = container(scenario("2i2c")).resources;
    assert.deepEqual(limits, { cpu: "100m", memory: "128Mi" });
    assert.match(notes(of({ mode: "audit" })), /monero .* in audit mode/);
  });
});
