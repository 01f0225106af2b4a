import assert from "node:assert/strict";
import { test } from "node:test";
import { NARROW } from "@cryptnono/matcher";
import type { ContainerResult } from "../../../types.js";
import { mergeRules, parseConfigFile } from "../config/index.js";
import { HeldScopes } from "./held.js";
import { KnownCgroups } from "./known.js";
import { holdsFor, matchesGlob, narrowKey, narrowText } from "./scope.js";

test("a pattern is held against the whole text", () => {
  for (const [pattern, text, matches] of [
    ["hub-*", "hub-", true],
    ["hub-*", "hub-a", true],
    ["hub-*", "a-hub-a", false],
    ["*", "", true],
    ["", "", true],
    ["", "a", false],
    ["a?c", "abc", true],
    ["a?c", "ac", false],
    ["*a*b*", "xxaxxbxx", true],
    ["*a*b", "xaxbx", false],
    ["a.c", "abc", false],
    ["A", "a", false],
    ["**x", "yx", true],
  ] as const)
    assert.equal(matchesGlob(pattern, text), matches, `${pattern} ${text}`);
  const long = `${"*a".repeat(60)}*b`;
  const startMs = performance.now();
  assert.equal(matchesGlob(long, "a".repeat(10_000)), false);
  assert.ok(performance.now() - startMs < 10_000);
});

test("random patterns match as regular expressions of the same meaning do", () => {
  const letters = "ab*?-";
  const text = (from: string) =>
    Array.from({ length: Math.floor(Math.random() * 7) }, () => from[Math.floor(Math.random() * from.length)]).join("");
  for (let i = 0; i < 20_000; i++) {
    const pattern = text(letters);
    const name = text("ab-");
    const expression = new RegExp(`^${pattern.replaceAll("*", ".*").replaceAll("?", ".")}$`);
    assert.equal(matchesGlob(pattern, name), expression.test(name), `${pattern} ${name}`);
  }
});

test("all keys must hold, and of a key's patterns one; labels that are not known are not guessed", () => {
  const pod = { namespace: "hub-a", pod: "jupyter-ann", labels: { component: "singleuser-server" } };
  const scope = { namespaces: ["x", "hub-*"], pods: ["jupyter-*"], labels: { component: ["a", "singleuser-*"] } };
  assert.equal(holdsFor(scope, pod), true);
  assert.equal(holdsFor({ ...scope, namespaces: ["x"] }, pod), false);
  assert.equal(holdsFor({ ...scope, pods: ["x"] }, pod), false);
  assert.equal(holdsFor({ ...scope, labels: { component: ["a"] } }, pod), false);
  assert.equal(holdsFor({ ...scope, labels: { component: ["*"], other: ["*"] } }, pod), false);
  assert.equal(holdsFor({ labels: { constructor: ["*"] } }, pod), false);
  assert.equal(holdsFor(scope, { ...pod, labels: null }), null);
  assert.equal(holdsFor({ ...scope, pods: ["x"] }, { ...pod, labels: null }), false);
  assert.equal(narrowText(scope), "namespaces=x,hub-* pods=jupyter-* labels.component=a,singleuser-*");
  assert.equal(narrowKey(scope), narrowKey({ ...scope, namespaces: ["hub-*", "x", "x"] }));
});

function problemsOf(content: unknown): string {
  try {
    mergeRules([parseConfigFile("f.json", Buffer.from(JSON.stringify(content)))], "enforce");
    return "";
  } catch (error) {
    return String(error);
  }
}

test("what a scope cannot be is an error with its place", () => {
  const ofScope = (scope: unknown, more = {}) => ({ bannedCommandStrings: [{ value: "a-string", scope, ...more }] });
  for (const [content, expected] of [
    [ofScope({}), /bannedCommandStrings\[0\]\.scope.*namespaces, pods and labels/s],
    [ofScope({ namespace: "a" }), /bannedCommandStrings\[0\]\.scope/],
    [ofScope({ namespaces: [] }), /scope\.namespaces.*1 to 32/s],
    [ofScope({ namespaces: ["Hub"] }), /scope\.namespaces\[0\]/],
    [ofScope({ namespaces: ["a".repeat(64)] }), /at most 63/],
    [ofScope({ pods: [1] }), /scope\.pods\[0\]/],
    [ofScope({ labels: { "a/*": "x" } }), /scope\.labels/],
    [ofScope({ labels: { a: ["x y"] } }), /scope\.labels\.a\[0\]/],
    [ofScope({ namespaces: ["a"] }, { environment: true }), /bannedCommandStrings\[0\].*environment/s],
    [{ scope: { namespaces: ["a"] }, bannedCommandStrings: ["that's what"] }, /bannedCommandStrings\[0\].*apostrophe/s],
    [
      { bannedCommandStrings: Array.from({ length: 9 }, (_, i) => ({ value: `s-${i}`, scope: { pods: [`p${i}`] } })) },
      /f\.json.*bannedCommandStrings\[8\]\.scope.*at most 8/s,
    ],
  ] as const)
    assert.match(problemsOf(content), expected, JSON.stringify(content));
  assert.equal(problemsOf(ofScope({ namespaces: "hub-*", labels: { "app.io/x": "a" } })), "");
});

test("equal scopes share a number, over files, and a file's own is for its strings without one", () => {
  const file = (content: unknown, i: number) => parseConfigFile(`${i}.json`, Buffer.from(JSON.stringify(content)));
  const rules = mergeRules(
    [
      {
        scope: { namespaces: ["a"] },
        bannedCommandStrings: ["one", { value: "two", scope: "host" }],
        wallets: ["monero"],
      },
      {
        bannedCommandStrings: [
          { value: "three", scope: { namespaces: "a" } },
          { value: "four", scope: { pods: "p" } },
        ],
      },
    ].map(file),
    "enforce",
  );
  assert.deepEqual(
    [...rules.strings, ...(rules.wallets ?? [])].map(({ scope }) => scope),
    [3, 2, 3, 4, 3],
  );
  assert.deepEqual(rules.narrow, [{ namespaces: ["a"] }, { pods: ["p"] }]);
});

const CONTAINER = {
  kind: "container",
  type: "cri",
  id: "c",
  image: "i",
  labels: { "io.kubernetes.pod.name": "p", "io.kubernetes.pod.namespace": "n", "io.kubernetes.pod.uid": "u" },
} as const satisfies ContainerResult;
const CGROUP = { source: "kernel", paths: [] } as const;

test("which scopes hold is the runtime's word alone", async () => {
  const scopes = [{ namespaces: ["n"] }, { pods: ["x"] }, { labels: { a: ["b"] } }];
  const held = (container: ContainerResult, labels: Readonly<Record<string, string>> | null = null) =>
    new HeldScopes({ containerOf: async () => container, podLabels: async () => labels }).in(CGROUP, scopes);
  const { first } = NARROW;
  assert.deepEqual(await held(CONTAINER, { a: "b" }), { id: "c", scopes: [first, first + 2], isJudged: true });
  assert.deepEqual(await held(CONTAINER), { id: "c", scopes: [first], isJudged: false });
  assert.deepEqual(await held({ kind: "host" }), { scopes: [], isJudged: true });
  assert.deepEqual((await held({ ...CONTAINER, type: "docker" })).scopes, []);
  const failed = { kind: "failed", why: "silent", reason: "", cgroupLine: "" } as const;
  assert.deepEqual(await held(failed), { scopes: [], isJudged: false });
});

test("the kernel is told of so many cgroups of one container, and forgets what is gone", () => {
  const map = new Map<string, Uint8Array>();
  const key = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
  const layout = {
    structs: { narrow_cgroup: { size: 8, offsets: { generation: 0, scopes: 4 } } },
    enums: {},
  };
  let nowMs = 0;
  const known = new KnownCgroups(
    () => ({
      set: (at, value) => void map.set(key(at as Uint8Array), value as Uint8Array),
      delete: (at) => map.delete(key(at as Uint8Array)),
    }),
    layout as never,
    () => nowMs,
  );
  const held = { scopes: [3], isJudged: true, id: "c" };
  known.tell(1n, held, 7, true);
  for (let i = 2n; i < 40n; i++) known.tell(i, held, 7, false);
  assert.equal(known.size, 16);
  assert.ok(known.noRoom > 0);
  known.tell(100n, { ...held, id: "d" }, 7, false);
  known.tell(101n, { scopes: [], isJudged: false }, 7, false);
  assert.equal(map.size, 18);
  known.keep(new Set([1n]));
  assert.equal(map.size, 18);
  nowMs = 20_000;
  known.keep(new Set([1n]));
  assert.equal(map.size, 17, "one that could not be judged is asked for again");
  nowMs = 700_000;
  known.keep(new Set());
  assert.equal(map.size, 0);
});
