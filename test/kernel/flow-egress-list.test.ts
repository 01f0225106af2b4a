// Pods that may reach only what is listed: what is learnt of them, what is refused, and what they may still do.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { parseNetwork } from "@cryptnono/agent/detectors/flowkiller/address";
import { findCgroupRoot } from "@cryptnono/agent/detectors/flowkiller/cgroup-root";
import { Egress } from "@cryptnono/agent/detectors/flowkiller/names/egress";
import { wordsOf } from "@cryptnono/agent/detectors/flowkiller/names/lines";
import { type NamesRecord, namesDecoder } from "@cryptnono/agent/detectors/flowkiller/names/record";
import type { EgressRules } from "@cryptnono/agent/detectors/flowkiller/names/rules";
import { type EgressTables, namesSensor, slotContents } from "@cryptnono/agent/detectors/flowkiller/names/sensor";
import { Guard } from "@cryptnono/agent/sensor/index";
import type { ContainerResult } from "@cryptnono/agent/types";
import { Lists } from "../lib/flow-agent.js";
import { NAMES_OBJECT, nameTables } from "../lib/name-looker.js";
import { ask, withServers } from "../lib/name-network.js";

const DEADLINE_MS = 60_000;

const POD: ContainerResult = {
  kind: "container",
  type: "cri",
  id: "a".repeat(64),
  labels: { "io.kubernetes.pod.namespace": "hub", "io.kubernetes.pod.name": "jupyter-one" },
  image: "image:1",
};
const named = (name: string) => ({ name, list: "/allowed", line: 1 });
const TABLES: EgressTables = {
  names: [named("fine.test")],
  networks: [parseNetwork("198.51.100.0/24")],
  refusesUnknown: false,
};
const RULES: EgressRules = {
  learn: [],
  enforce: [],
  refusesUnknown: false,
  names: TABLES.names,
  networks: TABLES.networks.map((network) => ({ ...network, list: "/allowed", line: 2 })),
  learntFile: null,
};

describe("a pod", () => {
  const records: NamesRecord[] = [];
  const written: string[] = [];
  const lists = new Lists();
  let guard: Guard;
  let egress: Egress;

  before(() => {
    const root = findCgroupRoot(null);
    guard = new Guard(namesSensor(root.path, false), {
      object: NAMES_OBJECT,
      pinDir: null,
      scopePid: process.pid,
      onRecord: (bytes) => records.push(decode(bytes.slice())),
      onError: (error) => assert.fail(error as Error),
    });
    const decode = namesDecoder(guard.layout);
    egress = new Egress({
      layout: guard.layout,
      map: (name) => guard.map(name),
      writeFile: (_file, text) => void written.push(text),
    });
    install(TABLES);
    guard.attach();
    root.close();
    guard.start();
  });
  after(() => {
    guard.close();
    lists.remove();
  });

  function install(tables: EgressTables): void {
    guard.install(slotContents(nameTables(["pooltest.example"], { egress: tables }), guard.layout));
  }

  async function found(evidence: NamesRecord["evidence"], from = 0): Promise<NamesRecord> {
    const end = Date.now() + DEADLINE_MS;
    for (;;) {
      const record = records.slice(from).find((one) => one.evidence === evidence);
      if (record !== undefined) return record;
      if (Date.now() > end) throw new Error(`waited for a record of ${evidence}`);
      await sleep(10);
    }
  }

  const script = [
    ask("by an allowed name", "ask", "10.0.0.53", "www.fine.test", "3333"),
    ask("by another name", "ask", "10.0.0.53", "else.test", "3333"),
    ask("in an allowed network", "connect", "198.51.100.7", "443"),
    ask("private", "connect", "10.1.2.3", "443"),
    ask("public", "connect", "192.0.2.7", "443"),
    ask("a resolver of its own", "ask-unconnected", "192.0.2.53", "fine.test"),
    ask("DNS over HTTPS", "connect", "192.0.2.1", "443"),
  ];

  test("that nobody knows yet passes, and is asked about; then it is free, if nothing names it", async () => {
    const { told } = await withServers(lists, script);
    for (const [title, result] of told) assert.match(result, / ?0$/, title);
    const unknown = await found("unknown-pod");
    egress.inForce(RULES);
    assert.equal(egress.know(unknown.owner.group, POD), "free");
    const from = records.length;
    await withServers(lists, [ask("public", "connect", "192.0.2.7", "443")]);
    assert.deepEqual(
      records.slice(from).map(({ evidence }) => evidence),
      [],
    );
  });

  test("that is learnt passes, and what it reached is written down by name", async () => {
    egress.inForce({ ...RULES, learn: ["hub"], learntFile: "/learnt" });
    const from = records.length;
    const { told } = await withServers(lists, script);
    for (const [title, result] of told) assert.match(result, / ?0$/, title);
    await found("seen", from);
    const seen = () => records.slice(from).filter(({ evidence }) => evidence === "seen");
    const end = Date.now() + DEADLINE_MS;
    while (seen().length < 4 && Date.now() < end) await sleep(10);
    for (const record of seen()) egress.seen(record);
    egress.write();
    const list = written.at(-1)!;
    assert.match(list, /^else\.test {2}# 1 connect; ports 3333; pods hub\/jupyter-one; addresses 203\.0\.113\.60$/m);
    assert.match(list, /^192\.0\.2\.7 {2}# 1 connect; ports 443; pods hub\/jupyter-one; no question for it was seen$/m);
    assert.doesNotMatch(list, /^(www\.)?fine\.test|^198\.51\.100\.7|^10\./m);
    // What was put on the list is learnt no more, by this agent or by the next one, which has the kernel's counts.
    const next = new Egress({
      layout: guard.layout,
      map: (name) => guard.map(name),
      writeFile: (_file, text) => void written.push(text),
    });
    for (const one of [egress, next]) {
      one.inForce({ ...RULES, learn: ["hub"], learntFile: "/learnt", names: [...RULES.names, named("else.test")] });
      one.write();
      assert.match(written.at(-1)!, /^192\.0\.2\.7 {2}# 1 connect; ports 443;/m);
      assert.doesNotMatch(written.at(-1)!, /else\.test/);
    }
  });

  test("that is held to the list reaches what is on it, and is told why not", async () => {
    egress.inForce({ ...RULES, enforce: ["io.kubernetes.pod.name=jupyter-one"] });
    const from = records.length;
    const { told, packets } = await withServers(lists, script);
    assert.equal(told.get("by an allowed name"), "203.0.113.60 connected 0");
    assert.equal(told.get("in an allowed network"), "connected 0");
    assert.equal(told.get("private"), "connected 0");
    assert.equal(told.get("public"), "connect refused 1");
    assert.equal(told.get("DNS over HTTPS"), "connect refused 1");
    assert.equal(told.get("a resolver of its own"), "question refused 1");
    for (const address of ["192.0.2.7", "192.0.2.1", "192.0.2.53"]) assert.equal(packets.get(address), undefined);
    const { outcome } = await found("egress", from);
    assert.equal(outcome, "refused");
    const words = records.slice(from).map(wordsOf);
    assert.ok(words.includes("192.0.2.7:443 is the answer to no question, and in no network that may be reached"));
  });

  test("that nobody knows yet reaches no more than the list, if that is wanted", async () => {
    install({ ...TABLES, refusesUnknown: true });
    guard.map("policies").delete(records[0]!.owner.group);
    const { told } = await withServers(lists, script);
    assert.equal(told.get("public"), "connect refused 1");
    assert.equal(told.get("in an allowed network"), "connected 0");
  });
});
