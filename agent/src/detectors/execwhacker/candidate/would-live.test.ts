import assert from "node:assert/strict";
import { test } from "node:test";
import { NARROW, SCOPE } from "@cryptnono/matcher";
import type { ProcessFacts } from "../../../types.js";
import { unite } from "../config/index.js";
import { compileRules } from "../rules.js";
import type { Rule, Rules } from "../types.js";
import { fateByCandidate } from "./would-live.js";

const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const rule = (text: string, more: Partial<Rule> = {}): Rule => ({
  ...{ value: bytes(text), mode: "word", list: "list", index: 0, action: "enforce", allowSet: 0 },
  ...more,
});
const rules = (strings: readonly Rule[], more: Partial<Rules> = {}): Rules => ({
  strings,
  allow: [],
  allowSets: [],
  ...more,
});

function compiled(inForce: Rules, candidate: Rules) {
  const united = unite(inForce, { rules: candidate, lists: [{ list: "candidate" }] });
  return compileRules(united, 1);
}

function process(line: string, more: Partial<ProcessFacts> = {}): ProcessFacts {
  const args = line.split(" ").map(bytes);
  return {
    ...{ pid: 1, ppid: 1, uid: 0, startTimeNs: 0n, path: args[0]!, args, comm: bytes(""), parentComm: bytes("") },
    argsBytes: args.reduce((sum, { length }) => sum + length + 1, 0),
    cgroup: { source: "kernel", paths: [] },
    ...more,
  };
}

const found = (list: ReturnType<typeof compiled>, index: number) => list.rules.strings.at(index)!;

test("by the same string it dies, by none of the candidate's it lives, by another one it dies", () => {
  const list = compiled(rules([rule("zz-both"), rule("zz-old")]), rules([rule("zz-both"), rule("zz-new")]));
  assert.equal(fateByCandidate(found(list, 0), process("/bin/ls zz-both"), list), "dies");
  assert.equal(fateByCandidate(found(list, 1), process("/bin/ls zz-old"), list), "lives");
  assert.equal(fateByCandidate(found(list, 1), process("/bin/ls zz-old zz-new"), list), "dies");
  assert.equal(fateByCandidate(found(list, 1), process("zz-new/ls zz-old"), list), "dies");
});

test("a pattern of the candidate's lets it live, under the path that was given and under the file's own", () => {
  const allow = [{ source: "/bin/ok( .*)?$", list: "candidate", index: 0 }];
  const spared = rules([rule("zz-both", { allowSet: 1 })], { allow, allowSets: [[0]] });
  const list = compiled(rules([rule("zz-both")]), spared);
  assert.equal(fateByCandidate(found(list, 0), process("/bin/ls zz-both"), list), "dies");
  assert.equal(fateByCandidate(found(list, 0), process("/bin/ok zz-both"), list), "lives");
  assert.equal(fateByCandidate(found(list, 0), process("/bin/link zz-both", { exe: bytes("/bin/ok") }), list), "lives");
  const script = { interpreter: bytes("/bin/sh"), path: bytes("/bin/ok") };
  assert.equal(fateByCandidate(found(list, 0), process("/bin/sh /bin/ok zz-both", script), list), "lives");
});

test("where the line is not whole, or it is not known where it ran, nobody can say", () => {
  const list = compiled(
    rules([rule("zz-old"), rule("zz-scoped", { scope: SCOPE.host })]),
    rules([rule("zz-new", { scope: SCOPE.host })]),
  );
  const line = process("/bin/ls zz-old zz-new");
  assert.equal(fateByCandidate(found(list, 0), process("/bin/ls zz-old", { argsBytes: 9000 }), list), "unknown");
  assert.equal(fateByCandidate(found(list, 0), line, list), "unknown", "on the host it dies, in a container it lives");
  assert.equal(fateByCandidate(found(list, 0), { ...line, pidNamespace: 4_026_532_000 }, list), "lives");
  assert.equal(fateByCandidate(found(list, 1), process("/bin/ls zz-scoped zz-new"), list), "dies");
});

test("where a narrow scope of the candidate's could hold, nobody can say", () => {
  const narrow = [{ namespaces: ["hub"] }] as unknown as NonNullable<Rules["narrow"]>;
  const scoped = rule("zz-new", { scope: NARROW.first });
  const list = compiled(rules([rule("zz-old")]), rules([rule("zz-more")]));
  const { judgeCandidate } = compileRules(
    {
      ...rules([rule("zz-old", { only: "in-force" }), { ...scoped, only: "candidate", action: "audit", allowSet: 1 }]),
      allowSets: [[]],
      narrow,
      candidate: { lists: [], strings: 1, patterns: 0 },
    },
    2,
  );
  const asked = { judgeCandidate, isScoped: true, rules: { ...list.rules, narrow } };
  const inPod = { pidNamespace: 4_026_532_000 };
  assert.equal(fateByCandidate(found(list, 0), process("/bin/ls zz-old zz-new", inPod), asked), "unknown");
  assert.equal(fateByCandidate(found(list, 0), process("/bin/ls zz-old", inPod), asked), "lives");
});

test("strings of both are once in the table, and the lists in force keep their numbers", () => {
  const allow = [{ source: "/bin/a$", list: "list", index: 0 }];
  const inForce = rules([rule("zz-a", { allowSet: 1 }), rule("zz-b"), rule("ZZ-C")], { allow, allowSets: [[0]] });
  const candidate = rules([rule("zz-c"), rule("zz-a"), rule("zz-d", { allowSet: 1 })], { allow, allowSets: [[0]] });
  const united = unite(inForce, { rules: candidate, lists: [{ list: "candidate" }] });
  assert.deepEqual(
    united.strings.map(({ value, only, allowSet, action }) => [Buffer.from(value).toString(), only, allowSet, action]),
    [
      ["zz-a", "in-force", 1, "enforce"],
      ["zz-b", "in-force", 0, "enforce"],
      ["ZZ-C", undefined, 0, "enforce"],
      // Of no pattern any more.
      ["zz-a", "candidate", 2, "audit"],
      ["zz-d", "candidate", 3, "audit"],
    ],
  );
  assert.deepEqual(united.allowSets, [[0], [], [0]]);
  assert.deepEqual(united.candidate, { lists: [{ list: "candidate" }], strings: 2, patterns: 0 });
});
