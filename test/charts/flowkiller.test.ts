// The container of the network guard: its settings and lists, its mounts and what it may do.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { CHARTS, find, HELM, notes, render } from "./helm.js";

const skip = HELM === undefined ? "no helm: run test/cluster/install-tools charts" : false;
const AGENT = join(CHARTS, "../bin/cryptnono");
const agentIsMissing = existsSync(join(CHARTS, "../build/agent/cryptnono.mjs"))
  ? false
  : "the agent is not bundled: run make build";

const values = (own: Record<string, unknown> = {}, rest: Record<string, unknown> = {}) => ({
  detectors: { tcpflowkiller: { enabled: true, ...own } },
  ...rest,
});
const pod = (own?: Record<string, unknown>, rest?: Record<string, unknown>) =>
  find(render(values(own, rest)), "DaemonSet")["spec"].template.spec;
const container = (own?: Record<string, unknown>, rest?: Record<string, unknown>) =>
  pod(own, rest).containers.find(({ name }: { name: string }) => name === "flowkiller");
const secret = (own?: Record<string, unknown>) => {
  const found = render(values(own)).find(({ metadata }) => metadata.name.endsWith("-flowkiller"))!;
  const data = found["data"] as Record<string, string>;
  return Object.fromEntries(Object.entries(data).map(([file, text]) => [file, Buffer.from(text, "base64").toString()]));
};
const config = (own?: Record<string, unknown>) => JSON.parse(secret(own)["config.json"]!);

describe("flowkiller's container", { skip }, () => {
  it("is not there unless it is wanted", () => {
    const { containers } = find(render({}), "DaemonSet")["spec"].template.spec;
    assert.deepEqual(
      containers.map(({ name }: { name: string }) => name),
      ["execwhacker", "monero"],
    );
  });

  it("runs beside the other, or alone", () => {
    const names = ({ containers }: { containers: { name: string }[] }) => containers.map(({ name }) => name);
    assert.deepEqual(names(pod()), ["execwhacker", "flowkiller", "monero"]);
    const alone = {
      detectors: { execwhacker: { enabled: false }, monero: { enabled: false }, tcpflowkiller: { enabled: true } },
    };
    assert.deepEqual(names(find(render(alone), "DaemonSet")["spec"].template.spec), ["flowkiller"]);
  });

  it("has the capabilities that it needs, and others by a value alone", () => {
    const added = (own?: Record<string, unknown>) => container(own).securityContext.capabilities.add;
    assert.deepEqual(added(), ["BPF", "PERFMON", "NET_ADMIN", "KILL"]);
    assert.deepEqual(added({ mountsCgroup2: true }), ["BPF", "PERFMON", "NET_ADMIN", "KILL", "SYS_ADMIN"]);
    const config = { FlowKiller: { allowed_command_patterns: ["/usr/bin/pip .*"] } };
    assert.deepEqual(added({ config }), ["BPF", "PERFMON", "NET_ADMIN", "KILL", "SYS_PTRACE"]);
  });

  it("sees the node's cgroups, but where it mounts its own", () => {
    const mounts = (own?: Record<string, unknown>) =>
      container(own).volumeMounts.map(({ mountPath }: { mountPath: string }) => mountPath);
    assert.ok(mounts().includes("/host/sys/fs/cgroup"));
    assert.ok(!mounts({ mountsCgroup2: true }).includes("/host/sys/fs/cgroup"));
  });

  it("has ConfigMaps as one directory, by a map or by a list", () => {
    const sources = (bannedIpv4ConfigMaps: unknown) =>
      pod({ bannedIpv4ConfigMaps }).volumes.find(({ name }: { name: string }) => name === "ban-config")?.projected
        .sources;
    assert.deepEqual(sources({ miners: "list.txt", others: "more.txt" }), [
      { configMap: { name: "miners", items: [{ key: "list.txt", path: "list.txt" }] } },
      { configMap: { name: "others", items: [{ key: "more.txt", path: "more.txt" }] } },
    ]);
    assert.deepEqual(
      sources({ a: "list.txt", b: "list.txt" }).map(
        ({ configMap }: { configMap: { items: { path: string }[] } }) => configMap.items[0]!.path,
      ),
      ["a-list.txt", "b-list.txt"],
    );
    assert.deepEqual(sources(["miners"]), [{ configMap: { name: "miners" } }]);
    assert.equal(sources(null), undefined);
    const { volumeMounts } = container({ bannedIpv4ConfigMaps: ["miners"] });
    const mount = volumeMounts.find(({ name }: { name: string }) => name === "ban-config");
    assert.deepEqual(mount, { name: "ban-config", mountPath: "/ban-config", readOnly: true });
  });

  it("has its settings and the values' own lists in a Secret", () => {
    assert.deepEqual(config(), { FlowKiller: { banned_ipv4_file_globs: ["/ban-config/*"] } });
    const own = {
      config: { FlowKiller: { banned_ipv4_file_globs: ["/ban-config/*.txt"], unique_destinations_threshold: 24 } },
      bannedAddresses: { pools: ["192.0.2.1", "2001:db8::/32"], none: null },
    };
    assert.deepEqual(config(own), {
      FlowKiller: {
        banned_file_globs: ["/etc/cryptnono/flowkiller/*.txt"],
        banned_ipv4_file_globs: ["/ban-config/*.txt"],
        unique_destinations_threshold: 24,
      },
    });
    assert.equal(secret(own)["pools.txt"], "192.0.2.1\n2001:db8::/32");
    assert.equal(secret(own)["none.txt"], "");
  });

  it("has lists of pools' names in the same Secret", () => {
    const own = { poolNames: { pools: ["pool.example", "other.example"] }, config: { names: "enforce" } };
    assert.deepEqual(config(own).FlowKiller, {
      banned_ipv4_file_globs: ["/ban-config/*"],
      names: "enforce",
      names_file_globs: ["/etc/cryptnono/flowkiller/*.names"],
    });
    assert.equal(secret(own)["pools.names"], "pool.example\nother.example");
  });

  it("takes settings that stand without their section", () => {
    assert.equal(
      config({ config: { unique_destinations_threshold: 15 } }).FlowKiller.unique_destinations_threshold,
      15,
    );
  });

  it("has flags that the agent knows", { skip: agentIsMissing }, () => {
    const own = {
      cgroupRoot: "/host/sys/fs/cgroup/unified",
      ...{ lookupWaitSeconds: 5, wholeLines: 1000000, summaryEverySeconds: 60, logSeverity: true, mode: "audit" },
      trustedCgroups: ["/kubernetes"],
    };
    const { args } = container(own, { metrics: { enabled: true } });
    const { stdout } = spawnSync(AGENT, ["flowkiller", "--help"], { encoding: "utf8" });
    const known = new Set(stdout.match(/--[a-z-]+/g));
    assert.deepEqual(
      args.filter((arg: string) => arg.startsWith("--") && !known.has(arg)),
      [],
    );
    for (const [flag, value] of [
      ["--whole-lines", "1000000"],
      ["--mode", "audit"],
      ["--serve-metrics-port", "12122"],
      ["--cgroup-root", "/host/sys/fs/cgroup/unified"],
    ] as const)
      assert.equal(args[args.indexOf(flag) + 1], value);
  });

  it("is reached by scrapes and probes", () => {
    const objects = render(
      values({}, { networkPolicy: { enabled: true }, metrics: { enabled: true, podMonitor: { enabled: true } } }),
    );
    const ports = find(objects, "NetworkPolicy")["spec"].ingress[0].ports.map(({ port }: { port: string }) => port);
    assert.deepEqual(ports, ["health", "metrics", "flow-health", "flow-metrics", "monero-health", "monero-metrics"]);
    const endpoints = find(objects, "PodMonitor")["spec"].podMetricsEndpoints;
    assert.deepEqual(
      endpoints.map(({ port }: { port: string }) => port),
      ["metrics", "flow-metrics", "monero-metrics"],
    );
  });

  it("is loud in the notes when it bans nothing", () => {
    assert.match(notes(values()), /NO ADDRESS IS BANNED/);
    assert.doesNotMatch(notes(values({ bannedIpv4ConfigMaps: ["x"] })), /NO ADDRESS IS BANNED/);
    assert.match(notes(values({ mode: "audit" })), /flowkiller .* in audit mode/);
  });
});
