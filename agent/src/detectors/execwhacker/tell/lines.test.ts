import assert from "node:assert/strict";
import { test } from "node:test";
import { SCOPE } from "@cryptnono/matcher";
import fc from "fast-check";
import { bootClock, createFormatter } from "../../../report/index.js";
import type { ContainerResult, ProcessFacts } from "../../../types.js";
import type { Outcome, Report, Rule } from "../types.js";
import type { Summary } from "./bound-summaries.js";
import { reportLine, summaryLine } from "./lines.js";

const bytes = (text: string): Buffer => Buffer.from(text);
const HOST: ContainerResult = { kind: "host" };
const TEST_STRING = "beiquatohGa1uay0ahMies9couyahPeiz9xohju3Ahvaik3FaeM7eey1thaish1U";

const rule: Rule = {
  value: bytes(TEST_STRING),
  mode: "word",
  list: "unencrypted-test-01",
  index: 0,
  action: "enforce",
  allowSet: 0,
};

function process(path: string, args: readonly (string | Uint8Array)[], more: Partial<ProcessFacts> = {}): ProcessFacts {
  const list = args.map((argument) => (typeof argument === "string" ? bytes(argument) : argument));
  return {
    pid: 23933,
    ppid: 77,
    uid: 1000,
    startTimeNs: 5_000_000_123n,
    path: bytes(path),
    args: list,
    argsBytes: list.reduce((sum, { length }) => sum + length + 1, 0),
    comm: bytes("sh"),
    parentComm: bytes("bash"),
    cgroup: { source: "kernel", paths: ["/", "/kubepods/pod1/abc"] },
    ...more,
  };
}

const seed = process("/usr/bin/sh", ["sh", "-c", `sleep 1 && echo ${TEST_STRING}`]);
const killed: Outcome = { action: "killed", by: "kernel" };
const formatter = createFormatter({ timestamp: () => "2024-01-31T16:59:32.990489Z" });
const timeOf = bootClock(1_706_720_000_000);
const linesOf = (report: Report, container: ContainerResult, isBrief = false) =>
  formatter.lines(reportLine(report, timeOf, isBrief), container);

function logged(report: Partial<Report> = {}, container: ContainerResult = HOST): Record<string, unknown>[] {
  const whole: Report = { source: "execwhacker.bpf", process: seed, rule, outcome: killed, ...report };
  return linesOf(whole, container).map(({ text }) => {
    assert.match(text, /^[^\n]+\n$/);
    assert.doesNotMatch(text, /[\p{C}\p{Zl}\p{Zp}](?!$)/u);
    return JSON.parse(text);
  });
}

test("the page's example gives the page's line, its keys first and in their order", () => {
  const labels = {
    "io.kubernetes.container.name": "notebook",
    "io.kubernetes.pod.name": "jupyter-921a1d97-2d4cb1-2d4eb1-2da427-2dd5eed98e3ab9",
    "io.kubernetes.pod.namespace": "spyglass",
    "io.kubernetes.pod.uid": "d2ed6416-812f-413b-ba53-e62d11646809",
  };
  const image = "quay.io/2i2c/hhmi-spyglass-image:67523d9ea855";
  const line = logged({}, { kind: "container", type: "cri", id: "ab".repeat(32), labels, image })[0]!;
  const expected = {
    pid: 23933,
    cmdline: "/usr/bin/sh -c 'sleep 1 && echo beiquatohga1uay0ahmies9couyahpeiz9xohju3ahvaik3faem7eey1thaish1u'",
    matched: "beiquatohga1uay0ahmies9couyahpeiz9xohju3ahvaik3faem7eey1thaish1u",
    source: "execwhacker.bpf",
    container_type: "cri",
    labels,
    image,
    action: "killed",
    event: "Killed process",
    level: "info",
    timestamp: "2024-01-31T16:59:32.990489Z",
  };
  assert.deepEqual(Object.fromEntries(Object.entries(line).slice(0, 11)), expected);
  assert.deepEqual(Object.keys(line).slice(0, 11), Object.keys(expected));
});

test("the fields of ours follow", () => {
  const note = "why";
  const report = { rule: { ...rule, scope: SCOPE.containers, note }, latencyNs: 1234n, matchOffset: 32 };
  const container = {
    kind: "container",
    type: "cri",
    id: "c0ffee",
    labels: {},
    image: "i",
    imageDigest: "sha256:1",
  } as const;
  assert.deepEqual(Object.entries(logged(report, container)[0]!).slice(11), [
    ["killed_by", "kernel"],
    ["exe", "/usr/bin/sh"],
    ["argv0", "sh"],
    ["comm", "sh"],
    ["ppid", 77],
    ["parent", "bash"],
    ["uid", 1000],
    ["start_time", "2024-01-31T16:53:25.000Z"],
    ["cgroup", "/kubepods/pod1/abc"],
    ["rule", "unencrypted-test-01[0]"],
    ["mode", "word"],
    ["scope", "containers"],
    ["note", "why"],
    ["container_id", "c0ffee"],
    ["image_digest", "sha256:1"],
    ["latency_us", 1.234],
    ["match_offset", 32],
  ]);
});

test("a process of the host has the line without the container's keys", () => {
  const keys = Object.keys(logged()[0]!);
  assert.deepEqual(
    keys.filter((key) => ["container_type", "labels", "image", "container_id"].includes(key)),
    [],
  );
});

const pattern = { source: "^/usr/bin/sh .*", list: "default", index: 3 };
const OUTCOMES: readonly (readonly [outcome: Outcome, expected: Readonly<Record<string, unknown>>])[] = [
  [
    { action: "killed", by: "agent" },
    { action: "killed", event: "Killed process", level: "info", killed_by: "agent" },
  ],
  [
    { action: "missed-kill" },
    { action: "missed-kill", event: "Process exited before we could kill it", level: "info" },
  ],
  [
    { action: "spared", allowedBy: "is-substring" },
    { action: "spared", allowedby: "is-substring", event: "Not killing process", level: "info" },
  ],
  [
    { action: "spared", allowedBy: "out-of-scope" },
    { action: "spared", allowedby: "out-of-scope", event: "Not killing process", level: "info" },
  ],
  [
    { action: "spared", allowedBy: { pattern } },
    {
      action: "spared",
      allowedby: "allowed-pattern:^/usr/bin/sh .*",
      allowed_rule: "default[3]",
      event: "Not killing process",
    },
  ],
  [{ action: "would-kill" }, { action: "would-kill", level: "warning" }],
  [
    { action: "kill-failed", errno: 1 },
    { action: "kill-failed", error: "EPERM", level: "error" },
  ],
  [{ action: "kill-failed", errno: 0 }, { error: "unknown" }],
  [{ action: "let-go" }, { action: "let-go", level: "warning" }],
  [
    { action: "observed", durationNs: 1_500_000n },
    { action: "observed", duration: 0.0015, event: "New process", level: "debug" },
  ],
];

for (const [outcome, expected] of OUTCOMES) {
  test(`a report of ${JSON.stringify(expected)} says so`, () => {
    const line = logged({ outcome })[0]!;
    for (const [key, value] of Object.entries(expected)) assert.equal(line[key], value, key);
  });
}

test("what kept a line from being searched whole is told, whatever came of it", () => {
  for (const because of ["unreadable", "over-long", "arguments-changed"] as const) {
    const line = logged({ outcome: { action: "killed", by: "kernel" }, rule: null, because })[0]!;
    assert.deepEqual([line["action"], line["because"], line["matched"]], ["killed", because, undefined]);
  }
});

test("a failed look-up has a line of its own before the report's", () => {
  const reason = "no such container";
  const failed: ContainerResult = { kind: "failed", why: "not-known", reason, cgroupLine: "0::/a", id: "f00" };
  const [first, second] = logged({}, failed);
  assert.deepEqual(first, {
    pid: 23933,
    source: "execwhacker.bpf",
    action: "container-lookup-failed",
    cgroupline: "0::/a",
    event: "no such container",
    level: "warning",
    timestamp: "2024-01-31T16:59:32.990489Z",
    container_id: "f00",
  });
  assert.equal(second?.["action"], "killed");
  assert.equal(second?.["container_id"], "f00");
  assert.ok(!("labels" in second!));
});

const IN_POD: ContainerResult = {
  kind: "container",
  type: "cri",
  id: "aa",
  labels: { "io.kubernetes.pod.name": "p" },
  image: "i:1",
};

test("the container within is told under inner, in words of its own", () => {
  const inner = { type: "docker", id: "bb", labels: { repo: "r" }, image: "built:1", imageDigest: "sha256:0" } as const;
  const line = logged({}, { ...IN_POD, inner })[0]!;
  assert.deepEqual(line["inner"], {
    container_type: "docker",
    labels: { repo: "r" },
    image: "built:1",
    container_id: "bb",
    image_digest: "sha256:0",
  });
  assert.deepEqual([line["container_type"], line["container_id"], line["image"]], ["cri", "aa", "i:1"]);
  assert.deepEqual(logged({}, { ...IN_POD, inner: { id: "bb" } })[0]!["inner"], { container_id: "bb" });
});

test("the container within is told of one that could not be named, in the process's line alone", () => {
  const failed: ContainerResult = {
    kind: "failed",
    why: "foreign",
    reason: "r",
    cgroupLine: "0::/a",
    inner: { id: "bb" },
  };
  const [first, second] = logged({}, failed);
  assert.ok(!("inner" in first!));
  assert.deepEqual(second!["inner"], { container_id: "bb" });
  assert.ok(!("container_id" in second!));
});

test("the chosen variables stand under envs, escaped and bounded", () => {
  const envs = { REPO_URL: "https://example.org/a\u0007\u202e", __proto__: "x" };
  const line = logged({}, { ...IN_POD, envs: JSON.parse(JSON.stringify(envs)) })[0]!;
  assert.deepEqual(line["envs"], { REPO_URL: "https://example.org/a\u0007\u202e" });
  assert.ok(!("envs" in logged({}, { ...IN_POD, envs: {} })[0]!));
  const many = Object.fromEntries(Array.from({ length: 32 }, (_, index) => [`V${index}`, "\u202e".repeat(1024)]));
  const inner = { type: "docker", id: "bb", labels: many, image: "i", envs: many } as const;
  const whole: Report = { source: "execwhacker.bpf", process: seed, rule, outcome: killed };
  const [long] = linesOf(whole, { ...IN_POD, labels: many, envs: many, inner });
  assert.ok(Buffer.byteLength(long!.text) <= 16_384, `${Buffer.byteLength(long!.text)} bytes`);
});

const PATHS: readonly (readonly [
  name: string,
  process: ProcessFacts,
  cmdline: string,
  more: Record<string, unknown>,
])[] = [
  [
    "a script is shown by its path, without what the kernel put in front",
    process("./run.py", ["/usr/bin/python3", "./run.py", "a b"], { interpreter: bytes("/usr/bin/python3") }),
    "./run.py 'a b'",
    { exe: "/usr/bin/python3", argv0: undefined },
  ],
  [
    "a script with an interpreter's argument likewise",
    process("/x/run", ["/usr/bin/env", "python3", "/x/run", "/x/run"], { interpreter: bytes("/usr/bin/env") }),
    "/x/run /x/run",
    { exe: "/usr/bin/env", argv0: undefined },
  ],
  [
    "a script whose path the kernel did not put among the arguments keeps them",
    process("/x/run", ["/bin/sh", "/dev/fd/3", "a"], { interpreter: bytes("/bin/sh") }),
    "/x/run /dev/fd/3 a",
    { exe: "/bin/sh" },
  ],
  ["an equal argv[0] is not told twice", process("/bin/x", ["/bin/x", "y"]), "/bin/x y", { argv0: undefined }],
  ["a renamed argv[0] is told", process("/bin/x", ["kworker/0:1", "y"]), "/bin/x y", { argv0: "kworker/0:1" }],
  ["no arguments at all are no fault", process("/bin/x", []), "/bin/x", { argv0: undefined }],
  ["an empty argument shows as quotes", process("/bin/x", ["x", "", ""]), "/bin/x '' ''", {}],
];

for (const [name, facts, cmdline, more] of PATHS) {
  test(name, () => {
    const line = logged({ process: facts })[0]!;
    assert.equal(line["cmdline"], cmdline);
    for (const [key, value] of Object.entries(more)) assert.equal(line[key], value, key);
  });
}

test("bytes that are not UTF-8 are told exactly beside the text", () => {
  const line = logged({ process: process("/bin/x\xff", ["\u00e9", Buffer.from([0x41, 0xff, 0xfe])]) })[0]!;
  assert.equal(line["cmdline"], "'/bin/x\u00ff' 'a\ufffd\ufffd'");
  assert.deepEqual(
    Buffer.from(String(line["cmdline_base64"]), "base64"),
    Buffer.concat([bytes("'/bin/x\u00ff' 'a"), Buffer.from([0xff, 0xfe]), bytes("'")]),
  );
  assert.ok(!("argv0_base64" in line));
});

test("a backslash and a typed \\xff stay what they are", () => {
  const line = logged({ process: process("/bin/x", ["x", "\\xff", "a\\nb"]) })[0]!;
  assert.equal(line["cmdline"], "/bin/x '\\xff' 'a\\nb'");
  assert.ok(!("cmdline_base64" in line));
});

test("no control, format or separator character stands raw in the line, and each comes back", () => {
  const hostile = "\u0000\n\r\t\u001b[2J\u007f\u0085\u009b\u2028\u2029\u202e\u2066\u200b\ufeff\u{e0001}\u{1f600}é";
  const text = linesOf(
    { source: "execwhacker.bpf", process: process("/bin/x", ["x", hostile.slice(1)]), rule, outcome: killed },
    { kind: "container", type: "docker", id: hostile, labels: { [hostile]: hostile }, image: hostile },
  )[0]!.text;
  assert.doesNotMatch(text.slice(0, -1), /[\p{C}\p{Zl}\p{Zp}]/u);
  const line = JSON.parse(text);
  assert.equal(line.image, hostile);
  assert.deepEqual(line.labels, { [hostile]: hostile });
  assert.equal(line.cmdline, `/bin/x '${hostile.slice(1).toLowerCase()}'`);
});

test("a label called __proto__ is a label", () => {
  const labels = JSON.parse('{"__proto__": "x"}');
  const line = logged({}, { kind: "container", type: "docker", id: "1", labels, image: "i" })[0]!;
  assert.deepEqual(Object.keys(line["labels"] as object), ["__proto__"]);
});

interface Cut {
  readonly total_bytes: number;
  readonly captured_bytes: number;
  readonly shown_bytes: number;
  readonly shown: readonly (readonly [number, number])[];
}

const cutOf = (line: Record<string, unknown>): Cut => (line["truncated"] as { cmdline: Cut }).cmdline;

test("of 2 MB the head and the neighbourhood of the match are shown", () => {
  const argument = Buffer.concat([Buffer.alloc(2_000_000, "a"), bytes(` ${TEST_STRING} `), Buffer.alloc(100_000, "b")]);
  const line = logged({ process: process("/usr/bin/sh", ["sh", argument]) })[0]!;
  const cmdline = String(line["cmdline"]);
  assert.ok(cmdline.length <= 8192);
  const brief = cmdline.replace(/(.)\1{900,}/g, "$1+");
  assert.equal(brief, `/usr/bin/sh a+ [...] 'a+ ${TEST_STRING.toLowerCase()} b+' [...]`);
  const { total_bytes, captured_bytes, shown_bytes, shown } = cutOf(line);
  assert.equal(total_bytes, 12 + argument.length);
  assert.equal(captured_bytes, total_bytes);
  assert.equal(
    shown_bytes,
    shown.reduce((sum, [from, to]) => sum + to - from, 0),
  );
});

test("a match in the last byte of 2 MB is shown, and nothing is said to follow it", () => {
  const argument = bytes(`${"a ".repeat(1_000_000)}${TEST_STRING}`);
  const line = logged({ process: process("/usr/bin/sh", ["sh", argument]) })[0]!;
  assert.match(String(line["cmdline"]), /beiquatohga1uay0\w+'$/);
});

test("an occurrence that does not count is not taken for the match", () => {
  const argument = bytes(`x${TEST_STRING} ${"a".repeat(50_000)} ${TEST_STRING} ${"a".repeat(50_000)}`);
  const line = logged({ process: process("/usr/bin/sh", ["sh", argument]), matchOffset: 3 })[0]!;
  assert.match(String(line["cmdline"]), / beiquatohga1uay0\w+ a+' \[\.\.\.\]$/);
});

test("a line of quotes or controls that grow when written keeps to the limit", () => {
  for (const filler of ["'", "\u001b", "\u202e", "\ud83d\ude00"]) {
    const argument = bytes(`${filler.repeat(20_000)} ${TEST_STRING} ${filler.repeat(20_000)}`);
    const text = linesOf(
      { source: "execwhacker.bpf", process: process("/usr/bin/sh", ["sh", argument]), rule, outcome: killed },
      HOST,
    )[0]!.text;
    const cmdline = /"cmdline":"((?:[^"\\]|\\.)*)"/.exec(text)![1]!;
    assert.ok(cmdline.length <= 8192, filler);
    assert.match(cmdline, /beiquatohga1uay0/);
    assert.ok(!text.includes("base64"), "no character was cut in two");
  }
});

test("what the kernel did not hand over is said", () => {
  const facts = process("/usr/bin/sh", ["sh", "-c", "head"], { argsBytes: 100_000 });
  const line = logged({ process: facts })[0]!;
  assert.equal(line["cmdline"], "/usr/bin/sh -c head [...]");
  assert.deepEqual(cutOf(line), { total_bytes: 100_008, captured_bytes: 19, shown_bytes: 19, shown: [[0, 19]] });
});

/** As the kernel hands over a long command line: the beginning of the area, and what stands around the match. */
function captured(area: Buffer, headBytes: number, from: number, to: number): ProcessFacts {
  const head = area.subarray(0, headBytes).toString("latin1").split("\0");
  return process(
    "/usr/bin/sh",
    head.map((argument) => Buffer.from(argument, "latin1")),
    {
      argsBytes: area.length,
      context: { offset: from, bytes: area.subarray(from, to) },
    },
  );
}

const AREA = bytes(`sh\0-c\0${"a".repeat(100_000)}\0 ${TEST_STRING} end\0${"b".repeat(1000)}\0`);
const MATCH_AT = AREA.indexOf(TEST_STRING);

const CONTEXTS: readonly (readonly [
  name: string,
  process: ProcessFacts,
  cmdline: string,
  shown: readonly (readonly number[])[],
])[] = [
  [
    "a match beyond what was captured is shown from its surroundings",
    captured(AREA, 20, MATCH_AT - 10, MATCH_AT + TEST_STRING.length + 10),
    `/usr/bin/sh -c ${"a".repeat(14)} [...] ${"a".repeat(8)} ' ${TEST_STRING.toLowerCase()} end' bbbbb [...]`,
    [
      [0, 29],
      [MATCH_AT - 10 + 9, MATCH_AT + TEST_STRING.length + 10 + 9],
    ],
  ],
  [
    "surroundings that overlap what was captured are joined to it",
    captured(bytes(`sh\0-c\0aaaa ${TEST_STRING} ${"b".repeat(100_000)}\0`), 20, 8, 90),
    `/usr/bin/sh -c 'aaaa ${TEST_STRING.toLowerCase()} ${"b".repeat(14)}' [...]`,
    [[0, 99]],
  ],
  [
    "surroundings that reach the end have nothing after them",
    captured(bytes(`sh\0${"a".repeat(100_000)} ${TEST_STRING}\0`), 10, 99_993, 100_004 + TEST_STRING.length),
    `/usr/bin/sh aaaaaaa [...] 'aaaaaaaaaa ${TEST_STRING.toLowerCase()}'`,
    [
      [0, 19],
      [100_002, 100_013 + TEST_STRING.length],
    ],
  ],
];

for (const [name, facts, cmdline, shown] of CONTEXTS) {
  test(name, () => {
    const line = logged({ process: facts })[0]!;
    assert.equal(line["cmdline"], cmdline);
    assert.deepEqual(cutOf(line).shown, shown);
    assert.equal(cutOf(line).total_bytes, 12 + facts.argsBytes - 4);
  });
}

test("every other field is bounded too", () => {
  const long = "l".repeat(200_000);
  const facts = process(`/${long.slice(0, 4000)}`, [long, "x"], { cgroup: { source: "proc", lines: `0::/${long}` } });
  const labels = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`key${i}`, long.slice(0, 100)]));
  const container = { kind: "container", type: "docker", id: long, labels, image: long, imageDigest: long } as const;
  const text = linesOf({ source: "execwhacker.bpf", process: facts, rule, outcome: killed }, container)[0]!.text;
  assert.ok(text.length < 24_000, String(text.length));
  const { truncated } = JSON.parse(text);
  assert.deepEqual(Object.keys(truncated).sort(), [
    "argv0",
    "cgroup",
    "container_id",
    "exe",
    "image",
    "image_digest",
    "labels",
  ]);
  assert.deepEqual(truncated.argv0, { total_bytes: 200_000, shown_bytes: 1024 });
  assert.equal(truncated.labels.total, 10_000);
});

test("whatever the bytes, there is one bounded line of JSON with the match in it", () => {
  const noise = fc.array(fc.oneof(fc.uint8Array({ min: 1, maxLength: 40 }), fc.constant(Buffer.alloc(9000, "é'"))), {
    maxLength: 4,
  });
  fc.assert(
    fc.property(noise, noise, fc.uint8Array({ min: 1, maxLength: 20 }), (before, after, path) => {
      const facts = process("", ["x", ...before, bytes(TEST_STRING), ...after], { path, comm: path, parentComm: path });
      const line = logged({ process: facts })[0]!;
      assert.ok(String(line["cmdline"]).includes(TEST_STRING.toLowerCase()));
      assert.ok(JSON.stringify(line).length < 40_000);
    }),
  );
});

for (const [name, filler] of [
  ["bytes that are no UTF-8", Buffer.of(0xff)],
  ["control bytes", Buffer.of(0x1b)],
  ["letters of three bytes", bytes("\u8a9e")],
  ["invisible letters", bytes("\u2066")],
] as const) {
  test(`a line full of ${name} is one that no container runtime splits, with the match in it`, () => {
    const fill = (length: number) => Buffer.alloc(length, filler);
    const text = fill(60_000).toString();
    const hostile = process("/p", [fill(60_000), fill(60_000), ` ${TEST_STRING} `, fill(60_000)], {
      path: fill(4095),
      comm: fill(15),
      parentComm: fill(15),
      cgroup: { source: "kernel", paths: [`/${text}`] },
    });
    const labels = { [text.slice(0, 900)]: text.slice(0, 900), second: text.slice(0, 900) };
    const container = { kind: "container", type: "cri", id: text, labels, image: text, imageDigest: text } as const;
    const whole: Report = { source: "execwhacker.bpf", process: hostile, rule, outcome: killed };
    const [line] = linesOf(whole, container);
    assert.ok(Buffer.byteLength(line!.text) <= 16_384);
    const shown = JSON.parse(line!.text);
    assert.ok(shown.cmdline.includes(TEST_STRING.toLowerCase()));
    assert.equal(shown.matched, TEST_STRING.toLowerCase());
    for (const key of ["cmdline", "exe", "argv0", "cgroup"]) assert.ok(shown.truncated[key], key);
  });
}

test("a line's kind follows the outcome", () => {
  const kind = (outcome: Outcome) =>
    linesOf({ source: "execwhacker.bpf", process: seed, rule, outcome }, HOST)[0]!.kind;
  assert.deepEqual(
    OUTCOMES.map(([outcome]) => kind(outcome)),
    ["kill", "kill", "spare", "spare", "spare", "would-kill", "kill", "kill", "let-go", "debug"],
  );
});

test("a brief line shows an eighth of a long command line, and the match in it", () => {
  const long = process("/bin/x", ["x", "a".repeat(7000), TEST_STRING]);
  const whole: Report = { source: "execwhacker.bpf", process: long, rule, outcome: killed };
  const shown = JSON.parse(linesOf(whole, HOST, true)[0]!.text);
  assert.ok(shown.cmdline.length <= 1024 && shown.cmdline.includes(TEST_STRING.toLowerCase()));
  assert.equal(shown.truncated.cmdline.total_bytes, 7 + 7000 + 1 + TEST_STRING.length);
  assert.deepEqual(JSON.parse(linesOf({ ...whole, process: seed }, HOST, true)[0]!.text), logged()[0]);
});

const SUMMARY: Summary = {
  source: "execwhacker.bpf",
  action: "killed",
  count: 1234,
  rule,
  group: "17",
  cgroup: { source: "kernel", paths: ["/kubepods/pod1/abc"] },
  cgroupId: 99n,
  firstNs: 1_000_000_000n,
  lastNs: 61_000_000_000n,
  lastPid: 4711,
  uid: 1000,
};

const summed = (summary: Partial<Summary>, container: ContainerResult = HOST) =>
  JSON.parse(formatter.lines(summaryLine({ ...SUMMARY, ...summary }, timeOf), container)[0]!.text) as Record<
    string,
    unknown
  >;

test("a summary has the container's words, the rule, the number and the times, and no process's keys", () => {
  const container = { kind: "container", type: "cri", id: "ab", labels: { a: "b" }, image: "i:1" } as const;
  const line = summed({}, container);
  const expected = {
    matched: TEST_STRING.toLowerCase(),
    source: "execwhacker.bpf",
    container_type: "cri",
    labels: { a: "b" },
    image: "i:1",
    action: "killed-summary",
    event: "Killed 1234 more processes",
    level: "info",
    timestamp: "2024-01-31T16:59:32.990489Z",
    count: 1234,
    rule: "unencrypted-test-01[0]",
    mode: "word",
    first: "2024-01-31T16:53:21.000Z",
    last: "2024-01-31T16:54:21.000Z",
    last_pid: 4711,
    uid: 1000,
    cgroup: "/kubepods/pod1/abc",
    cgroup_id: "99",
    container_id: "ab",
  };
  assert.deepEqual(line, expected);
  assert.deepEqual(Object.keys(line), Object.keys(expected));
});

for (const [summary, action, event, level] of [
  [{ count: 1 }, "killed-summary", "Killed 1 more process", "info"],
  [{ action: "would-kill" }, "would-kill-summary", "Would kill 1234 more processes", "warning"],
  [{ action: "kill-failed" }, "kill-failed-summary", "Could not kill 1234 more processes", "error"],
  [{ action: "let-go" }, "let-go-summary", "Let 1234 more processes go without a verdict", "warning"],
  [{ action: "missed-kill" }, "missed-kill-summary", "1234 more processes exited before we could kill them", "info"],
  [{ action: "spared", allowedBy: "is-substring" }, "spared-summary", "Not killing 1234 more processes", "info"],
] as const) {
  test(`a summary of ${action} says: ${event}`, () => {
    const line = summed(summary);
    assert.deepEqual([line["action"], line["event"], line["level"]], [action, event, level]);
    assert.equal(line["allowedby"], "allowedBy" in summary ? "is-substring" : undefined);
  });
}

test("what is not told apart says so, and a summary of several kinds how many", () => {
  const { group: _, cgroup: __, ...apart } = SUMMARY;
  const line = JSON.parse(formatter.lines(summaryLine({ ...apart, rule: null, kinds: 3 }, timeOf), HOST)[0]!.text);
  assert.equal(line.event, "Killed 1234 more processes, not told apart");
  assert.deepEqual([line.kinds, line.rule, line.matched, line.cgroup], [3, undefined, undefined, undefined]);
});

test("a pattern's summary names it", () => {
  const pattern = { source: "/bin/x .*", list: "l", index: 2 };
  const line = summed({ action: "spared", allowedBy: { pattern } });
  assert.deepEqual([line["allowedby"], line["allowed_rule"]], ["allowed-pattern:/bin/x .*", "l[2]"]);
});

test("severity stands beside level when it is asked for, in every kind of line", () => {
  const timestamp = () => "2024-01-31T16:59:32.990489Z";
  const cloud = createFormatter({ timestamp, severity: true });
  const failed: ContainerResult = { kind: "failed", why: "not-known", reason: "r", cgroupLine: "0::/a" };
  const report: Report = { source: "execwhacker.bpf", process: seed, rule, outcome: { action: "would-kill" } };
  const severities = [
    ...cloud.lines(reportLine(report, timeOf), failed),
    cloud.notice("error", "x"),
    cloud.notice("debug", "x"),
    ...cloud.lines(summaryLine(SUMMARY, timeOf), HOST),
  ].map(({ text }) => {
    const line = JSON.parse(text);
    assert.equal(line.severity, line.level.toUpperCase());
    return line.severity;
  });
  assert.deepEqual(severities, ["WARNING", "WARNING", "ERROR", "DEBUG", "INFO"]);
  assert.ok(!("severity" in logged()[0]!));
});

test("a process that starts now has a start time of now", () => {
  const before = Date.now();
  const startTimeNs = globalThis.process.hrtime.bigint();
  const report: Report = { source: "execwhacker.bpf", process: { ...seed, startTimeNs }, rule, outcome: killed };
  const text = createFormatter().lines(reportLine(report, bootClock()), HOST)[0]!.text;
  const told = Date.parse(JSON.parse(text).start_time);
  assert.ok(told > before - 1000 && told < Date.now() + 1000);
});
