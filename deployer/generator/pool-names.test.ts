import assert from "node:assert/strict";
import { test } from "node:test";
import { benignLines } from "./benign-lines.js";
import { hosts, words } from "./facts.js";
import { poolNames, problemOf } from "./pool-names.js";
import { poolHosts } from "./rules/hosts.js";
import type { BannedList, Candidate } from "./types.js";

const candidate = (value: string, rule: string): Candidate => ({ value, mode: "word", source: "a test", rule });
const list = (kept: readonly Candidate[], dropped: BannedList["dropped"] = []): BannedList => ({
  kept,
  dropped,
  overridden: [],
});

test("names are the hosts among the strings, those too that another string covers", () => {
  const kept = [
    candidate("pool.example", "pool-domain"),
    candidate("a.shared.example", "pool-host"),
    candidate("miner --a-word", "by-hand"),
    candidate("a-miners-name", "binary"),
    candidate("page.example", "browser-miner-host"),
  ];
  const dropped = [
    { ...candidate("word.test", "pool-domain"), reason: "contains word" },
    { ...candidate("short.test", "pool-domain"), reason: "shorter than 20 bytes" },
    { ...candidate("other words", "by-hand"), reason: "contains word" },
  ];
  assert.deepEqual(poolNames(list(kept, dropped), []).names, ["a.shared.example", "pool.example", "word.test"]);
});

test("a host of the facts is one by whatever rule it is banned", () => {
  const { host } = hosts().find(({ host, domain, seenAs }) => host === domain && seenAs === "site")!;
  assert.deepEqual(poolNames(list([candidate(host, "by-hand")]), []).names, [host]);
});

test("a name below another adds nothing; one that only ends so is its own", () => {
  const kept = ["pool.example", "eu.pool.example", "xpool.example"].map((name) => candidate(name, "pool-host"));
  assert.deepEqual(poolNames(list(kept), []).names, ["pool.example", "xpool.example"]);
});

test("a name above an honest host is dropped, and the reason says where that stands", () => {
  const kept = ["honest.test", "pool.example"].map((name) => candidate(name, "pool-domain"));
  const benign = [{ text: "wget https://Files.Honest.test/a.tgz -O xhonest.test", place: "corpus:3" }];
  assert.deepEqual(poolNames(list(kept), benign), {
    names: ["pool.example"],
    dropped: [{ name: "honest.test", reason: "benign corpus:3 has a host below it" }],
  });
});

for (const [name, problem] of [
  ["pool.example", null],
  ["_x.pool.example", null],
  ["192.0.2.1", "no name of a host"],
  ["pool", "no name of a host"],
  ["pool.example:3333", "no name of a host"],
  ["a.b.c.d.e.f.example", "7 labels, 6 are the most"],
  [`${"a".repeat(64)}.example`, "no name of a host"],
  [`${"a.".repeat(130)}example`, "longer than 253 bytes"],
] as const)
  test(`${name.slice(0, 30)}: ${problem ?? "is taken"}`, () => assert.equal(problemOf(name), problem));

test("of the facts' hosts each is found by a name of the list, and no honest host is", () => {
  const candidates = poolHosts(hosts(), words("shared-domains"), words("weak-hosts"));
  const { names, dropped } = poolNames(list(candidates), benignLines());
  assert.deepEqual(dropped, []);
  const all = new Set(names);
  const isFound = (host: string) => host.split(".").some((_, i, labels) => all.has(labels.slice(i).join(".")));
  const [shared, weak] = [new Set(words("shared-domains")), new Set(words("weak-hosts"))];
  const missed = hosts().filter(({ host }) => !isFound(host));
  // Too short or ordinary as a string, and a name that anybody may have one below.
  assert.deepEqual(
    missed.filter(({ host }) => !weak.has(host) && !shared.has(host)),
    [],
  );
  for (const host of ["pypi.org", "github.com", "registry.npmjs.org", "deb.debian.org", "conda.anaconda.org"])
    assert.ok(!isFound(host), host);
});
