// The cryptnono chart: what its values mean, and what must not happen when they change.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { CHARTS, find, HELM, notes, parseYaml, render } from "./helm.js";

const chart = join(CHARTS, "cryptnono");
const skip = HELM === undefined ? "no helm: run test/cluster/install-tools charts" : false;
const agent = (values: unknown, kubeVersion?: string) => find(render(values, kubeVersion), "DaemonSet")["spec"];
const container = (values: unknown) => agent(values).template.spec.containers[0];
const execwhacker = (values: unknown) => ({ detectors: { execwhacker: values } });

interface Schema {
  readonly type?: unknown;
  readonly $ref?: string;
  readonly description?: string;
  readonly properties?: Record<string, Schema>;
  readonly additionalProperties?: unknown;
}

describe("the values' schema", { skip }, () => {
  const schema = JSON.parse(readFileSync(join(chart, "values.schema.json"), "utf8")) as Schema & {
    definitions: Record<string, Schema>;
  };
  const resolve = (one: Schema): Schema => ({ ...schema.definitions[one.$ref?.split("/").at(-1) ?? ""], ...one });

  /** Each key the schema knows, as a path, with its schema. */
  function* known(at: Schema, path: string): Generator<[string, Schema]> {
    for (const [key, property] of Object.entries(at.properties ?? {})) {
      const resolved = resolve(property);
      yield [`${path}${key}`, resolved];
      yield* known(resolved, `${path}${key}.`);
    }
  }

  it("describes every key", () => {
    const bare = [...known(schema, "")].filter(([, { description }]) => description === undefined);
    assert.deepEqual(
      bare.map(([path]) => path),
      [],
    );
  });

  it("closes every object whose keys it names", () => {
    const open = [...known(schema, "")].filter(([, one]) => one.properties && one.additionalProperties !== false);
    assert.deepEqual(
      open.map(([path]) => path),
      [],
    );
    assert.equal(schema.additionalProperties, false);
  });

  it("knows the same keys as values.yaml", () => {
    const [values] = parseYaml<Record<string, unknown>>(readFileSync(join(chart, "values.yaml"), "utf8"));
    // A parent chart's, and one that is refused: they have no default here.
    const parents = ["global", "enabled", "sops"];
    const named = [...known(schema, "")].map(([path]) => path).filter((path) => !parents.includes(path));
    const missing = named.filter((path) => {
      const keys = path.split(".");
      const last = keys.pop()!;
      const parent = keys.reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], values);
      return !Object.hasOwn(parent as object, last);
    });
    assert.deepEqual(missing, [], "in the schema, not in values.yaml; the other way round helm itself refuses");
  });

  const misspelt = [
    { tolleration: [] },
    { image: { repo: "x" } },
    { pins: { dir: "/sys/fs/bpf/x" } },
    execwhacker({ metrics: { prt: 1 } }),
    execwhacker({ configs: { one: { bannedStrings: [] } } }),
    execwhacker({ configs: { one: { bannedCommandStrings: [{ vlaue: "x" }] } } }),
    execwhacker({ configs: { "../one": {} } }),
    execwhacker({ mode: "enfroce" }),
    { detectors: { execwacker: {} } },
    { detectors: { monero: { enable: true } } },
  ];
  for (const values of misspelt) {
    it(`refuses ${JSON.stringify(values)}`, () => {
      assert.throws(() => render(values), /don't meet the specifications of the schema/);
    });
  }
});

describe("the lists", { skip }, () => {
  const configs = (banned: string) => execwhacker({ configs: { one: { bannedCommandStrings: [banned] } } });

  it("change the Secret and nothing else, so that no pod restarts", () => {
    const [before, after] = [render(configs("first-banned")), render(configs("second-banned"))];
    const changed = before.filter((one, index) => JSON.stringify(one) !== JSON.stringify(after[index]));
    assert.deepEqual(
      changed.map(({ kind }) => kind),
      ["Secret"],
    );
  });

  it("are in the Secret alone, one file a config", () => {
    const objects = render(configs("first-banned"));
    assert.deepEqual(Object.keys(find(objects, "Secret")["data"]), ["default-test.json", "one.json"]);
    const file = Buffer.from(find(objects, "Secret")["data"]["one.json"], "base64").toString();
    assert.deepEqual(JSON.parse(file), { bannedCommandStrings: ["first-banned"] });
    const others = objects.filter(({ kind }) => kind !== "Secret");
    assert.ok(!JSON.stringify(others).includes("first-banned"));
  });

  it("are mounted as a directory, which the kubelet swaps, and each named to the agent", () => {
    const { args, volumeMounts } = container(configs("x"));
    const mount = volumeMounts.find(({ name }: { name: string }) => name === "execwhacker-configs");
    assert.equal(mount.subPath, undefined);
    const files = args.filter((_: string, index: number) => args[index - 1] === "--config");
    assert.deepEqual(
      files,
      ["default-test.json", "one.json"].map((file) => join(mount.mountPath, file)),
    );
  });
});

describe("the agent's container", { skip }, () => {
  it("has four capabilities, a read-only root and the runtime's seccomp profile", () => {
    assert.deepEqual(container({}).securityContext, {
      runAsUser: 0,
      runAsGroup: 0,
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      seccompProfile: { type: "RuntimeDefault" },
      appArmorProfile: { type: "Unconfined" },
      capabilities: { drop: ["ALL"], add: ["BPF", "PERFMON", "SYS_PTRACE", "KILL"] },
    });
  });

  it("keeps the chart's rest when a part of its security context is given", () => {
    const { capabilities, seccompProfile } = container({
      containerSecurityContext: { seccompProfile: { type: "Unconfined" } },
    }).securityContext;
    assert.deepEqual([seccompProfile.type, capabilities.add.length], ["Unconfined", 4]);
  });

  it("may be privileged, as before, in a way Kubernetes accepts", () => {
    const context = container({ containerSecurityContext: { privileged: true } }).securityContext;
    assert.deepEqual(
      [context.privileged, context.allowPrivilegeEscalation, context.capabilities],
      [true, undefined, undefined],
    );
  });

  it("is freed from AppArmor by annotation before Kubernetes 1.30", () => {
    const { metadata, spec } = agent({}, "1.29.0").template;
    assert.equal(metadata.annotations["container.apparmor.security.beta.kubernetes.io/execwhacker"], "unconfined");
    assert.equal(spec.containers[0].securityContext.appArmorProfile, undefined);
  });

  it("sees the sockets' directories, once each, and the user's env before the chart's", () => {
    const { env, volumeMounts } = container(
      execwhacker({
        containerdHostPath: "/run/k3s/containerd/containerd.sock",
        dockerHostPath: "/run/k3s/containerd/docker.sock",
        env: { DOCKER_HOST: "unix:///host/run/k3s/containerd/other.sock", CRYPTNONO_METRICS_PREFIX: "guard" },
      }),
    );
    assert.deepEqual(env, [
      { name: "CONTAINER_RUNTIME_ENDPOINT", value: "unix:///host/run/k3s/containerd/containerd.sock" },
      { name: "CRYPTNONO_METRICS_PREFIX", value: "guard" },
      { name: "DOCKER_HOST", value: "unix:///host/run/k3s/containerd/other.sock" },
      { name: "CRYPTNONO_NODE_NAME", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
    ]);
    const mounted = volumeMounts.filter(({ name }: { name: string }) => name.startsWith("runtime-"));
    assert.deepEqual(
      mounted.map(({ mountPath }: { mountPath: string }) => mountPath),
      ["/host/run/k3s/containerd"],
    );
  });

  it("mounts nothing of the node but its pins and the runtime's directory", () => {
    const paths = agent({}).template.spec.volumes.flatMap(({ hostPath }: { hostPath?: { path: string } }) =>
      hostPath === undefined ? [] : [hostPath.path],
    );
    assert.deepEqual(paths, ["/sys/fs/bpf/cryptnono", "/run/containerd"]);
  });

  it("runs on every node that is Linux", () => {
    const { tolerations, nodeSelector } = agent({}).template.spec;
    assert.deepEqual([tolerations, nodeSelector], [[{ operator: "Exists" }], { "kubernetes.io/os": "linux" }]);
  });
});

describe("pins", { skip }, () => {
  const hooks = (values: unknown) =>
    new Set(render(values).flatMap(({ metadata }) => metadata.annotations?.["helm.sh/hook"] ?? []));

  it("are given up by a hook after an uninstall", () => assert.deepEqual(hooks({}), new Set(["post-delete"])));

  it("are given up after an upgrade that switches them or the detector off, too", () => {
    const off = new Set(["post-delete,post-upgrade"]);
    assert.deepEqual(hooks({ pins: { enabled: false } }), off);
    const none = { detectors: { execwhacker: { enabled: false }, monero: { enabled: false } } };
    assert.deepEqual(hooks(none), off);
  });

  it("let many nodes be updated at once; without them each new pod starts before the old one ends", () => {
    assert.deepEqual(agent({}).updateStrategy.rollingUpdate, { maxUnavailable: "10%" });
    assert.deepEqual(agent({ pins: { enabled: false } }).updateStrategy.rollingUpdate, {
      maxSurge: 1,
      maxUnavailable: 0,
    });
  });

  it("are removed from the directory that the agent was given", () => {
    const objects = render({ pins: { hostPath: "/sys/fs/bpf/two/guard" } });
    const hook = objects.find(({ kind, metadata }) => kind === "DaemonSet" && metadata.name.endsWith("-unpin"))!;
    const { initContainers, volumes } = hook["spec"].template.spec;
    assert.equal(volumes[0].hostPath.path, "/sys/fs/bpf/two");
    assert.deepEqual(initContainers[0].args, [
      "unpin",
      "--pin-dir",
      `${initContainers[0].volumeMounts[0].mountPath}/guard`,
    ]);
  });
});

describe("what has no meaning any more", { skip }, () => {
  it("is accepted, and named in the notes", () => {
    const [values] = parseYaml<Record<string, unknown>>(
      readFileSync(join(chart, "ci/todays-chart-values.yaml"), "utf8"),
    );
    const text = notes(values);
    for (const word of ["fetchKernelHeaders", "threadpoolSize", "metrics.collector", "privileged"]) {
      assert.ok(text.includes(word), word);
    }
  });

  it("makes no container", () => {
    const { containers, initContainers } = agent({ fetchKernelHeaders: { image: { tag: "1" } } }).template.spec;
    assert.deepEqual(
      [containers.map(({ name }: { name: string }) => name), initContainers],
      [["execwhacker", "monero"], undefined],
    );
  });

  it("is not in the notes of a plain installation", () => assert.doesNotMatch(notes({}), /lost their meaning/));

  it("is loud when nothing guards", () => assert.match(notes(execwhacker({ enabled: false })), /NO NODE IS GUARDED/));
});

describe("the templates", { skip }, () => {
  it("select pods by name and release alone, as Kubernetes lets no upgrade change that", () => {
    const labels = { "app.kubernetes.io/name": "cryptnono", "app.kubernetes.io/instance": "support" };
    assert.deepEqual(agent({}).selector.matchLabels, labels);
  });

  it("hold one kind each", () => {
    const crowded = readdirSync(join(chart, "templates"))
      .map(
        (file) => [file, readFileSync(join(chart, "templates", file), "utf8").match(/^kind:/gm)?.length ?? 0] as const,
      )
      .filter(([, kinds]) => kinds > 1);
    assert.deepEqual(crowded, []);
  });
});
