import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { rounds } from "@cryptnono/matcher/test/rounds";
import { Sensor, structLayout } from "@cryptnono/native";
import fc from "fast-check";
import { DecodeError, execDecoder } from "./record.js";

const LAYOUT = Sensor.open({
  object: readFileSync(new URL("../../../../../build/bpf/execwhacker.bpf.o", import.meta.url)),
}).layout();
const { size: HEADER, offsets: at } = structLayout(LAYOUT, "exec_event");
const { verdict, event_flags: flags, match_place: places } = LAYOUT.enums;
const constants: Readonly<Record<string, number>> = { ...verdict, ...flags, ...places };
const decodeRecord = execDecoder(LAYOUT);
const PARTS = ["cgroup_bytes", "cgroup_v1_bytes", "path_bytes", "exe_bytes", "args_bytes", "context_bytes"] as const;

interface Fields {
  readonly u32?: Readonly<Record<string, number>>;
  readonly u64?: Readonly<Record<string, bigint>>;
  readonly parts?: Partial<Readonly<Record<(typeof PARTS)[number], string>>>;
  readonly comm?: string;
}

/** A record as the kernel writes it; texts are Latin-1. */
function record({ u32 = {}, u64 = {}, parts = {}, comm = "" }: Fields = {}): Uint8Array {
  const header = Buffer.alloc(HEADER);
  header.writeUInt32LE(constants["VERDICT_KILLED"]!, at["verdict"]!);
  for (const [name, value] of Object.entries(u32)) header.writeInt32LE(value | 0, at[name]!);
  for (const [name, value] of Object.entries(u64)) header.writeBigUInt64LE(value, at[name]!);
  header.write(comm, at["comm"]!, "latin1");
  const texts = PARTS.map((name) => Buffer.from(parts[name] ?? "", "latin1"));
  for (const [i, name] of PARTS.entries()) header.writeUInt16LE(texts[i]!.length, at[name]!);
  return Buffer.concat([header, ...texts]);
}

const decode = (fields?: Fields) => decodeRecord(record(fields));
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");

test("each field comes from its place", () => {
  const decoded = decode({
    u32: {
      pid: 1,
      ppid: 2,
      uid: 3,
      pid_namespace: 4,
      string_id: 5,
      string_bytes: 3,
      pattern_id: 6,
      generation: 7,
      match_offset: 2,
      args_total_bytes: 10,
      signal_result: -3,
    },
    u64: { start_time_ns: 2n ** 63n, latency_ns: 9n, cgroup_id: 2n ** 64n - 1n, group: 2n ** 62n + 8n },
    parts: {
      cgroup_bytes: "branch\0leaf\0",
      cgroup_v1_bytes: "pids\0",
      path_bytes: "/bin/x",
      args_bytes: "x\0yes\0last",
    },
    comm: "short",
  });
  const { process, match, ...rest } = decoded;
  assert.deepEqual(rest, {
    verdict: "killed",
    latencyNs: 9n,
    patternId: 6,
    generation: 7,
    group: 2n ** 62n + 8n,
    errno: 3,
    unreadable: false,
    overLong: false,
    changed: false,
    narrowCgroup: 0n,
    unjudged: false,
  });
  assert.deepEqual([match?.stringId, match?.offset, text(match!.bytes)], [5, 7, "yes"]);
  assert.deepEqual(
    {
      ...process,
      path: text(process.path),
      args: process.args.map(text),
      comm: text(process.comm),
      parentComm: text(process.parentComm),
    },
    {
      pid: 1,
      ppid: 2,
      uid: 3,
      startTimeNs: 2n ** 63n,
      path: "/bin/x",
      args: ["x", "yes", "last"],
      argsBytes: 11,
      comm: "short",
      parentComm: "",
      cgroup: { source: "kernel", paths: ["/branch/leaf", "/pids"] },
      pidNamespace: 4,
      cgroupId: 2n ** 64n - 1n,
    },
  );
});

test("each verdict has its name, and an unknown one is refused", () => {
  for (const [name, number] of Object.entries(constants)) {
    if (!name.startsWith("VERDICT_") || ["VERDICT_PASS", "VERDICT_HELD"].includes(name)) continue;
    const { verdict } = decode({ u32: { verdict: number } });
    assert.equal(verdict, name.slice(8).toLowerCase().replaceAll("_", "-"));
  }
  for (const verdict of [constants["VERDICT_PASS"]!, 99, 0xffffffff]) {
    assert.throws(() => decode({ u32: { verdict } }), DecodeError);
  }
});

test("of a match in the environment the record has the variable's name and the match, and the line none of it", () => {
  const of = (context: string, name: number) => {
    const { match, process } = decode({
      u32: {
        match_in_path: constants["MATCH_IN_ENVIRONMENT"]!,
        match_offset: 3,
        string_bytes: 5,
        context_offset: name,
      },
      parts: { context_bytes: context, args_bytes: "x\0secret", path_bytes: "/bin/x" },
    });
    assert.equal(process.context, undefined);
    return [match?.offset, text(match!.bytes), match?.environment];
  };
  assert.deepEqual(of("WALLET\0match", 6), [undefined, "match", { variable: "WALLET" }]);
  assert.deepEqual(of("\0match", 0), [undefined, "match", {}]);
  for (const odd of ["a b", "1A", "A\xff", "A\nB", "A".repeat(64)])
    assert.deepEqual(of(`${odd}\0match`, odd.length), [undefined, "match", {}], odd);
});

test("flags become words", () => {
  const { EVENT_UNREADABLE, EVENT_OVER_LONG, EVENT_NO_STRING, EVENT_SCRIPT } = constants;
  assert.equal(decode({ u32: { flags: EVENT_UNREADABLE! } }).unreadable, true);
  assert.equal(decode({ u32: { flags: EVENT_OVER_LONG! } }).overLong, true);
  assert.equal(decode({ u32: { flags: EVENT_NO_STRING! } }).match, null);
  const script = decode({ u32: { flags: EVENT_SCRIPT! }, parts: { exe_bytes: "/bin/sh" } });
  assert.equal(text(script.process.interpreter!), "/bin/sh");
  const other = decode({ parts: { exe_bytes: "/bin/x" } }).process;
  assert.deepEqual([other.interpreter, Buffer.from(other.exe!).toString()], [undefined, "/bin/x"]);
});

const AREAS: readonly [title: string, area: string, args: readonly string[]][] = [
  ["no arguments", "", []],
  ["one", "a", ["a"]],
  ["an empty first", "\0b", ["", "b"]],
  ["an empty last", "a\0", ["a", ""]],
  ["empty ones between", "a\0\0\0b", ["a", "", "", "b"]],
];
for (const [title, area, args] of AREAS) {
  test(`arguments: ${title}`, () => {
    assert.deepEqual(decode({ parts: { args_bytes: area } }).process.args.map(text), args);
  });
}

const MATCHES: readonly [title: string, fields: Fields, offset: number | undefined, bytes: string][] = [
  [
    "in the path",
    {
      u32: { match_in_path: 1, match_offset: 5, string_bytes: 1 },
      parts: { path_bytes: "/bin/x", args_bytes: "a\0b" },
    },
    5,
    "x",
  ],
  [
    "from the path into the arguments",
    {
      u32: { match_in_path: 1, match_offset: 5, string_bytes: 3 },
      parts: { path_bytes: "/bin/x", args_bytes: "a\0b" },
    },
    5,
    "x\0b",
  ],
  [
    "in argv[0], which is not in the line",
    { u32: { match_offset: 0, string_bytes: 1 }, parts: { path_bytes: "/bin/x", args_bytes: "a\0b" } },
    undefined,
    "a",
  ],
  [
    "at the last captured byte",
    { u32: { match_offset: 2, string_bytes: 1 }, parts: { path_bytes: "/bin/x", args_bytes: "a\0b" } },
    7,
    "b",
  ],
  [
    "one byte beyond what was captured",
    { u32: { match_offset: 2, string_bytes: 2 }, parts: { path_bytes: "/bin/x", args_bytes: "a\0b" } },
    7,
    "",
  ],
  [
    "in the context",
    {
      u32: { match_offset: 1001, string_bytes: 2, context_offset: 1000 },
      parts: { path_bytes: "/bin/x", args_bytes: "a\0b", context_bytes: "-xy-" },
    },
    1006,
    "xy",
  ],
  [
    "before the context",
    {
      u32: { match_offset: 999, string_bytes: 2, context_offset: 1000 },
      parts: { args_bytes: "a\0b", context_bytes: "-xy-" },
    },
    998,
    "",
  ],
  [
    "beyond the context",
    {
      u32: { match_offset: 1003, string_bytes: 2, context_offset: 1000 },
      parts: { args_bytes: "a\0b", context_bytes: "-xy-" },
    },
    1002,
    "",
  ],
];
for (const [title, fields, offset, bytes] of MATCHES) {
  test(`a match ${title}`, () => {
    const { match } = decode(fields);
    assert.deepEqual([match!.offset, text(match!.bytes)], [offset, bytes]);
  });
}

test("parts of the largest sizes that the kernel sends", () => {
  const parts = {
    path_bytes: "p".repeat(4095),
    args_bytes: "a".repeat(8192),
    context_bytes: "c".repeat(512),
    cgroup_bytes: `${"g".repeat(1023)}\0`,
  };
  const { process } = decode({ parts });
  assert.equal(text(process.path), parts.path_bytes);
  assert.equal(text(process.args[0]!), parts.args_bytes);
  assert.equal(text(process.context!.bytes), parts.context_bytes);
  assert.deepEqual(process.cgroup, { source: "kernel", paths: [`/${"g".repeat(1023)}`] });
});

test("a record cut at any byte is refused, and one with bytes to spare is not", () => {
  const whole = record({
    parts: { cgroup_bytes: "g\0", path_bytes: "/bin/x", args_bytes: "x\0y", context_bytes: "c" },
  });
  for (let length = 0; length < whole.length; length++) {
    assert.throws(() => decodeRecord(whole.subarray(0, length)), DecodeError, `${length} bytes`);
  }
  assert.equal(decodeRecord(Buffer.concat([whole, Buffer.alloc(7)])).process.args.length, 2);
});

test("no bytes make it throw anything but a DecodeError", () => {
  const verdicts = Object.entries(constants).flatMap(([name, value]) => (/^VERDICT_/.test(name) ? [value] : []));
  const random = fc.uint8Array({ minLength: 0, maxLength: HEADER + 200 });
  const plausible = fc
    .tuple(fc.constantFrom(...verdicts), fc.uint8Array({ minLength: HEADER, maxLength: HEADER + 200 }))
    .map(([verdict, bytes]) => {
      const view = Buffer.from(bytes);
      view.writeUInt32LE(verdict, at["verdict"]!);
      for (const name of PARTS) view.writeUInt16LE(view.readUInt16LE(at[name]!) & 31, at[name]!);
      return view as Uint8Array;
    });
  let decoded = 0;
  fc.assert(
    fc.property(fc.oneof(random, plausible), (bytes) => {
      try {
        decodeRecord(bytes);
        decoded += 1;
      } catch (error) {
        assert.ok(error instanceof DecodeError, String(error));
      }
    }),
    { numRuns: rounds(1000) },
  );
  assert.ok(decoded > 50, `${decoded} decoded`);
});

test("a cgroup whose outermost names were not reached has no / in front", () => {
  const { process } = decode({ parts: { cgroup_bytes: "\0deep\0leaf\0" } });
  assert.deepEqual(process.cgroup, { source: "kernel", paths: ["deep/leaf"] });
});
