// The one container template: what execwhacker's flags are made of, and that a second detector needs no other.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { CHARTS, find, HELM, parseYaml, render, scenario, text } from "./helm.js";

const AGENT = join(CHARTS, "../bin/cryptnono");
const agentIsMissing = existsSync(join(CHARTS, "../build/agent/cryptnono.mjs"))
  ? false
  : "the agent is not bundled: run make build";
const skip = HELM === undefined ? "no helm: run test/cluster/install-tools charts" : false;

describe("execwhacker's arguments", { skip }, () => {
  it("have each setting, numbers as whole ones", () => {
    const { args } = find(render(scenario("all-settings")), "DaemonSet")["spec"].template.spec.containers[0];
    const from = args.indexOf("--mode");
    assert.deepEqual(args.slice(from), [
      ...["--mode", "enforce"],
      ...["--lookup-wait", "0"],
      ...["--summary-every", "86400"],
      ...["--whole-lines", "1000000"],
      ...["--lookup-envs", "JUPYTERHUB_USER,JUPYTERHUB_SERVER_NAME"],
      ...["--trusted-cgroup", "/kubernetes"],
      "--log-severity",
      ...["--scan-existing", "2147483"],
      ...["--unreadable", "let-go"],
      ...["--over-long", "let-go"],
      ...["--breaker-namespaces", "1000"],
      ...["--breaker-pods", "100000"],
      ...["--breaker-window", "86400"],
      ...["--max-allow-bytes", "1048576"],
      ...["--max-work", "100000000"],
      "--allow-across-lists",
      ...["--candidate", "/etc/cryptnono/execwhacker/beside.candidate.json"],
      ...["--candidate", "/etc/cryptnono/execwhacker/noted.candidate.json"],
      ...["--node-name", "$(CRYPTNONO_NODE_NAME)"],
      "--tell-terminal",
      ...["--health-port", "12130"],
      ...["--pin-dir", "/run/cryptnono/pins"],
      "--debug",
    ]);
  });

  it("are flags of the agent, in every scenario", { skip: agentIsMissing }, () => {
    const { stdout } = spawnSync(AGENT, ["execwhacker", "--help"], { encoding: "utf8" });
    const known = new Set(stdout.match(/--[a-z-]+/g));
    const unknown = readdirSync(join(CHARTS, "cryptnono/ci")).flatMap((file) => {
      const pod = render(scenario(file.replace("-values.yaml", ""))).find(({ kind }) => kind === "DaemonSet");
      const { name = "", args = [] } = pod!["spec"].template.spec.containers[0];
      if (name !== "execwhacker") return [];
      return args.filter((arg: string) => arg.startsWith("--") && !known.has(arg));
    });
    assert.deepEqual(unknown, []);
  });

  it("leave to the agent what is not set", () => {
    const { args } = find(render({}), "DaemonSet")["spec"].template.spec.containers[0];
    assert.deepEqual(
      args.filter((arg: string) => arg.startsWith("--")),
      [
        "--config",
        "--lookup-container",
        "--mode",
        "--scan-existing",
        "--unreadable",
        "--over-long",
        "--node-name",
        "--health-port",
        "--pin-dir",
      ],
    );
  });
});

describe("a second detector", { skip }, () => {
  const other = {
    containerdHostPath: "/run/second/containerd.sock",
    dockerHostPath: "",
    mode: "audit",
    healthPort: 12131,
  };
  const template = `
{{- $values := .Values.second }}
{{- $first := dict "root" . "name" "execwhacker" "values" .Values.detectors.execwhacker }}
{{- $second := dict "root" . "name" "second" "values" $values "configs" list "args" (list "--own" "1") "capabilities" (list "BPF")
  "ports" (dict "health" "health-2" "metrics" "metrics-2") }}
{{- $all := list $first $second }}
containers:
  - {{ include "cryptnono.detector" (merge (dict "all" $all) $second) | nindent 4 | trim }}
volumes:
  {{- include "cryptnono.socketVolumes" $all | nindent 2 }}
`;
  const made = () => {
    const values = { metrics: { enabled: true } };
    const source = template.replace(
      ".Values.second",
      `(fromJson \`${JSON.stringify({ ...other, metrics: { port: 12122 }, resources: { limits: { cpu: "1m" } } })}\`)`,
    );
    return parseYaml(text(source, values))[0]!;
  };

  it("has its own arguments, capabilities and ports, and the rest as all have it", () => {
    const [container] = made()["containers"];
    assert.deepEqual(container.args, [
      "second",
      "--lookup-container",
      ...["--mode", "audit"],
      ...["--own", "1"],
      ...["--node-name", "$(CRYPTNONO_NODE_NAME)"],
      ...["--health-port", "12131"],
      ...["--serve-metrics-port", "12122"],
      ...["--pin-dir", "/run/cryptnono/pins"],
    ]);
    assert.deepEqual(container.securityContext.capabilities.add, ["BPF"]);
    assert.deepEqual(
      container.ports.map(({ name }: { name: string }) => name),
      ["health-2", "metrics-2"],
    );
    assert.equal(container.livenessProbe.httpGet.port, "health-2");
    assert.equal(container.resources.limits.cpu, "100m");
    assert.deepEqual(container.env, [
      { name: "CONTAINER_RUNTIME_ENDPOINT", value: "unix:///host/run/second/containerd.sock" },
      { name: "CRYPTNONO_NODE_NAME", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
    ]);
  });

  it("sees its own socket's directory alone, one volume of those of the pod, and the pins that all share", () => {
    const { containers, volumes } = made();
    assert.deepEqual(
      containers[0].volumeMounts.map(({ name, mountPath }: { name: string; mountPath: string }) => [name, mountPath]),
      [
        ["pins", "/run/cryptnono/pins"],
        ["runtime-1", "/host/run/second"],
      ],
    );
    assert.deepEqual(
      volumes.map(({ name, hostPath }: { name: string; hostPath: { path: string } }) => [name, hostPath.path]),
      [
        ["runtime-0", "/run/containerd"],
        ["runtime-1", "/run/second"],
      ],
    );
  });

  it("is no reason to name one in the shared templates", () => {
    for (const file of ["_detector.tpl", "_sockets.tpl", "_security.tpl", "_resources.tpl"]) {
      const templates = readFileSync(join(CHARTS, "cryptnono/templates", file), "utf8");
      assert.doesNotMatch(templates, /execwhacker|monero|flowkiller/, file);
    }
    assert.ok(readdirSync(join(CHARTS, "cryptnono/templates")).includes("_execwhacker.tpl"));
  });
});
