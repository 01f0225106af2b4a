// Values of public deployments of the earlier chart, one scenario each in ci/: taken as they are, and with a meaning.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { CHARTS, find, HELM, notes, render, renderAsSubchart, scenario, text } from "./helm.js";

const skip = HELM === undefined ? "no helm: run test/cluster/install-tools charts" : false;
const pod = (values: unknown) => find(render(values), "DaemonSet")["spec"].template.spec;
const flag = (values: unknown, name: string) => {
  const { args } = pod(values).containers[0];
  return args.filter((_: string, i: number) => args[i - 1] === name) as string[];
};
const lists = (values: unknown) =>
  Object.entries(find(render(values), "Secret")["data"] as Record<string, string>).map(([file, data]) => [
    file,
    JSON.parse(Buffer.from(data, "base64").toString()),
  ]);

describe("a deployment's values", { skip }, () => {
  for (const file of readdirSync(join(CHARTS, "cryptnono/ci"))) {
    const name = file.replace("-values.yaml", "");
    it(`are taken, alone and as a subchart's: ${name}`, () => {
      const kinds = (objects: readonly { kind: string }[]) => objects.map(({ kind }) => kind).sort();
      assert.deepEqual(kinds(renderAsSubchart(scenario(name))), kinds(render(scenario(name))));
    });
  }

  it("of a BinderHub name the variables in the log, and its two sockets", () => {
    const values = scenario("mybinder");
    assert.deepEqual(flag(values, "--lookup-envs"), ["BINDER_CLIENT_IP,BINDER_REF_URL"]);
    const paths = pod(values).volumes.flatMap(({ hostPath }: { hostPath?: { path: string } }) => hostPath?.path ?? []);
    assert.deepEqual(paths, ["/sys/fs/cgroup", "/sys/fs/bpf/cryptnono", "/run/k3s/containerd", "/run/dind"]);
  });

  it("of a JupyterHub with limits that are too little start within a minute, and the notes say why", () => {
    const values = scenario("2i2c");
    assert.deepEqual(pod(values).containers[0].resources, {
      limits: { cpu: "100m", memory: "128Mi" },
      requests: { cpu: "1m", memory: "16Mi" },
    });
    for (const name of ["execwhacker", "monero"])
      assert.match(notes(values), new RegExp(`${name}\\.resources\\.limits\\.cpu: 5m becomes 100m$`, "m"));
    assert.doesNotMatch(notes(values), /limits\.memory/);
  });

  it("that are the earlier chart's defaults leave the pull policy to Kubernetes, and tell of the image", () => {
    const values = scenario("earlier-defaults");
    for (const { spec } of render(values)) {
      const { containers = [], initContainers = [] } = spec?.template?.spec ?? {};
      for (const one of [...containers, ...initContainers]) assert.ok(!("imagePullPolicy" in one), one.name);
    }
    assert.match(notes(values), /image\.repository names the earlier program's image/);
  });

  it("without a banned string have a config all the same, and the notes are loud", () => {
    const values = scenario("empty-lists");
    assert.deepEqual(lists(values), [
      ["commented-out.json", { bannedCommandStrings: null }],
      ["data.json", { allowedCommandPatterns: [], bannedCommandStrings: [] }],
      ["noop.json", { bannedCommandStrings: [] }],
    ]);
    assert.match(notes(values), /NO STRING IS BANNED/);
    assert.doesNotMatch(notes({}), /NO STRING IS BANNED/);
  });

  it("without any list are given an empty one", () => {
    const values = { detectors: { execwhacker: { configs: { "default-test": null } } } };
    assert.deepEqual(flag(values, "--config"), ["/etc/cryptnono/execwhacker/none.json"]);
    assert.deepEqual(lists(values), [["none.json", {}]]);
    assert.match(notes(values), /NO STRING IS BANNED/);
  });
});

describe("limits", { skip }, () => {
  /** Each as the chart makes it of what is given, all in one rendering. */
  const limitsOf = (given: readonly object[]) =>
    text(
      '{{ range .Values.global.limits }}{{ include "cryptnono.resources" (dict "resources" (dict "limits" .)) | fromYaml | toJson }}\n{{ end }}',
      { global: { limits: given } },
    )
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { limits: Record<string, unknown> }).limits);
  const ROWS: readonly (readonly [given: unknown, cpu: unknown])[] = [
    ["5m", "100m"],
    [0.005, "100m"],
    ["0.099", "100m"],
    ["99m", "100m"],
    ["100m", "100m"],
    [0.1, 0.1],
    [1, 1],
    ["2", "2"],
    ["500000u", "500000u"],
  ];
  for (const [at, [given, cpu]] of ROWS.entries()) {
    it(`of ${JSON.stringify(given)} CPU ${given === cpu ? "stay" : `become ${cpu}`}`, () => {
      const limits = limitsOf(ROWS.map(([some]) => ({ cpu: some })));
      assert.deepEqual(limits[at]!["cpu"], cpu);
    });
  }

  const MEMORY: readonly (readonly [given: unknown, memory: unknown])[] = [
    ["64Mi", "128Mi"],
    ["128M", "128Mi"],
    [67_108_864, "128Mi"],
    ["131072Ki", "131072Ki"],
    ["0.5Gi", "0.5Gi"],
    ["200M", "200M"],
  ];
  for (const [at, [given, memory]] of MEMORY.entries()) {
    it(`of ${JSON.stringify(given)} memory ${given === memory ? "stay" : `become ${memory}`}`, () => {
      const limits = limitsOf(MEMORY.map(([some]) => ({ memory: some })));
      assert.deepEqual(limits[at]!["memory"], memory);
    });
  }

  it("are those of the pod", () => {
    const limits = { cpu: 0.005, memory: 67_108_864 };
    assert.deepEqual(pod({ detectors: { execwhacker: { resources: { limits } } } }).containers[0].resources.limits, {
      cpu: "100m",
      memory: "128Mi",
    });
  });

  it("that nobody set stay unset", () => {
    const resources = { limits: { memory: null }, requests: null };
    assert.equal(pod({ detectors: { execwhacker: { resources } } }).containers[0].resources.limits?.cpu, undefined);
  });
});

describe("allow patterns", { skip }, () => {
  const configs = (of: Record<string, unknown>, more = {}) => ({
    detectors: { execwhacker: { configs: of, ...more } },
  });
  const strings = { bannedCommandStrings: ["a-banned-string"] };

  const ROWS: readonly (readonly [what: string, values: unknown, open: readonly string[]])[] = [
    ["of their own list", configs({ one: { ...strings, allowedCommandPatterns: ["ls"] } }), []],
    [
      "for all, with an end",
      configs({ one: { ...strings, allowedCommandPatterns: [{ pattern: "ls$", for: "all" }] } }),
      [],
    ],
    [
      "for all, without",
      configs({ one: { ...strings, allowedCommandPatterns: ["cp", { pattern: "ls", for: "all" }] } }),
      ["one.allowedCommandPatterns[1]: ls"],
    ],
    [
      "for a list",
      configs({ one: { ...strings, allowedCommandPatterns: [{ pattern: "ls -l", for: ["one"] }] } }),
      ["one.allowedCommandPatterns[0]: ls -l"],
    ],
    [
      "in a list without strings",
      configs({ two: { allowedCommandPatterns: ["ls", "ls$"] } }),
      ["two.allowedCommandPatterns[0]: ls"],
    ],
    [
      "across lists",
      configs({ one: { ...strings, allowedCommandPatterns: ["ls"] } }, { allowAcrossLists: true }),
      ["one.allowedCommandPatterns[0]: ls"],
    ],
    [
      "whose end is none",
      configs({
        two: { allowedCommandPatterns: ["^(/usr/bin/)?ls.*$", "ls .+$", "ls(.*)$", "ls\\$", "cp$|ls", "a|ls$"] },
      }),
      ["^(/usr/bin/)?ls.*$", "ls .+$", "ls(.*)$", "ls\\$", "cp$|ls", "a|ls$"].map(
        (pattern, i) => `two.allowedCommandPatterns[${i}]: ${pattern}`,
      ),
    ],
    [
      "with an end of other kinds",
      configs({ two: { allowedCommandPatterns: ["(cp|ls)$", "ls\\\\$", "ls\\Z", "ls( -l$)"] } }),
      [],
    ],
  ];
  for (const [what, values, open] of ROWS) {
    it(`are ${open.length === 0 ? "not named" : "named"} in the notes: ${what}`, () => {
      const [, named = ""] = /to their own list:\n((?: {2}.*\n?)+)/.exec(notes(values)) ?? [];
      assert.deepEqual(
        named
          .split("\n")
          .map((line) => line.trim())
          .filter((line) => line !== ""),
        open,
      );
    });
  }

  it("across lists are told", () => {
    assert.match(notes(configs({}, { allowAcrossLists: true })), /allowAcrossLists is on/);
    assert.doesNotMatch(notes({}), /allowAcrossLists/);
  });

  it("of the chart itself have an end, so that nothing can be added to what they spare", () => {
    const [pattern] = lists({}).flatMap(([, config]) => config.allowedCommandPatterns as string[]);
    const spares = (line: string) => new RegExp(`^(?:${pattern})`, "i").test(line);
    for (const line of ["echo", "/bin/echo", "/usr/bin/echo"])
      assert.ok(spares(`${line} allowed cryptnono.banned.string1`));
    for (const line of ["-o a-banned-string", "2", "\t&& x"]) {
      assert.ok(!spares(`/tmp/echo allowed cryptnono.banned.string1 ${line}`));
    }
    assert.ok(!spares("/tmp/echo allowed cryptnono.banned.string1x"));
  });
});
