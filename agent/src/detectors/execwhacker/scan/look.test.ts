import assert from "node:assert/strict";
import { test } from "node:test";
import { type CommandLine, compileAllow, compileTables, judgeLine, quoteLine, SCOPE } from "@cryptnono/matcher";
import { AREA_PIECE_BYTES } from "@cryptnono/native";
import type { KillResult } from "../../../kill/index.js";
import { StuckError } from "../../../proc/index.js";
import { compileRules, type Ways } from "../rules.js";
import type { AllowPattern, JudgeVerdict, Report, Rule, Rules } from "../types.js";
import type { ExecMemory, SparedAtExec } from "./exec-memory.js";
import { bytes, type FakeProcess, type FakeProcesses, fakeProc, gone } from "./fixtures/fake-proc.js";
import { type Looked, Looker } from "./look.js";
import { Silence } from "./silence.js";
import type { ListInForce } from "./verdict.js";

const rule: Rule = { value: bytes("Banned"), mode: "word", list: "list", index: 0, action: "enforce", allowSet: 1 };
const other: Rule = { ...rule, value: bytes("unspared"), index: 1, allowSet: 0 };
const pattern: AllowPattern = { source: "^/usr/bin/sh allowed", list: "list", index: 0 };

/** The tables and some patterns, as the agent puts them together. */
function listOf(rules: readonly Rule[], allow: readonly AllowPattern[] = [pattern], generation = 1): ListInForce {
  const tables = compileTables(rules);
  return {
    generation,
    isScoped: rules.some(({ scope }) => scope !== undefined),
    rules: { strings: rules, allow },
    judge(line: CommandLine, { names, cut, scopes }): JudgeVerdict {
      const list = { strings: rules, tables, allow: compileAllow([]), quoted: [] };
      const judged = judgeLine(list, line, names, cut, scopes);
      if (judged.kind === "none") return judged;
      const found = rules[judged.index]!;
      if (judged.kind === "is-substring" || judged.kind === "out-of-scope")
        return { kind: "spared", rule: found, allowedBy: judged.kind };
      const lines = found.allowSet === 0 ? [] : names.map((name) => Buffer.from(quoteLine(name)).toString("latin1"));
      const sparing = allow.find(({ source }) => lines.some((text) => new RegExp(source, "iy").test(text)));
      return sparing === undefined
        ? { kind: "banned", rule: found }
        : { kind: "spared", rule: found, allowedBy: { pattern: sparing } };
    },
  };
}

const denied = (code: string): Error => Object.assign(new Error(code), { code });

/** Processes with numbers from here on began under the guard. */
const GUARDED = 1000;
const NOTHING: ExecMemory = { spared: () => null };

interface Options {
  readonly rules?: readonly Rule[];
  readonly allow?: readonly AllowPattern[];
  readonly list?: () => ListInForce;
  readonly result?: KillResult;
  readonly memory?: ExecMemory;
  readonly silence?: Silence;
}

/** A looker over `processes`, and what came of its looks. */
function looking(processes: FakeProcesses, options: Options = {}) {
  const { rules = [rule], allow = [pattern], result = { kind: "killed" }, memory = NOTHING, silence } = options;
  const reports: Report[] = [];
  const counts: Record<string, number> = {};
  const killed: number[] = [];
  const reads = new Map<number, number>();
  const told = new Set<number>();
  const proc = fakeProc(processes, reads);
  const inForce = listOf(rules, allow);
  const add = (key: string): void => {
    counts[key] = (counts[key] ?? 0) + 1;
  };
  const looker = new Looker(
    {
      proc,
      list: options.list ?? (() => inForce),
      memory,
      guardedSinceNs: BigInt(GUARDED) * 100_000_000n,
      kill(pid) {
        killed.push(pid);
        return result;
      },
      report: (report) => reports.push(report),
      isFirst({ process }) {
        const isFirst = !told.has(process.pid);
        told.add(process.pid);
        return isFirst;
      },
      count: { scanned: () => add("scanned"), decided: (_, decision) => add(decision), scanFailed: add },
      selfPid: 500,
    },
    silence,
  );
  return { looker, reports, counts, killed, reads, proc };
}

async function lookAtAll(processes: FakeProcesses, options: Options = {}) {
  const it = looking(processes, options);
  const looked: Looked[] = [];
  for (const pid of it.proc.pids()) looked.push(await it.looker.look(pid));
  return { ...it, looked };
}

test("a banned process is killed and reported with its facts, the others are counted", async () => {
  const { reports, counts, killed } = await lookAtAll({
    2: { cmdline: ["init\0"] },
    20: { cmdline: ["sh\0-c\0echo banned\0"] },
    30: { cmdline: ["cat\0xbanned\0"] },
  });
  assert.deepEqual(killed, [20]);
  assert.deepEqual(counts, { scanned: 3, "no-match": 1, killed: 1, "is-substring": 1 });
  const { process, ...rest } = reports[0]!;
  assert.deepEqual(process, {
    pid: 20,
    ppid: 2,
    uid: 1000,
    startTimeNs: 2_000_000_000n,
    path: bytes("/usr/bin/dash"),
    args: ["sh", "-c", "echo banned"].map((argument) => Uint8Array.from(bytes(argument))),
    argsBytes: 18,
    comm: bytes("comm20"),
    parentComm: bytes("comm2"),
    cgroup: { source: "proc", lines: "0::/pod/20\n" },
  });
  assert.equal(rest.source, "psutil.process_iter");
  assert.deepEqual(rest.outcome, { action: "killed", by: "agent" });
  assert.ok(rest.latencyNs! > 0n);
});

test("a string counts where its scope says: in containers by pid or cgroup namespace, and where that is not known", async () => {
  const rules = [
    { ...rule, allowSet: 0, scope: SCOPE.containers },
    { ...other, scope: SCOPE.host },
  ];
  const { killed, counts, reports } = await lookAtAll(
    {
      20: { cmdline: ["x\0banned\0"] },
      21: { cmdline: ["x\0banned\0"], pidNamespaces: 2 },
      22: { cmdline: ["x\0banned\0"], cgroupNamespace: "cgroup:[4026533000]" },
      23: { cmdline: ["x\0banned\0"], cgroupNamespace: denied("EACCES") },
      30: { cmdline: ["x\0unspared\0"] },
      31: { cmdline: ["x\0unspared\0"], pidNamespaces: 2 },
      32: { cmdline: ["x\0banned\0unspared\0"], pidNamespaces: 2 },
      33: { cmdline: ["x\0xbanned\0"] },
    },
    { rules },
  );
  assert.deepEqual(killed, [21, 22, 23, 30, 32]);
  assert.deepEqual(counts, { scanned: 8, killed: 5, "out-of-scope": 2, "is-substring": 1 });
  assert.deepEqual(reports.find(({ process }) => process.pid === 20)!.outcome, {
    action: "spared",
    allowedBy: "out-of-scope",
  });
});

test("the agent itself, its children, kernel threads and the dead are not looked at", async () => {
  const { counts, reports } = await lookAtAll({
    500: { cmdline: ["cryptnono\0banned\0"] },
    501: { cmdline: ["cryptnono\0banned\0"], ppid: 500 },
    3: { cmdline: ["banned\0"], flags: 0x00200000 },
    4: { cmdline: ["banned\0"], state: "Z" },
  });
  assert.deepEqual([counts, reports], [{}, []]);
});

test("a process whose first thread has ended is read through another", async () => {
  const { killed, reports } = await lookAtAll({
    4: { cmdline: [""], exe: gone(), state: "Z", threads: [5, 6] },
    5: { cmdline: ["x\0"], state: "Z", threads: [6], isThread: true },
    6: { cmdline: ["x\0banned\0"], exe: "/bin/x", isThread: true },
  });
  assert.deepEqual(killed, [4]);
  assert.equal(reports[0]?.process.pid, 4);
});

test("a process that vanishes or cannot be read at any step is counted, and no more", async () => {
  const { counts, killed, looked } = await lookAtAll({
    10: undefined,
    11: { cmdline: [gone()] },
    12: { cmdline: ["x\0banned\0", denied("ESRCH")] },
    13: { cmdline: [denied("EACCES")] },
    14: { cmdline: [new StuckError(new Error("no answer"))] },
    15: { cmdline: ["x\0banned\0"] },
  });
  assert.deepEqual(killed, [15]);
  assert.deepEqual(counts, { vanished: 3, unreadable: 1, stuck: 1, scanned: 2, killed: 1 });
  assert.deepEqual(
    looked.map(({ isStuck }) => isStuck),
    [false, false, false, false, true, false],
  );
  assert.ok(looked[4]!.costMs >= 100, "its group pays for the time");
});

for (const code of ["EMFILE", "ENFILE", "ENOMEM"]) {
  test(`${code} is a fault of this side: nobody is killed or taken for gone`, async () => {
    const process: FakeProcess = { cmdline: ["sh\0allowed\0banned\0"], names: ["/usr/bin/sh"] };
    const { counts, killed } = await lookAtAll({
      10: { ...process, exe: denied(code) },
      11: { cmdline: [denied(code)] },
      12: { cmdline: ["sh\0banned\0", denied(code)] },
    });
    assert.deepEqual([killed, counts], [[], { unreadable: 3, scanned: 1 }]);
  });
}

test("a fault of ours is thrown", async () => {
  const list: ListInForce = {
    ...listOf([rule]),
    judge() {
      throw new TypeError("fault");
    },
  };
  const { looker, counts } = looking({ 10: { cmdline: ["x\0"] } }, { list: () => list });
  await assert.rejects(looker.look(10), TypeError);
  assert.deepEqual(counts, { scanned: 1 });
});

test("what is judged is what is there right before the kill", async () => {
  const innocent = await lookAtAll({ 10: { cmdline: ["x\0banned\0", "x\0harmless\0"] } });
  assert.deepEqual([innocent.killed, innocent.counts["no-match"]], [[], 1]);
  const changed = await lookAtAll({ 10: { cmdline: ["x\0banned\0", "y\0Banned two\0"] } });
  assert.deepEqual(changed.killed, [10]);
  assert.deepEqual(
    changed.reports[0]?.process.args.map((argument) => Buffer.from(argument).toString()),
    ["y", "Banned two"],
  );
  const restless = await lookAtAll({
    10: { cmdline: ["x\0banned 1\0", "x\0banned 2\0", "x\0banned 3\0", "x\0banned 4\0"] },
  });
  assert.deepEqual(restless.killed, [10]);
});

const KILLS: readonly (readonly [result: KillResult, action: string, counted: string])[] = [
  [{ kind: "missed", because: "exited" }, "missed-kill", "missed"],
  [{ kind: "failed", code: "EPERM", errno: 1 }, "kill-failed", "kill-failed"],
  [{ kind: "refused", because: "init" }, "kill-failed", "kill-failed"],
];

for (const [result, action, counted] of KILLS) {
  test(`a kill that gives ${JSON.stringify(result)} is reported as ${action}`, async () => {
    const { reports, counts } = await lookAtAll({ 10: { cmdline: ["x\0banned\0"] } }, { result });
    assert.equal(reports[0]?.outcome.action, action);
    assert.equal(counts[counted], 1);
  });
}

// ---- what was judged before ----

const STATES: readonly (readonly [name: string, area: string, action: "enforce" | "audit", decision: string])[] = [
  ["one that has nothing banned", "x\0harmless\0", "enforce", "no-match"],
  ["a spare", "x\0xbanned\0", "enforce", "is-substring"],
  ["one that an audited rule finds", "x\0banned\0", "audit", "would-kill"],
];

for (const [name, area, action, decision] of STATES) {
  test(`${name} is counted at each look, told once, and not searched again while it is the same`, async () => {
    let judged = 0;
    const list = listOf([{ ...rule, action }]);
    const counting: ListInForce = {
      ...list,
      judge: (line, seen) => {
        judged++;
        return list.judge(line, seen);
      },
    };
    const { looker, counts, reports, killed } = looking({ 10: { cmdline: [area] } }, { list: () => counting });
    for (let i = 0; i < 3; i++) await looker.look(10);
    assert.deepEqual([counts[decision], counts["scanned"], killed], [3, 3, []]);
    assert.equal(reports.length, decision === "no-match" ? 0 : 1);
    assert.equal(judged, 1);
  });
}

test("a rule of several strings is met over all pieces of a line, and not by two processes", async () => {
  const rules = [{ ...rule, value: bytes("--pay-to"), also: [bytes("--api-bind")] }];
  const far = `${"-".repeat(3 * AREA_PIECE_BYTES)}\0`;
  const { killed, reports } = await lookAtAll(
    {
      20: { cmdline: [`x\0--api-bind\0${far}--pay-to\0`] },
      30: { cmdline: [`x\0--api-bind\0${far}`] },
      40: { cmdline: ["x\0--pay-to\0"] },
    },
    { rules },
  );
  assert.deepEqual(killed, [20]);
  assert.deepEqual(reports[0]!.rule, rules[0]);
});

test("the environment is read where a list looks there; it tells the variable, and one that cannot be read hinders nothing", async () => {
  const rules = [{ ...rule, environment: true as const }];
  const ways: Ways = {};
  const looks = (value: Rules["strings"]) => {
    const { judge, judgeEnvironment, list } = compileRules(
      { strings: value, allow: [{ ...pattern, source: "/usr/bin/sh allowed" }], allowSets: [[0]] },
      1,
      ways,
    );
    return { ...listOf(value), judge, judgeEnvironment, rules: { strings: value, allow: list.open } };
  };
  const processes: FakeProcesses = {
    20: { cmdline: ["x\0"], environment: "A=b\0POOL=x banned\0" },
    21: { cmdline: ["x\0"], environment: `A=${"-".repeat(3 * AREA_PIECE_BYTES)}\0FAR=banned\0` },
    22: { cmdline: ["x\0"], environment: denied("EACCES") },
    23: { cmdline: ["x\0banned\0"], environment: denied("EACCES") },
    24: { cmdline: ["sh\0allowed\0"], exe: "/usr/bin/sh", environment: "POOL=banned\0" },
    25: { cmdline: ["x\0"], environment: "POOL=xbanned\0" },
  };
  const { killed, reports, counts } = await lookAtAll(processes, { list: () => looks(rules) });
  assert.deepEqual(killed, [20, 21, 23]);
  assert.deepEqual(
    reports.map(({ process, environment }) => [process.pid, environment]),
    [
      [20, { variable: "POOL" }],
      [21, { variable: "FAR" }],
      [23, undefined],
      [24, { variable: "POOL" }],
      [25, { variable: "POOL" }],
    ],
  );
  assert.equal(counts["unreadable"], 2);
  const without = await lookAtAll(processes, { list: () => looks([rule]) });
  assert.deepEqual([without.killed, without.counts["unreadable"]], [[23], undefined]);
});

test("it is judged again when its arguments, its start, its executable or the list are others", async () => {
  const first: FakeProcess = { cmdline: ["x\0harmless\0"], exe: "/bin/a" };
  const processes: Record<number, FakeProcess> = { 10: first };
  let generation = 1;
  let judged = 0;
  const list = listOf([rule]);
  const judge: ListInForce["judge"] = (line, seen) => {
    judged++;
    return list.judge(line, seen);
  };
  const { looker } = looking(processes, { list: () => ({ ...list, generation, judge }) });
  const put = (change: Partial<FakeProcess>): void => {
    processes[10] = { ...first, ...change };
  };
  const changes: readonly (() => void)[] = [
    () => {},
    () => put({ cmdline: ["x\0harmless too\0"] }),
    () => put({ startTicks: 7 }),
    () => put({ exe: "/bin/b" }),
    () => void generation++,
  ];
  for (const [i, change] of changes.entries()) {
    change();
    await looker.look(10);
    await looker.look(10);
    assert.equal(judged, i + 1);
  }
  looker.keep(new Set());
  await looker.look(10);
  assert.equal(judged, changes.length + 1, "of a process that was gone nothing is known");
});

test("one that gives no answer is asked again later, and later still", async () => {
  let now = 0;
  const stuck: FakeProcess = { cmdline: [new StuckError(new Error("no answer"))] };
  const processes: Record<number, FakeProcess> = { 10: stuck };
  const { looker, counts, reads, killed } = looking(processes, { silence: new Silence(() => now) });
  const asked: number[] = [];
  for (; now < 100_000; now += 1000) {
    const before = reads.get(10) ?? 0;
    assert.equal((await looker.look(10)).isStuck, true);
    if (reads.get(10) !== before) asked.push(now);
  }
  assert.deepEqual(asked, [0, 10_000, 30_000, 70_000]);
  assert.equal(counts["stuck"], 100, "each time it is told");
  processes[10] = { ...stuck, startTicks: 1, cmdline: ["x\0banned\0"] };
  await looker.look(10);
  assert.deepEqual(killed, [10], "another process of that number is read at once");
});

// ---- names ----

const NAMES: readonly (readonly [name: string, process: FakeProcess, action: string, path: string])[] = [
  [
    "a typed path that names the executable spares, and is shown",
    { cmdline: ["/usr/bin/sh\0allowed\0banned\0"], names: ["/usr/bin/sh"] },
    "spared",
    "/usr/bin/sh",
  ],
  [
    "a typed path that names another file neither spares nor is shown",
    { cmdline: ["/usr/bin/sh\0allowed\0banned\0"], exe: "/tmp/miner", files: { "/usr/bin/sh": "\x7fELF" } },
    "killed",
    "/tmp/miner",
  ],
  [
    "a typed path that names nothing does not spare",
    { cmdline: ["/usr/bin/sh\0allowed\0banned\0"], exe: "/tmp/miner" },
    "killed",
    "/tmp/miner",
  ],
  [
    "a typed path on a file system that someone serves is not asked: it is let go, and told",
    { cmdline: ["/usr/bin/sh\0allowed\0banned\0"], exe: "/tmp/miner", unknown: ["/usr/bin/sh"] },
    "let-go",
    "/tmp/miner",
  ],
  [
    "but not where no pattern would spare it anyway",
    { cmdline: ["/usr/bin/sh\0banned\0"], exe: "/tmp/miner", unknown: ["/usr/bin/sh"] },
    "killed",
    "/tmp/miner",
  ],
  [
    "a bare name is found in the usual folders",
    { cmdline: ["sh\0allowed\0banned\0"], names: ["/usr/bin/sh", "/bin/sh"] },
    "spared",
    "/usr/bin/sh",
  ],
  [
    "a login shell's dash is no part of its name",
    { cmdline: ["-sh\0allowed\0banned\0"], names: ["/usr/bin/sh"] },
    "spared",
    "/usr/bin/sh",
  ],
  [
    "the executable's own path spares",
    { cmdline: ["x\0allowed\0banned\0"], exe: "/usr/bin/sh" },
    "spared",
    "/usr/bin/sh",
  ],
  [
    "a path through .. is none that spares",
    { cmdline: ["/usr/bin/../bin/sh\0allowed\0banned\0"], names: ["/usr/bin/../bin/sh"] },
    "killed",
    "/usr/bin/dash",
  ],
  [
    "a relative path is none that spares",
    { cmdline: ["./sh\0allowed\0banned\0"], exe: "/srv/sh", names: ["./sh", "/srv/./sh"] },
    "killed",
    "/srv/sh",
  ],
  [
    "an executable that was deleted has its path",
    { cmdline: ["x\0banned\0"], exe: "/tmp/x (deleted)" },
    "killed",
    "/tmp/x",
  ],
  ["an unreadable executable leaves argv[0]", { cmdline: ["x y\0banned\0"], exe: gone() }, "killed", "x y"],
  [
    "arguments that were wiped leave the executable",
    { cmdline: ["\0".repeat(100)], exe: "/tmp/banned" },
    "killed",
    "/tmp/banned",
  ],
  [
    "a rewritten single argument is searched",
    { cmdline: ["nginx: banned worker"], exe: "/usr/sbin/nginx" },
    "killed",
    "/usr/sbin/nginx",
  ],
];

for (const [name, process, action, path] of NAMES) {
  test(name, async () => {
    const { reports } = await lookAtAll({ 10: process });
    assert.deepEqual(
      reports.map((report) => [report.outcome.action, Buffer.from(report.process.path).toString()]),
      [[action, path]],
    );
  });
}

const SCRIPT = "/usr/local/bin/tool";
const spareTool = { ...pattern, source: "^/usr/local/bin/tool " };

const SCRIPTS: readonly (readonly [name: string, process: FakeProcess, action: string, path: string])[] = [
  [
    "a script is known by its first line",
    { cmdline: [`/bin/sh\0${SCRIPT}\0banned\0`], names: ["/bin/sh"], files: { [SCRIPT]: "#! /bin/sh\nexit" } },
    "spared",
    SCRIPT,
  ],
  [
    "a script whose interpreter takes an argument too",
    { cmdline: [`/bin/sh\0-e\0${SCRIPT}\0banned\0`], names: ["/bin/sh"], files: { [SCRIPT]: "#!/bin/sh -e\n" } },
    "spared",
    SCRIPT,
  ],
  [
    "a script's path among the arguments of another program does not spare it",
    {
      cmdline: [`/srv/miner\0${SCRIPT}\0banned\0`],
      exe: "/srv/miner",
      names: ["/srv/miner"],
      files: { [SCRIPT]: "#!/bin/sh\n", "/bin/sh": "\x7fELF" },
    },
    "killed",
    "/srv/miner",
  ],
  [
    "nor does a file that is no script",
    { cmdline: [`/bin/sh\0${SCRIPT}\0banned\0`], exe: "/bin/sh", files: { [SCRIPT]: "/bin/sh\n" } },
    "killed",
    "/bin/sh",
  ],
  [
    "nor one whose interpreter is told by .. or not at all",
    { cmdline: [`/bin/sh\0${SCRIPT}\0banned\0`], exe: "/bin/sh", files: { [SCRIPT]: "#! \n" } },
    "killed",
    "/bin/sh",
  ],
  [
    "a script on a file system that someone serves is let go",
    { cmdline: [`/bin/sh\0${SCRIPT}\0banned\0`], exe: "/bin/sh", unknown: [SCRIPT] },
    "let-go",
    "/bin/sh",
  ],
];

for (const [name, process, action, path] of SCRIPTS) {
  test(name, async () => {
    const { reports } = await lookAtAll({ 10: process }, { allow: [spareTool] });
    assert.deepEqual(
      reports.map((report) => [report.outcome.action, Buffer.from(report.process.path).toString()]),
      [[action, path]],
    );
  });
}

test("nothing is looked up for a process that no pattern would spare", async () => {
  const looked: string[] = [];
  const it = looking({
    10: { cmdline: [`/usr/bin/sh\0${SCRIPT}\0banned\0`] },
    11: { cmdline: ["/usr/bin/sh\0allowed\0"] },
  });
  const name = it.proc.name;
  Object.assign(it.proc, {
    name(pid: number, path: Uint8Array, wantsHead: boolean) {
      looked.push(Buffer.from(path).toString());
      return name(pid, path, wantsHead);
    },
  });
  for (const pid of [10, 11]) await it.looker.look(pid);
  assert.deepEqual([looked, it.killed], [[], [10]]);
});

// ---- what exec decided ----

function remembering(spared: Partial<SparedAtExec> & { readonly area?: string }): ExecMemory {
  const { area = "", ...rest } = spared;
  return {
    spared: () => ({
      path: bytes("/opt/tool"),
      stringId: 0,
      patternId: 0,
      generation: 1,
      hasChanged: (now) => Buffer.from(now).toString() !== area,
      ...rest,
    }),
  };
}

const young = GUARDED + 1;
const strings = [rule, other];
const spareByPath = [{ ...pattern, source: "^/opt/tool --name " }];

const BOUND: readonly (readonly [name: string, memory: ExecMemory, process: FakeProcess, killed: boolean])[] = [
  [
    "with the same arguments it stays spared, whatever its name looks like now",
    remembering({ area: "tool\0banned\0" }),
    { cmdline: ["tool\0banned\0"], exe: "/opt/moved/tool (deleted)" },
    false,
  ],
  [
    "with a title of its own it stays spared from the same string",
    remembering({}),
    { cmdline: ["tool: banned"], exe: "/opt/moved/tool" },
    false,
  ],
  [
    "but not from one that its pattern is not for",
    remembering({}),
    { cmdline: ["tool: unspared"], exe: "/opt/moved/tool" },
    true,
  ],
  [
    "by an earlier list: it is judged anew, under the path that was given to exec",
    remembering({ generation: 0, area: "tool\0--name\0banned\0" }),
    { cmdline: ["tool\0--name\0banned\0"], exe: "/opt/moved/tool" },
    false,
  ],
  [
    "and dies if no pattern spares that by now",
    remembering({ generation: 0, area: "tool\0--other\0banned\0" }),
    { cmdline: ["tool\0--other\0banned\0"], exe: "/opt/moved/tool" },
    true,
  ],
  [
    "a script is judged by what stands behind its own name",
    remembering({ generation: 0 }),
    { cmdline: ["sh\0-e\0/opt/tool\0--name\0banned\0"], exe: "/bin/dash" },
    false,
  ],
  [
    "a path that was too long to be kept leaves the executable's",
    remembering({ generation: 0, path: null }),
    { cmdline: ["x\0--name\0banned\0"], exe: "/opt/tool" },
    false,
  ],
];

for (const [name, memory, process, isKilled] of BOUND) {
  test(`a process that exec spared: ${name}`, async () => {
    const { killed } = await lookAtAll({ [young]: process }, { rules: strings, allow: spareByPath, memory });
    assert.deepEqual(killed, isKilled ? [young] : []);
  });
}

test("what was executed under the guard is not searched for the path of its file: that may be a link's target", async () => {
  const linked: FakeProcess = { cmdline: ["tool\0x\0"], exe: "/opt/banned/tool" };
  const { killed } = await lookAtAll({ [GUARDED - 1]: linked, [young]: linked });
  assert.deepEqual(killed, [GUARDED - 1]);
});

test("what an older process has forked since was not executed under the guard; what it has executed since, was", async () => {
  const image = "4096 4100";
  const it = looking({
    10: { cmdline: ["x\0"], exe: "/opt/banned/tool", image: "1 2" },
    11: { cmdline: ["x\0"], exe: "/bin/x", image },
    [young]: { cmdline: ["x\0"], exe: "/opt/banned/fork", image },
    [young + 1]: { cmdline: ["x\0"], exe: "/opt/banned/new", image: "8192 8200" },
  });
  const { parseStat } = await import("../../../proc/index.js");
  const stats = [10, 11].map((pid) => parseStat(it.proc.read(pid, "stat"))!);
  it.looker.learn([{ ...stats[0]!, image: "0 1" }, stats[1]!]);
  it.looker.learn([stats[0]!]); // later it is known no more who is older
  for (const pid of it.proc.pids()) await it.looker.look(pid);
  assert.deepEqual(it.killed, [young]);
});

// ---- long lines ----

const KIB = 1024;

test("a string is found anywhere in a long line, and nowhere where it stands in a longer word", async () => {
  for (const size of [63, 64, 65, 127, 128, 129, 256, 257, 1000].map((kib) => kib * KIB)) {
    for (const at of [0, 1, 64 * KIB - 6, 64 * KIB - 3, 64 * KIB, 64 * KIB + 1, 256 * KIB - 3, size - 9, size - 8]) {
      if (at + 8 > size) continue;
      for (const [word, dies] of [
        ["-banned-", true],
        ["xbanned-", false],
        ["-bannedx", false],
      ] as const) {
        const area = Buffer.alloc(size, "-");
        area[size - 1] = 0;
        area[1] = 0;
        area.write(word, at);
        const { killed } = await lookAtAll({ 10: { cmdline: [area], exe: "/bin/x" } });
        assert.equal(killed.length === 1, dies, `${size} bytes, ${word} at ${at}`);
      }
    }
  }
});

test("of a long line a report has the beginning, and what stands around the match", async () => {
  const area = Buffer.alloc(3 * 1024 * KIB, "-");
  area[2_000_000] = 0;
  area.write(" banned ", 2_500_000);
  area[area.length - 1] = 0;
  const { reports } = await lookAtAll({ 10: { cmdline: [area] } });
  const { args, argsBytes, context } = reports[0]!.process;
  assert.ok(args.reduce((sum, { length }) => sum + length, 0) <= 8192);
  assert.ok(argsBytes > 8192);
  assert.ok(context!.bytes.length < 2000);
  const at = Buffer.from(context!.bytes).indexOf("banned");
  assert.equal(context!.offset + at, 2_500_001);
});

test("while a line of 8 MiB is searched, other work has its turns; and it is searched once", async () => {
  const area = Buffer.alloc(8 * 1024 * KIB, "ab ");
  const { looker, counts } = looking({ 10: { cmdline: [area] } });
  let turns = 0;
  let isDone = false;
  const turn = (): void => {
    turns++;
    if (!isDone) setImmediate(turn);
  };
  turn();
  await looker.look(10);
  const first = turns;
  assert.ok(first > 100, `${first} turns`);
  await looker.look(10);
  isDone = true;
  assert.ok(turns - first < 20, `${turns - first} turns`);
  assert.equal(counts["no-match"], 2);
});
