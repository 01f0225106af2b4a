import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { Candidate } from "../types.js";
import { algorithmNames, algorithmOptions } from "./algorithms.js";
import { archives } from "./archives.js";
import { base64Forms, hexForm } from "./encodings.js";
import { poolHosts } from "./hosts.js";
import { distinctiveOptions, miningOptions } from "./options.js";
import { fromFacts } from "./plain.js";
import { soloMiners } from "./solo.js";
import { glued, respelled } from "./variants.js";

const values = (candidates: readonly Candidate[]) => candidates.map(({ value }) => value);
const name = (value: string): Candidate => ({ value, mode: "word", source: "a test", rule: "miner" });
const fact = (
  value: string,
  rarity: "distinctive" | "ordinary" | "never" = "distinctive",
  kind = "option" as const,
) => ({
  kind,
  value,
  rarity,
  source: "a test",
});
const host = (full: string, domain: string, seenAs: "site" | "endpoint" = "endpoint") => ({
  host: full,
  domain,
  seenAs,
  source: "a test",
});

describe("rules", () => {
  test("only distinctive facts stand as they are", () => {
    assert.deepEqual(values(fromFacts([fact("one"), fact("two", "ordinary"), fact("three", "never")], "rule")), [
      "one",
    ]);
  });

  test("a pool's site is banned as a domain, a name under a shared domain by itself", () => {
    const hosts = [
      host("ourpool.example", "ourpool.example", "site"),
      host("eu.ourpool.example", "ourpool.example"),
      host("a.dyndns.example", "dyndns.example"),
      host("quiet.site.example", "site.example"),
      host("weak.example", "weak.example", "site"),
    ];
    assert.deepEqual(values(poolHosts(hosts, ["dyndns.example"], ["weak.example"])), [
      "ourpool.example",
      "a.dyndns.example",
      "quiet.site.example",
    ]);
  });

  test("a name is respelled with every separator, an option is not", () => {
    assert.deepEqual(values(respelled([name("xmr-stak"), name("minerd"), name("--a-b")])), ["xmr_stak", "xmrstak"]);
    assert.deepEqual(values(glued([name("minerd")], ["64"])), ["minerd64"]);
  });

  test("a piece of base64 stands in the base64 of every text with the word in it", () => {
    const word = fc.string({ minLength: 8, maxLength: 24 });
    fc.assert(
      fc.property(word, fc.uint8Array({ maxLength: 9 }), fc.uint8Array({ maxLength: 9 }), (value, before, after) => {
        const text = Buffer.concat([before, Buffer.from(value), after]).toString("base64");
        const pieces = values(base64Forms([name(value)]));
        assert.equal(pieces.length, 3);
        assert.ok(text.includes(pieces[before.length % 3]!), `${text} ${pieces}`);
      }),
    );
  });

  test("a word too short for a piece that chance does not make has none", () => {
    assert.deepEqual(base64Forms([name("xmrig")]), []);
    assert.deepEqual(values(hexForm([name("xmrig")])), ["786d726967"]);
  });

  test("an archive loses its ending, and one with a placeholder is left out", () => {
    assert.deepEqual(values(archives([fact("Miner_v1.2_Lin64.tar.gz"), fact("miner-*-x64.7z")])), ["miner_v1.2_lin64"]);
  });

  test("a distinctive option stands without its dashes", () => {
    const made = distinctiveOptions([fact("--donate-level"), fact("--config", "ordinary")], new Set());
    assert.deepEqual(values(made), ["donate-level"]);
  });

  test("a distinctive option keeps its dashes without a word of mining, and falls when its words are ordinary", () => {
    const made = distinctiveOptions(
      [fact("--cc-use-proxy"), fact("--watchdog-script"), fact("--eth-config"), fact("--dag-epoch-zil")],
      new Set(["watchdog", "script"]),
    );
    assert.deepEqual(values(made), ["--cc-use-proxy", "dag-epoch-zil"]);
  });

  test("miners without a pool are told by pairs of words, none of which stands alone", () => {
    for (const { value, rule, also } of soloMiners()) {
      if (also !== undefined) assert.ok(also.length >= 2, rule);
      else assert.ok(rule === "solo-option" ? /^--\w+-\w/.test(value) : /[ :=]/.test(value), rule);
    }
  });

  const OPTIONS: readonly (readonly [option: string, banned: boolean])[] = [
    ["--ethash-cache-dag", true],
    ["--zil-countdown", true],
    ["--config", false],
    ["--api-port", false],
    ["--pool-timeout", false],
    ["--dag", false],
    ["--scan-time", false],
    ["--enable-dag-limit", false],
    ["--eth-worker-speed", false],
    ["--eth-dag-cache", true],
  ];
  for (const [option, banned] of OPTIONS) {
    test(`${option} is ${banned ? "" : "not "}a miner's option by its words`, () => {
      assert.equal(miningOptions([fact(option, "ordinary")]).length, banned ? 1 : 0);
    });
  }

  test("a long algorithm name stands alone, a short one behind its option, an honest one not at all", () => {
    const facts = [
      fact("cryptonight"),
      fact("kawpow", "ordinary"),
      fact("blake3", "ordinary"),
      fact("x11", "ordinary"),
    ];
    assert.deepEqual(values(algorithmNames(facts, 8)), ["cryptonight"]);
    const options = values(algorithmOptions(facts, ["blake3"]));
    assert.ok(options.includes("--algo kawpow") && options.includes("-a kawpow"));
    assert.ok(!options.some((option) => /blake3|x11/.test(option)));
  });
});
