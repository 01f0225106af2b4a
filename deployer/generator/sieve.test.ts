import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { ListError } from "../errors.js";
import { type SieveSettings, sieve } from "./sieve.js";
import type { Candidate } from "./types.js";

const settings: SieveSettings = { minBytes: 8, shortRules: ["short"], benign: [], keep: {}, drop: {} };

function candidate(value: string, rule = "rule", mode: Candidate["mode"] = "word"): Candidate {
  return { value, mode, source: "a test", rule };
}

function values(candidates: readonly Candidate[], more: Partial<SieveSettings> = {}): string[] {
  return sieve(candidates, { ...settings, ...more }).kept.map(({ value }) => value);
}

describe("the sieve", () => {
  test("folds and trims, and keeps one of two that are then the same", () => {
    assert.deepEqual(values([candidate(" MinerName "), candidate("minername")]), ["minername"]);
  });

  test("drops what is too short, but for rules that may be short, and never keeps four bytes", () => {
    const list = sieve([candidate("sevenby"), candidate("abcdefg", "short"), candidate("abcd", "short")], settings);
    assert.deepEqual(
      list.kept.map(({ value }) => value),
      ["abcdefg"],
    );
    assert.deepEqual(
      list.dropped.map(({ reason }) => reason),
      ["shorter than 5 bytes", "shorter than 8 bytes"],
    );
  });

  test("keeps rules of several strings by all of them, and drops those of which one is banned by itself", () => {
    const several = (value: string, ...also: string[]): Candidate => ({ ...candidate(value), also });
    const benign = [{ text: "run --one --two", place: "corpus:1" }];
    const list = sieve(
      [
        several("--One", "--three"),
        several("--one", "--three"),
        several("--one", "--two"),
        several("--one", "abcd"),
        several("--four", "run bannedword"),
        candidate("bannedword"),
      ],
      { ...settings, benign },
    );
    const texts = (all: readonly Candidate[]) => all.map(({ value, also = [] }) => [value, ...also].join(" + "));
    assert.deepEqual(texts(list.kept), ["--one + --three", "bannedword"]);
    assert.deepEqual(
      list.dropped.map(({ reason }) => reason),
      ["contains bannedword", "hits benign corpus:1", "one of several shorter than 5 bytes"],
    );
  });

  test("holds what counts in containers alone against no line of the host's administrators, and lets it cover no other", () => {
    const inContainers = { ...candidate("load switch on"), scope: "containers" as const };
    const wider = candidate("sbin load switch on");
    const onHost = [{ text: "load switch on", place: "administration:1" }];
    const both = sieve([inContainers, wider], { ...settings, benign: onHost });
    assert.deepEqual(
      both.kept.map(({ value, scope }) => [value, scope]),
      [
        ["load switch on", "containers"],
        ["sbin load switch on", undefined],
      ],
    );
    assert.equal(sieve([candidate("load switch on")], { ...settings, benign: onHost }).kept.length, 0);
    const anywhere = [{ text: "load switch on", place: "look-alikes:1" }];
    assert.equal(sieve([inContainers], { ...settings, benign: anywhere }).kept.length, 0);
  });

  test("does not drop ciphertext, which somebody meant to be banned: it is refused by rule and source", () => {
    const long = candidate(`ENC[AES256_GCM,data:${"A".repeat(600)}]`);
    assert.throws(
      () => sieve([candidate("minername"), long], settings),
      (error) => error instanceof ListError && /\(rule rule, source a test\)$/.test(error.message),
    );
  });

  test("keeps a short string that a rule for short ones makes, though another rule makes it too", () => {
    assert.deepEqual(values([candidate("abcdefg", "archive"), candidate("abcdefg", "short")]), ["abcdefg"]);
  });

  for (const [value, dropped] of [
    ["/etc/ld.so.preload", true],
    ["/proc/sys/vm/nr_hugepages", true],
    ["vm.nr_hugepages=1280", true],
    ["msr allow_writes=on", true],
    ["rm -rf /etc/ld.so.preload", false],
    ["/tmp/kdevtmpfsi", false],
    ["net.pool.example", false],
  ] as const) {
    test(`${value} is ${dropped ? "" : "not "}a host's file or switch by itself`, () => {
      assert.equal(values([candidate(value)]).length, dropped ? 0 : 1);
    });
  }

  test("drops what has fewer than three letters", () => {
    assert.deepEqual(values([candidate("12-34-56.78"), candidate("aaaa-bbbb-aaaa")]), []);
  });

  const BENIGN: readonly (readonly [line: string, string: string, mode: Candidate["mode"], kept: boolean])[] = [
    ["run honest-name now", "honest-name", "word", false],
    ["run HONEST-NAME", "honest-name", "word", false],
    ["run honest-name2", "honest-name", "word", true],
    ["run honest-name2", "honest-name", "anywhere", false],
    ["run 'honest name'", "honest name", "word", false],
    ["run honest name", "honest name", "word", false],
    ["run 'honest'|name-it", "|name-it", "anywhere", false],
  ];
  for (const [line, string, mode, kept] of BENIGN) {
    test(`${JSON.stringify(string)} (${mode}) is ${kept ? "kept beside" : "dropped for"} ${JSON.stringify(line)}`, () => {
      const list = sieve([candidate(string, "short", mode)], {
        ...settings,
        benign: [{ text: line, place: "corpus:7" }],
      });
      assert.equal(list.kept.length, kept ? 1 : 0);
      if (!kept) assert.equal(list.dropped[0]!.reason, "hits benign corpus:7");
    });
  }

  test("keeps what hits a benign line when an override gives the reason", () => {
    const list = sieve([candidate("honest-name")], {
      ...settings,
      benign: [{ text: "honest-name", place: "corpus:1" }],
      keep: { "honest-name": "it is a miner all the same" },
    });
    assert.deepEqual(list.overridden, [
      { ...candidate("honest-name"), because: "it is a miner all the same", hits: 1 },
    ]);
    assert.equal(list.kept.length, 1);
  });

  test("drops by name with the reason", () => {
    assert.equal(
      sieve([candidate("some-name")], { ...settings, drop: { "some-name": "why" } }).dropped[0]!.reason,
      "why",
    );
  });

  const COVERED: readonly (readonly [short: Candidate, long: Candidate, covered: boolean])[] = [
    [candidate("pool.example"), candidate("eu.pool.example"), true],
    [candidate("pool.example"), candidate("eupool.example"), false],
    [candidate("pool.example"), candidate("pool.example2"), false],
    [candidate("pool.example", "rule", "anywhere"), candidate("eupool.example2"), true],
    [candidate("pool.example"), candidate("eu-pool.example", "rule", "anywhere"), false],
    [candidate("pool.example"), candidate("eu-pool.example-1", "rule", "anywhere"), true],
  ];
  for (const [short, long, covered] of COVERED) {
    test(`${short.value} (${short.mode}) ${covered ? "covers" : "does not cover"} ${long.value} (${long.mode})`, () => {
      assert.equal(values([short, long]).includes(long.value), !covered);
    });
  }

  test("a string dropped for a benign line covers nothing", () => {
    const benign = [{ text: "honest-name", place: "corpus:1" }];
    assert.deepEqual(values([candidate("honest-name"), candidate("honest-name-miner")], { benign }), [
      "honest-name-miner",
    ]);
  });

  test("the order of candidates changes nothing", () => {
    const some = fc.array(
      fc.record({
        value: fc.string({ unit: fc.constantFrom("a", "b", "c", "-", "."), minLength: 8, maxLength: 12 }),
        mode: fc.constantFrom("word" as const, "anywhere" as const),
        source: fc.constantFrom("one", "two"),
        rule: fc.constantFrom("x", "y"),
      }),
    );
    fc.assert(
      fc.property(some, fc.infiniteStream(fc.nat()), (candidates, order) => {
        const shuffled = candidates
          .map((value) => ({ value, key: order.next().value as number }))
          .sort((a, b) => a.key - b.key)
          .map(({ value }) => value);
        assert.deepEqual(sieve(shuffled, settings).kept, sieve(candidates, settings).kept);
      }),
    );
  });
});
