import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmodSync, copyFileSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type CommandLine, quoteLine, search } from "@cryptnono/matcher";
import { createKiller, type KillResult } from "../kill/index.js";
import { openProc, type ProcFiles, StuckError } from "../proc/index.js";
import type { AllowPattern, JudgeVerdict, Report, Rule } from "../types.js";
import { scanProcesses } from "./scan.js";

const bytes = (text: string): Buffer => Buffer.from(text);

interface FakeProcess {
  /** Each read takes the next; the last stays. */
  readonly cmdline: readonly (string | Error)[];
  readonly exe?: string | Error;
  readonly state?: string;
  readonly flags?: number;
  readonly threads?: readonly number[];
  /** A thread: /proc lists it below its process alone. */
  readonly isThread?: boolean;
  /** Absolute paths that name the executable. */
  readonly names?: readonly string[];
  readonly files?: Readonly<Record<string, string>>;
}

const gone = (): Error => Object.assign(new Error("gone"), { code: "ENOENT" });

function fakeProc(processes: Readonly<Record<number, FakeProcess | undefined>>): ProcFiles {
  const reads = new Map<number, number>();
  const find = (pid: number): FakeProcess => {
    const process = processes[pid];
    if (process === undefined) throw gone();
    return process;
  };
  return {
    pids: () =>
      Object.entries(processes)
        .filter(([, process]) => process?.isThread !== true)
        .map(([pid]) => Number(pid)),
    threads: (pid) => [pid, ...(find(pid).threads ?? [])],
    read(pid, name) {
      const { state = "S", flags = 0, threads = [] } = find(pid);
      if (name === "status") return bytes(`Name:\tx\nUid:\t1000\t0\t0\t0\n`);
      if (name === "cgroup") return bytes(`0::/pod/${pid}\n`);
      return bytes(
        `${pid} (comm${pid}) ${state} 2 0 0 0 0 ${flags} 0 0 0 0 0 0 0 0 0 0 ${1 + threads.length} 0 ${pid * 10} 0\n`,
      );
    },
    link(pid, name) {
      const target = name === "cwd" ? "/srv" : (find(pid).exe ?? "/usr/bin/dash");
      if (target instanceof Error) throw target;
      return bytes(target);
    },
    async cmdline(pid) {
      const { cmdline } = find(pid);
      const read = reads.get(pid) ?? 0;
      reads.set(pid, read + 1);
      const content = cmdline[Math.min(read, cmdline.length - 1)]!;
      if (content instanceof Error) throw content;
      return bytes(content);
    },
    stuckReads: () => 0,
    isExecutable: async (pid, path) => (find(pid).names ?? []).includes(Buffer.from(path).toString()),
    head: async (pid, path) => {
      const content = find(pid).files?.[Buffer.from(path).toString()];
      return content === undefined ? null : bytes(content);
    },
  };
}

const rule: Rule = { value: bytes("Banned"), mode: "word", list: "list", index: 0, action: "enforce", allowSet: 0 };
const pattern: AllowPattern = { source: "^/usr/bin/sh allowed", list: "list", index: 0 };

/** The oracle and one pattern, as the agent puts them together. */
function judgeBy(rules: readonly Rule[], allow: readonly AllowPattern[] = [pattern]) {
  return (line: CommandLine): JudgeVerdict => {
    const match = search(rules, line);
    if (match.kind === "none") return match;
    const found = rules[match.index]!;
    if (match.kind === "is-substring") return { kind: "spared", rule: found, allowedBy: "is-substring" };
    const quoted = Buffer.from(quoteLine([line.path, ...line.args.slice(1)])).toString("latin1");
    const sparing = allow.find(({ source }) => new RegExp(source, "iy").test(quoted));
    return sparing === undefined
      ? { kind: "banned", rule: found }
      : { kind: "spared", rule: found, allowedBy: { pattern: sparing } };
  };
}

interface Scanned {
  readonly reports: readonly Report[];
  readonly counts: Readonly<Record<string, number>>;
  readonly killed: readonly number[];
}

async function scan(
  processes: Readonly<Record<number, FakeProcess | undefined>>,
  options: {
    rules?: readonly Rule[];
    result?: KillResult;
    seen?: Set<number>;
    judge?: (line: CommandLine) => JudgeVerdict;
  } = {},
): Promise<Scanned> {
  const { rules = [rule], result = { kind: "killed" }, seen = new Set() } = options;
  const reports: Report[] = [];
  const counts: Record<string, number> = {};
  const killed: number[] = [];
  const add = (key: string): void => {
    counts[key] = (counts[key] ?? 0) + 1;
  };
  await scanProcesses({
    proc: fakeProc(processes),
    judge: options.judge ?? judgeBy(rules),
    kill(pid) {
      killed.push(pid);
      return result;
    },
    report: (report) => reports.push(report),
    isFirst({ process }) {
      const first = !seen.has(process.pid);
      seen.add(process.pid);
      return first;
    },
    count: { scanned: () => add("scanned"), decided: (_, decision) => add(decision), scanFailed: add },
    selfPid: 500,
  });
  return { reports, counts, killed };
}

test("a banned process is killed and reported with its facts, the others are counted", async () => {
  const { reports, counts, killed } = await scan({
    2: { cmdline: ["init\0"] },
    20: { cmdline: ["sh\0-c\0echo banned\0"], names: ["/usr/bin/sh"] },
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
    path: bytes("/usr/bin/sh"),
    args: [bytes("sh"), bytes("-c"), bytes("echo banned")],
    argsBytes: 18,
    comm: bytes("comm20"),
    parentComm: bytes("comm2"),
    cgroup: { source: "proc", lines: "0::/pod/20\n" },
  });
  assert.equal(rest.source, "psutil.process_iter");
  assert.deepEqual(rest.outcome, { action: "killed", by: "agent" });
  assert.ok(rest.latencyNs! > 0n);
});

test("the agent itself, kernel threads and the dead are not looked at", async () => {
  const { counts, reports } = await scan({
    500: { cmdline: ["cryptnono\0banned\0"] },
    3: { cmdline: ["banned\0"], flags: 0x00200000 },
    4: { cmdline: ["banned\0"], state: "Z" },
  });
  assert.deepEqual([counts, reports], [{}, []]);
});

test("a process whose first thread has ended is read through another", async () => {
  const { killed, reports } = await scan({
    4: { cmdline: [""], exe: gone(), state: "Z", threads: [5, 6] },
    5: { cmdline: ["x\0"], state: "Z", threads: [6], isThread: true },
    6: { cmdline: ["x\0banned\0"], exe: "/bin/x", isThread: true },
  });
  assert.deepEqual(killed, [4]);
  assert.equal(reports[0]?.process.pid, 4);
});

test("a process that vanishes at any step is counted, and the scan goes on", async () => {
  const { counts, killed } = await scan({
    10: undefined,
    11: { cmdline: [gone()] },
    12: { cmdline: ["x\0banned\0", Object.assign(new Error("gone"), { code: "ESRCH" })] },
    13: { cmdline: [Object.assign(new Error("denied"), { code: "EACCES" })] },
    14: { cmdline: [new StuckError("cmdline", true)] },
    15: { cmdline: ["x\0banned\0"] },
  });
  assert.deepEqual(killed, [15]);
  assert.deepEqual(counts, { vanished: 3, unreadable: 1, stuck: 1, scanned: 2, killed: 1 });
});

test("a fault of ours is thrown after all others have been judged", async () => {
  const judged: number[] = [];
  const judge = (line: CommandLine): JudgeVerdict => {
    judged.push(line.args.length);
    if (line.args.length === 1) throw new TypeError("fault");
    return { kind: "none" };
  };
  await assert.rejects(scan({ 10: { cmdline: ["x\0"] }, 11: { cmdline: ["x\0y\0"] } }, { judge }), TypeError);
  assert.deepEqual(judged, [1, 2]);
});

test("what is judged is what is there right before the kill", async () => {
  const innocent = await scan({ 10: { cmdline: ["x\0banned\0", "x\0harmless\0"] } });
  assert.deepEqual([innocent.killed, innocent.counts["no-match"]], [[], 1]);
  const changed = await scan({ 10: { cmdline: ["x\0banned\0", "y\0Banned two\0"] } });
  assert.deepEqual(changed.killed, [10]);
  assert.deepEqual(changed.reports[0]?.process.args, [bytes("y"), bytes("Banned two")]);
  const restless = await scan({
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
    const { reports, counts } = await scan({ 10: { cmdline: ["x\0banned\0"] } }, { result });
    assert.equal(reports[0]?.outcome.action, action);
    assert.equal(counts[counted], 1);
  });
}

test("an audited rule kills nothing, and says so once", async () => {
  const options = { rules: [{ ...rule, action: "audit" } as const], seen: new Set<number>() };
  const first = await scan({ 10: { cmdline: ["x\0banned\0"] } }, options);
  const second = await scan({ 10: { cmdline: ["x\0banned\0"] } }, options);
  assert.deepEqual([first.killed, first.reports.map(({ outcome }) => outcome.action)], [[], ["would-kill"]]);
  assert.deepEqual([second.killed, second.reports, second.counts["would-kill"]], [[], [], 1]);
});

test("a spare is counted each time and reported once", async () => {
  const seen = new Set<number>();
  const first = await scan({ 10: { cmdline: ["x\0xbanned\0"] } }, { seen });
  const second = await scan({ 10: { cmdline: ["x\0xbanned\0"] } }, { seen });
  assert.deepEqual([first.reports.length, second.reports.length, second.counts["is-substring"]], [1, 0, 1]);
});

const NAMES: readonly (readonly [name: string, process: FakeProcess, action: string, path: string])[] = [
  [
    "a typed path that names the executable is shown, and spares",
    { cmdline: ["/usr/bin/sh\0allowed\0banned\0"], names: ["/usr/bin/sh"] },
    "spared",
    "/usr/bin/sh",
  ],
  [
    "a typed path that names another file neither spares nor is shown",
    { cmdline: ["/usr/bin/sh\0allowed\0banned\0"], exe: "/tmp/miner", names: ["/tmp/miner"] },
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
    "a bare name is found beside the executable",
    { cmdline: ["python\0banned\0"], exe: "/opt/conda/bin/python3.11", names: ["/opt/conda/bin/python"] },
    "killed",
    "/opt/conda/bin/python",
  ],
  [
    "a relative path counts from the working directory",
    { cmdline: ["./x\0banned\0"], exe: "/srv/x", names: ["/srv/./x"] },
    "killed",
    "./x",
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
    const { reports } = await scan({ 10: process });
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
      cmdline: [`./miner\0${SCRIPT}\0banned\0`],
      exe: "/srv/miner",
      names: ["/srv/./miner"],
      files: { [SCRIPT]: "#!/bin/sh\n" },
    },
    "killed",
    "./miner",
  ],
  [
    "nor does a file that is no script",
    { cmdline: [`/bin/sh\0${SCRIPT}\0banned\0`], names: ["/bin/sh"], files: { [SCRIPT]: "/bin/sh\n" } },
    "killed",
    "/bin/sh",
  ],
];

for (const [name, process, action, path] of SCRIPTS) {
  test(name, async () => {
    const { reports } = await scan({ 10: process }, { judge: judgeBy([rule], [spareTool]) });
    assert.deepEqual(
      reports.map((report) => [report.outcome.action, Buffer.from(report.process.path).toString()]),
      [[action, path]],
    );
  });
}

/** Scans all of this machine for a string that only the test's own child can hold. */
async function scanMachine(secret: string, patterns: readonly AllowPattern[] = []): Promise<Report[]> {
  const reports: Report[] = [];
  const proc = openProc();
  const native = {
    pidfdOpen: (id: number) => id,
    pidfdSendSignal: (fd: number) => void process.kill(fd, "SIGKILL"),
    close: () => {},
  };
  await scanProcesses({
    proc,
    judge: judgeBy([{ ...rule, value: bytes(secret) }], patterns),
    kill: createKiller({ native, readStat: (pid) => proc.read(pid, "stat") }),
    report: (report) => reports.push(report),
    isFirst: () => true,
    count: { scanned() {}, decided() {}, scanFailed() {} },
  });
  return reports;
}

const newSecret = (): string => `canary-${randomBytes(16).toString("hex")}`;

/** Resolves once the child's exec has happened: until then it has this process's command line. */
async function executed(pid: number, secret: string): Promise<void> {
  const proc = openProc();
  const deadline = performance.now() + 5000;
  while (!Buffer.from(await proc.cmdline(pid)).includes(secret)) assert.ok(performance.now() < deadline);
}

test("a real process with a real string dies, and no other", async () => {
  const secret = newSecret();
  const child = spawn("/bin/sh", ["-c", "read _", "sh", `--x=${secret.toUpperCase()}`]);
  const bystander = spawn("/bin/sleep", ["60"]);
  const exit = once(child, "exit");
  try {
    await executed(child.pid!, secret.toUpperCase());
    const reports = await scanMachine(secret);
    assert.deepEqual(
      reports.map(({ process, outcome }) => [process.pid, Buffer.from(process.path).toString(), outcome]),
      [[child.pid, "/bin/sh", { action: "killed", by: "agent" }]],
    );
    const { process: facts } = reports[0]!;
    assert.equal(facts.ppid, process.pid);
    assert.equal(facts.uid, process.getuid!());
    assert.match(Buffer.from(facts.parentComm).toString(), /\S/);
    const [, signal] = await exit;
    assert.equal(signal, "SIGKILL");
    assert.equal(bystander.exitCode, null);
  } finally {
    child.kill("SIGKILL");
    bystander.kill("SIGKILL");
  }
});

test("a real process with the string at the end of 100 KB dies", async () => {
  const secret = newSecret();
  const child = spawn("/bin/sleep", ["60"], {
    argv0: `${"0".repeat(100_000)} ${secret}`,
  });
  try {
    await executed(child.pid!, secret);
    assert.deepEqual(
      (await scanMachine(secret)).map(({ process }) => process.pid),
      [child.pid],
    );
  } finally {
    child.kill("SIGKILL");
  }
});

test("a real script and a real link are spared by patterns for the names they were started under", async () => {
  const folder = mkdtempSync(join(tmpdir(), "scan-"));
  const secret = newSecret();
  const script = join(folder, "tool");
  const link = join(folder, "link");
  copyFileSync("/bin/sleep", join(folder, "target"));
  symlinkSync("target", link);
  writeFileSync(script, "#!/bin/sh -e\nread _\n");
  chmodSync(script, 0o755);
  const children = [
    spawn(script, [secret]),
    spawn(link, ["60"], { argv0: link }),
    spawn("/bin/sleep", ["60"], { argv0: `${link} ${secret}` }),
  ];
  try {
    await executed(children[0]!.pid!, secret);
    await executed(children[1]!.pid!, "link");
    await executed(children[2]!.pid!, secret);
    const reports = await scanMachine(secret, [{ source: `^${script} `, list: "l", index: 0 }]);
    assert.deepEqual(
      reports.map(({ process, outcome }) => [process.pid, outcome.action]).sort(),
      [
        [children[0]!.pid, "spared"],
        [children[2]!.pid, "killed"],
      ].sort(),
    );
  } finally {
    for (const child of children) child.kill("SIGKILL");
    rmSync(folder, { recursive: true });
  }
});
