import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pageRows, referenceRows, samples } from "../../../report/fixtures/exposition.js";
import { createMetrics } from "../../../report/index.js";
import type { ContainerResult } from "../../../types.js";
import { parseNetwork } from "../address.js";
import { settingsOf } from "../settings.js";
import { nameFindings } from "./check.js";
import { listOf, modeOf } from "./egress.js";
import { explainName, isName, nameWords } from "./explain.js";
import { nameKey, powersOf } from "./hash.js";
import { shownName } from "./lines.js";
import { findName, normalName, readNames } from "./lists.js";
import { namesMetrics } from "./metrics.js";
import { readNameRules, wantsNames } from "./rules.js";

const directory = mkdtempSync(join(tmpdir(), "cn-names-"));
after(() => rmSync(directory, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

test("a list has names, comments and blank lines; what stands twice counts where it stood first", () => {
  const path = file("pools", "# pools\n\nPool.Example  # one\n*.other.example.\npool.example\n");
  assert.deepEqual(readNames([path]), [
    { name: "pool.example", list: path, line: 3 },
    { name: "other.example", list: path, line: 4 },
  ]);
});

test("what is no name is refused with its file and line", () => {
  const path = file("wrong", "pool.example\nhttp://pool.example/\n192.0.2.1\na.b.c.d.e.f.g\n");
  assert.throws(
    () => readNames([path]),
    /wrong.*line 2.*got other characters[\s\S]*line 3.*got an address[\s\S]*line 4.*got one of 7 labels/,
  );
});

for (const [text, name] of [
  ["POOL.example", "pool.example"],
  ["_srv.pool.example.", "_srv.pool.example"],
  ["localhost", "localhost"],
] as const)
  test(`${text} is ${name}`, () => assert.equal(normalName(text), name));

test("a name is found by its longest suffix, at labels alone", () => {
  const entries = new Map(["pool.example", "eu.pool.example"].map((name) => [name, { name }]));
  const found = (name: string) => findName(name, entries)?.name;
  assert.equal(found("a.eu.pool.example"), "eu.pool.example");
  assert.equal(found("US.Pool.Example."), "pool.example");
  assert.equal(found("xpool.example"), undefined);
  assert.equal(found("pool.example.org"), undefined);
});

test("a suffix's hash can be told from the whole's", () => {
  const base = 0x1234567890abcdefn;
  const powers = powersOf(base, 4);
  assert.equal(powers[0], 1n);
  assert.equal(powers[1], base);
  assert.notEqual(nameKey("pool.example", base), nameKey("pool.example", base + 2n));
});

test("names explain themselves", () => {
  const path = file("listed", "pool.example\nboth.example\n");
  const rules = (more: object) =>
    readNameRules(
      settingsOf({ names_file_globs: [path], allowed_names: ["www.pool.example", "both.example"], ...more }),
      "enforce",
    );
  const audit = rules({});
  const words = (name: string, of = audit) => nameWords(explainName(name, of));
  assert.equal(
    words("eu.pool.example"),
    `eu.pool.example would be told of, and pass in audit mode: ${path}:1 lists pool.example\n`,
  );
  assert.equal(
    words("EU.pool.example.", rules({ names: "enforce" })),
    `eu.pool.example would be blocked, and who asks for it killed: ${path}:1 lists pool.example\n`,
  );
  assert.equal(
    words("a.www.pool.example"),
    `a.www.pool.example passes: ${path}:1 lists pool.example, and FlowKiller.allowed_names[0] allows www.pool.example\n`,
  );
  assert.equal(explainName("both.example", audit).verdict, "allowed");
  assert.equal(words("fine.test"), "fine.test passes: no list has it\n");
  assert.equal(explainName("eu.pool.example", rules({ names: "off" })).verdict, "passes");
  const listed = rules({
    egress_enforce_pods: ["hub"],
    egress_allowed_file_globs: [file("may", "fine.test\n10.0.0.0/8\n")],
  });
  assert.match(words("a.fine.test", listed), /may reach what it is the name of: .*may:1 lists fine\.test$/m);
  assert.match(words("else.test", listed), /may not reach what/);
});

test("names and addresses are told apart", () => {
  for (const name of ["pool.example", "a_b.example", "localhost", "3.pool"]) assert.ok(isName(name), name);
  for (const address of ["192.0.2.1", "192.0.2.1:80", "2001:db8::1", "::ffff:1.2.3.4", "10.0.0.0/8"])
    assert.ok(!isName(address), address);
});

test("audit mode of the whole detector is audit for names, and pods that are held are learnt", () => {
  const settings = settingsOf({ names: "enforce", names_file_globs: ["/x*"], egress_enforce_pods: ["hub"] });
  const { mode, egress } = readNameRules(settings, "audit");
  assert.equal(mode, "audit");
  assert.deepEqual([egress!.learn, egress!.enforce], [["hub"], []]);
});

test("the second object is wanted with a list of names, or for pods", () => {
  assert.equal(wantsNames(settingsOf()), false);
  assert.equal(wantsNames(settingsOf({ names_file_globs: ["/names"] })), true);
  assert.equal(wantsNames(settingsOf({ names_file_globs: ["/names"], names: "off" })), false);
  assert.equal(wantsNames(settingsOf({ names: "off", egress_learn_pods: ["hub"] })), true);
});

test("a port that is none is refused", () => {
  assert.throws(() => readNameRules(settingsOf({ names_dns_ports: ["53", "x"] }), "enforce"), /names_dns_ports/);
});

const POD: ContainerResult & { kind: "container" } = {
  kind: "container",
  type: "cri",
  id: "a".repeat(64),
  labels: { "io.kubernetes.pod.namespace": "hub", "io.kubernetes.pod.name": "one" },
  image: "",
};

test("a pod is chosen by its namespace or a label, and held where both lists choose it", () => {
  const mode = (learn: string[], enforce: string[]) => modeOf(POD.labels, { learn, enforce });
  assert.equal(mode([], []), "free");
  assert.equal(mode(["hub"], []), "learn");
  assert.equal(mode(["other", "io.kubernetes.pod.name=one"], []), "learn");
  assert.equal(mode(["hub"], ["hub"]), "enforce");
  assert.equal(mode(["app=x"], []), "free");
});

test("what was learnt is a list, the most used first", () => {
  const destination = (name: string, count: bigint, addresses: string[]) => ({
    name,
    addresses: new Set(addresses),
    ports: new Set([443]),
    pods: new Set(["hub/one"]),
    counts: new Map([["1 1", count]]),
  });
  const text = listOf([destination("", 1n, ["192.0.2.7"]), destination("pypi.test", 20n, ["192.0.2.8"])]);
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  assert.deepEqual(lines, [
    "pypi.test  # 20 connects; ports 443; pods hub/one; addresses 192.0.2.8",
    "192.0.2.7  # 1 connect; ports 443; pods hub/one; no question for it was seen",
  ]);
});

test("a stranger's name cannot break a line", () => {
  assert.equal(shownName(Buffer.from("a.b\n# c\x1b")), "a.b\\x0a\\x23\\x20c\\x1b");
});

test("the reference page has the table of what is exposed", () => {
  const all = createMetrics({ detector: "flowkiller", isReady: () => true, isAttached: () => true });
  const common = referenceRows(all.text()).length;
  const { kernelKilled } = namesMetrics(all.series, {
    readCounters: () => ({ hit_sni: 3n, killed: 1n, hit_unknown: 2n }),
    readNames: () => ({ listed: 2, spared: 1 }),
    mode: () => "enforce",
  });
  assert.deepEqual(pageRows("## flowkiller's names"), referenceRows(all.text()).slice(common));
  const values = samples(all.text());
  assert.equal(values.get('cryptnono_flowkiller_names_found_total{evidence="sni"}'), 3);
  assert.equal(values.get('cryptnono_flowkiller_names_found_total{evidence="unknown-pod"}'), 2);
  assert.equal(kernelKilled(), 1n);
});

test("names that do nothing or too much are found", () => {
  const named = (list: string, ...names: string[]) => names.map((name, i) => ({ name, list, line: i + 1 }));
  const rules = {
    mode: "enforce",
    listed: named("/pools", "pool.test", "eu.pool.test", "deep.www.pool.test", "com", "both.test"),
    spared: named("/fine", "www.pool.test", "both.test", "other.test"),
    dropsQuestions: true,
    dnsPorts: [53],
    egress: {
      learn: [],
      enforce: [],
      refusesUnknown: false,
      names: named("/egress", "us.pool.test", "www.pool.test", "pypi.test", "org"),
      networks: ["198.51.100.0/24", "8.0.0.0/7"].map((text, i) => ({
        ...parseNetwork(text),
        list: "/egress",
        line: 9 + i,
      })),
      learntFile: null,
    },
    base: 3n,
  } as const;
  const found = [...nameFindings(rules)].map(({ level, place, finding }) => `${level} ${place} ${finding}`);
  assert.deepEqual(found, [
    "info /pools:2 adds nothing: /pools:1 lists pool.test",
    "warning /pools:4 is a top-level domain, and stands for all names below it",
    "warning /pools:5 does nothing: /fine:2 allows it",
    "info /fine:3 does nothing: no list has it, or a name above or below it",
    "warning /egress:10 is so wide that pods may reach what nobody listed",
    "warning /egress:1 is a pool's, and may be reached: /pools:1 lists pool.test",
    "warning /egress:4 is a top-level domain: pods may reach whatever is below it",
  ]);
});
