// The console's part of the chart: off by default, without privileges, and closed unless it is told whom to let in.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { CHARTS, find, HELM, notes, render, scenario } from "./helm.js";

const skip = HELM === undefined ? "no helm: run test/cluster/install-tools charts" : false;
const CRYPTNONO = join(CHARTS, "../bin/cryptnono");
const consoleIsMissing = existsSync(join(CHARTS, "../build/console/console.mjs"))
  ? false
  : "the console is not bundled: run make build";

const podOf = (values: unknown) => find(render(values), "Deployment")["spec"].template;
const argsOf = (values: unknown): string[] => podOf(values).spec.containers[0].args;

describe("the console", { skip }, () => {
  it("is not there unless it is wanted", () => {
    const kinds = render({}).map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    assert.deepEqual(
      kinds.filter((name) => name.includes("console") || name.startsWith("Deployment")),
      [],
    );
  });

  it("may read pods and their logs in its own namespace, and nothing else", () => {
    const objects = render({ console: { enabled: true } });
    const roles = objects.filter(({ kind, metadata }) => /Role$/.test(kind) && metadata.name.includes("console"));
    assert.deepEqual(
      roles.map(({ kind, rules }) => [kind, rules]),
      [
        [
          "Role",
          [
            { apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "watch"] },
            { apiGroups: [""], resources: ["pods/log"], verbs: ["get"] },
          ],
        ],
      ],
    );
  });

  it("has no privileges, and no label by which the agents' pods are selected", () => {
    const objects = render({ console: { enabled: true } });
    const template = podOf({ console: { enabled: true } });
    const [container] = template.spec.containers;
    assert.equal(template.spec.securityContext.runAsNonRoot, true);
    assert.deepEqual(container.securityContext, {
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
    });
    assert.equal(template.spec.hostPID, undefined);
    const selected = find(objects, "DaemonSet")["spec"].selector.matchLabels as Record<string, string>;
    assert.ok(Object.entries(selected).some(([key, value]) => template.metadata.labels[key] !== value));
    const { args } = container;
    const labels = Object.entries(selected).map(([key, value]) => `${key}=${value}`);
    assert.deepEqual(args[args.indexOf("--selector") + 1].split(",").toSorted(), labels.toSorted());
  });

  it("listens on loopback and has no Service, until there is a token or a proxy", () => {
    const served = (console: unknown) => {
      const values = { console: { enabled: true, ...(console as object) } };
      const args = argsOf(values);
      return [args[args.indexOf("--listen") + 1], render(values).some(({ kind }) => kind === "Service")];
    };
    assert.deepEqual(served({}), ["127.0.0.1:8080", false]);
    assert.deepEqual(served({ tokenSecret: "s" }), ["0.0.0.0:8080", true]);
    assert.deepEqual(served({ trustedProxies: ["10.0.0.0/8"] }), ["0.0.0.0:8080", true]);
  });

  it("has the lists only where they are to be explained", () => {
    assert.ok(argsOf({ console: { enabled: true } }).includes("/etc/cryptnono/execwhacker/default-test.json"));
    assert.ok(!argsOf({ console: { enabled: true, listsInExplain: false } }).includes("--config"));
  });

  it("is told of in the notes", () => {
    assert.match(notes({ console: { enabled: true } }), /port-forward deploy\/\S+-console 8080/);
    assert.doesNotMatch(notes({}), /console/);
  });

  it("has flags that the console knows", { skip: consoleIsMissing }, () => {
    const { stdout } = spawnSync(CRYPTNONO, ["console", "--help"], { encoding: "utf8" });
    const known = new Set(stdout.match(/--[a-z-]+/g));
    const scenarios = [scenario("console"), { console: { enabled: true, trustedProxies: ["10.0.0.0/8"] } }];
    for (const values of scenarios) {
      const flags = argsOf(values).filter((arg) => arg.startsWith("--"));
      assert.deepEqual(
        flags.filter((flag) => !known.has(flag)),
        [],
      );
    }
  });
});

describe("a line to terminals", { skip }, () => {
  const spec = (values: unknown) => find(render(values), "DaemonSet")["spec"].template.spec;
  const on = { tellTerminal: true, detectors: { tcpflowkiller: { enabled: true } } };

  it("wants the group tty and a look at processes, and nothing more", () => {
    const { securityContext, containers } = spec({ ...on, podSecurityContext: { supplementalGroups: [7] } });
    assert.deepEqual(securityContext.supplementalGroups, [7, 5]);
    const off = spec({ ...on, tellTerminal: false });
    for (const [i, { args, securityContext: own }] of containers.entries()) {
      assert.ok(args.includes("--tell-terminal"));
      const added = own.capabilities.add.filter(
        (one: string) => !off.containers[i].securityContext.capabilities.add.includes(one),
      );
      assert.ok(
        added.every((one: string) => one === "SYS_PTRACE"),
        added.join(),
      );
      assert.ok(own.capabilities.add.includes("SYS_PTRACE"));
    }
  });

  it("is off by default, and nothing is given for it", () => {
    const { securityContext, containers } = spec({});
    assert.equal(securityContext, undefined);
    assert.ok(!containers[0].args.includes("--tell-terminal"));
  });

  it("numbers cases by the node's name, as the console does", () => {
    const [{ args, env }] = spec({}).containers;
    assert.equal(args[args.indexOf("--node-name") + 1], "$(CRYPTNONO_NODE_NAME)");
    assert.deepEqual(env.at(-1).valueFrom.fieldRef.fieldPath, "spec.nodeName");
  });
});
