// What stands in the environment: the kernel held against the oracle and against the judge in user space.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { mergeRules, parseConfigFile } from "@cryptnono/agent/detectors/execwhacker/config/index";
import { type CompiledRules, compileRules } from "@cryptnono/agent/detectors/execwhacker/rules";
import { explanationOf } from "@cryptnono/agent/detectors/execwhacker/tools/explain";
import { readRecorded, readTyped } from "@cryptnono/agent/detectors/execwhacker/tools/read-line";
import { fatesBy } from "@cryptnono/agent/detectors/execwhacker/tools/replay";
import type { Rule, Rules } from "@cryptnono/agent/detectors/execwhacker/types";
import { ALL_SCOPES, joinArguments, scopesIn, verdict } from "@cryptnono/matcher";
import { hostileLine, hostileList, longLine, Random } from "../lib/hostile-lines.js";
import { KernelMatcher } from "../lib/kernel-matcher.js";
import { addressesOf, oneLetterOff, randomOf } from "../lib/wallets.js";

const utf8 = (text: string) => new TextEncoder().encode(text);
const WINDOWS = { window: 16_384, overlap: 576 };
const PATH = utf8("/bin/x\0");
const LINE = utf8("x\0");

let kernel: KernelMatcher;
before(() => {
  kernel = new KernelMatcher({ environment: true });
});
after(() => kernel.close());

function install(rules: Rules, matcher = kernel): CompiledRules {
  const compiled = compileRules(rules, 1);
  assert.ok(compiled.list.environment !== null);
  matcher.install(compiled.tables, compiled.list.wallets, compiled.list.environment);
  return compiled;
}

function stringRule(value: string, more: Partial<Rule> = {}): Rule {
  return {
    ...{ value: utf8(value), mode: "word", list: "e", index: 0, action: "enforce", allowSet: 0, environment: true },
    ...more,
  };
}

function walletRule(wallet: string, more: Partial<Rule> = {}): Rule {
  return stringRule("", { wallet, ...more });
}

function rulesOf(strings: readonly Rule[], wallets: readonly Rule[] = [], allow: readonly string[] = []): Rules {
  const patterns = allow.map((source, index) => ({ source, list: "e", index }));
  const allowSets = patterns.length === 0 ? [] : [patterns.map((_, i) => i)];
  return { strings, wallets, allow: patterns, allowSets };
}

/** What both judges say of an environment, as the kernel names it. */
function judge(compiled: CompiledRules, environment: Uint8Array<ArrayBuffer>, scopes = ALL_SCOPES, matcher = kernel) {
  const seen = matcher.judge(PATH, LINE, false, scopes, environment);
  const own = compiled.judgeEnvironment!(environment.subarray(0, -1), { names: [[utf8("/bin/x")]], scopes });
  const here =
    own.kind === "none"
      ? "pass"
      : own.kind === "banned"
        ? own.rule.action === "audit"
          ? "would-kill"
          : "killed"
        : own.allowedBy === "is-substring"
          ? "spared-substring"
          : own.allowedBy === "out-of-scope"
            ? "spared-scope"
            : "spared-pattern";
  const inKernel = matcher.verdictName(seen.verdict);
  if (inKernel !== "pass") assert.equal(seen.matchInPath, matcher.constant("MATCH_IN_ENVIRONMENT"));
  return { inKernel, here, seen, own };
}

const areaOf = (variables: readonly (string | Uint8Array)[]) =>
  Buffer.concat(variables.map((one) => Buffer.concat([Buffer.from(one), Buffer.of(0)])));

test("hostile bytes: the oracle, user space and the kernel agree, whatever the list and its places", () => {
  const seen: Record<string, number> = {};
  const matchers = [kernel, new KernelMatcher({ environment: true, withoutBpfLoop: true })];
  try {
    for (let list = 0; list < 12; list++) {
      const random = new Random(list + 1);
      const matcher = matchers[list % matchers.length]!;
      const hostile = hostileList(random, random.pick([1, 2, 5, 12, 60]));
      const strings = hostile.strings.map((string, index) => ({
        ...stringRule(""),
        ...string,
        index,
        action: string.action ?? "enforce",
        allowSet: 0,
        scope: random.pick([0, 0, 1, 2]),
      }));
      const compiled = install(rulesOf(strings), matcher);
      for (let i = 0; i < 30; i++) {
        const { path, args } = random.oneIn(40)
          ? longLine(random, hostile, random.between(15_000, 40_000), WINDOWS)
          : hostileLine(random, hostile);
        const variables = [path, ...args].map((one, at) =>
          at % 3 === 1 ? Buffer.concat([Buffer.from("NAME="), one]) : Buffer.from(one),
        );
        const environment = areaOf(variables);
        const scopes = scopesIn(random.pick(["containers", "host"] as const));
        const { inKernel, here } = judge(compiled, environment, scopes, matcher);
        const modes = strings.map((string) => ({
          ...string,
          mode: string.mode === "exact-argument" ? ("exact-value" as const) : string.mode,
        }));
        const text = joinArguments(variables);
        const wanted = verdict(modes, { path: new Uint8Array(0), args: [text] }, [], () => false, scopes);
        assert.deepEqual([inKernel, here], [wanted, wanted], `list ${list}, environment ${i}`);
        seen[wanted] = (seen[wanted] ?? 0) + 1;
      }
    }
  } finally {
    matchers[1]!.close();
  }
  for (const kind of ["killed", "would-kill", "spared-scope", "spared-substring", "pass"])
    assert.ok((seen[kind] ?? 0) > 2, JSON.stringify(seen));
});

test("wallets, modes, actions and patterns are those of the line; a variable's whole value is what an argument is", () => {
  const random = randomOf(21);
  const monero = addressesOf(random).find(({ coin }) => coin === "monero")!;
  const verdicts = (rules: Rules) => {
    const compiled = install(rules);
    return [`WALLET=${monero.text}`, `POOL={"user":"${monero.text}.rig"}`, `W=${oneLetterOff(random, monero)}`].map(
      (variable) => {
        const { inKernel, here } = judge(compiled, areaOf(["A=b", variable, "PATH=/bin"]));
        assert.equal(inKernel, here, variable);
        return inKernel;
      },
    );
  };
  assert.deepEqual(verdicts(rulesOf([], [walletRule("monero")])), ["killed", "killed", "pass"]);
  assert.deepEqual(verdicts(rulesOf([], [walletRule("monero", { action: "audit" })])), [
    ...["would-kill", "would-kill", "pass"],
  ]);
  const whole = walletRule("monero", { mode: "exact-argument" });
  assert.deepEqual(verdicts(rulesOf([], [whole])), ["killed", "pass", "pass"]);
  const spared = rulesOf([], [walletRule("monero", { allowSet: 1 })], ["/bin/x$"]);
  assert.deepEqual(verdicts(spared), ["spared-pattern", "spared-pattern", "pass"]);
  const elsewhere = rulesOf([], [walletRule("monero", { allowSet: 1 })], ["/bin/y$"]);
  assert.deepEqual(verdicts(elsewhere), ["killed", "killed", "pass"]);
  // A string without the key is not looked for there, and one with it is found beside a wallet that is only told of.
  const both = rulesOf(
    [stringRule("rig", { index: 0 }), { ...stringRule("WALLET", { index: 1 }), environment: undefined } as never],
    [walletRule("monero", { action: "audit" })],
  );
  assert.deepEqual(verdicts(both), ["would-kill", "killed", "pass"]);
});

test("honest environments: what looks like an address is none, and one that is one is only told of until a pattern spares it", () => {
  const random = randomOf(31);
  const of = (wanted: string) => addressesOf(random).find(({ coin }) => coin === wanted)!.text;
  const list = {
    wallets: ["monero", "bitcoin", "litecoin", "dogecoin"].map((coin) => ({ coin, environment: true })),
    allowedCommandPatterns: ["/opt/(monero|btcpay)/[\\w-]+( [-\\w./:=]+)*$"],
  };
  const rules = mergeRules([parseConfigFile("w.json", utf8(JSON.stringify(list)))], "enforce");
  const compiled = install(rules);
  const verdictOn = (path: string, variables: readonly string[]) => {
    const environment = areaOf(variables);
    const seen = kernel.judge(utf8(`${path}\0`), utf8(`${path}\0`), false, 0, environment);
    const own = compiled.judgeEnvironment!(environment.subarray(0, -1), { names: [[utf8(path)]] });
    const inKernel = kernel.verdictName(seen.verdict);
    assert.equal(own.kind === "none" ? "pass" : own.kind === "spared" ? "spared-pattern" : "would-kill", inKernel);
    return inKernel;
  };
  const alike = [
    `JUPYTERHUB_API_TOKEN=${"4f".repeat(16)}`,
    `IMAGE=quay.io/image@sha256:${"4f".repeat(32)}`,
    `AWS_SESSION_TOKEN=${"IQoJb3JpZ2luX2VjE".repeat(20)}`,
    `SSH_KEY=AAAAC3NzaC1lZDI1NTE5AAAAI${"Hq7".repeat(14)}`,
    `JWT=${"eyJhbGciOiJIUzI1NiJ9".repeat(4)}`,
    `LS_COLORS=rs=0:di=01;34:ln=01;36:${"*.tar=01;31:".repeat(60)}`,
    `COMMIT=${"3b9".repeat(13)}c`,
    "PATH=/opt/conda/bin:/usr/local/bin:/usr/bin:/bin",
  ];
  assert.equal(verdictOn("/opt/conda/bin/python3", alike), "pass");
  const honest: readonly (readonly [string, string])[] = [
    ["/opt/monero/monerod", `START_MINING=no\0REWARD_ADDRESS=${of("monero")}`],
    ["/opt/btcpay/server", `BTCPAY_DONATE=bitcoin:${of("bitcoin")}?amount=0.01`],
    ["/usr/bin/node", `EXPLORER_EXAMPLES=${of("litecoin")},${of("dogecoin")}`],
  ];
  assert.deepEqual(
    honest.map(([path, variables]) => verdictOn(path, [...alike, ...variables.split("\0")])),
    ["spared-pattern", "spared-pattern", "would-kill"],
  );
});

test("two megabytes of ordinary words are searched to the end, and what is longer is counted and kills no one", () => {
  const compiled = install(rulesOf([stringRule("qzqzqzqz")], [walletRule("monero")]));
  const words = (bytes: number) => `W=${"lorem ipsum dolor sit amet, ".repeat(bytes / 28)}`;
  const found = judge(compiled, areaOf([words(2 << 20), "A=qzqzqzqz"]));
  assert.deepEqual([found.inKernel, found.here], ["killed", "killed"]);
  const { verdict: beyond } = kernel.judge(PATH, LINE, false, 0, areaOf([words(24 << 20), "A=qzqzqzqz"]));
  assert.equal(kernel.verdictName(beyond), "pass");
});

test("explain and replay say of random environments what the kernel does", async () => {
  const fates = { killed: "killed", "would-kill": "would-kill" } as Readonly<Record<string, string>>;
  const random = new Random(77);
  for (let list = 0; list < 3; list++) {
    const hostile = hostileList(random, 5);
    const strings = hostile.strings.map((string, index) => ({
      ...{ ...stringRule(""), ...string, index, action: string.action ?? "enforce", allowSet: random.below(2) },
    }));
    const rules = rulesOf(strings, [], ["/bin/y$"]);
    install(rules);
    const fateOf = await fatesBy(rules);
    for (let i = 0; i < 15; i++) {
      const path = random.pick(["/bin/x", "/bin/y"]);
      const variables = [Buffer.from("Z="), ...hostileLine(random, hostile).args.map((one) => Buffer.from(one))];
      const environment = areaOf(variables);
      const { verdict: number } = kernel.judge(utf8(`${path}\0`), utf8("zz\0"), false, 0, environment);
      const inKernel = kernel.verdictName(number);
      const asked = { ...readTyped(utf8(path)), environment: environment.subarray(0, -1) };
      const { explanation } = await explanationOf(rules, asked);
      const said = { passes: "pass", killed: "killed", "would-kill": "would-kill", spared: "spared" }[
        explanation.verdict
      ];
      assert.equal(said, inKernel.replace(/^spared-.*/, "spared"), `list ${list}, environment ${i}`);
      assert.equal(fateOf(asked).fate, fates[inKernel] ?? "lives");
    }
  }
});

test("explain names the variable and nothing else of the environment; a line of the log is judged by its match", async () => {
  const rules = rulesOf(
    [stringRule("zz-pool", { note: "ours" }), stringRule("zz-one", { index: 1, also: [utf8("zz-two")] })],
    [walletRule("monero", { action: "audit" })],
  );
  const ask = (environment: string) =>
    explanationOf(rules, { ...readTyped(utf8("/bin/x")), environment: utf8(environment) });
  const { explanation, sentence } = await ask("SECRET=hush\0POOL=hush zz-pool hush\0X=zz-one");
  assert.equal(sentence, "would be killed: e[0] (word, in the environment's POOL)");
  assert.deepEqual(explanation.log, {
    ...{ cmdline: "/bin/x", matched: "zz-pool", action: "killed", event: "Killed process", level: "info" },
    ...{ killed_by: "kernel", matched_in: "environment", variable: "POOL", rule: "e[0]", mode: "word", note: "ours" },
  });
  assert.deepEqual(
    explanation.strings.map(({ rule, in: where, outcome, occurrences }) => [rule, where, outcome, occurrences]),
    [
      ["e[0]", "environment", "kills", [{ text: "environment", variable: "POOL", counts: true }]],
      ["e[1]", "environment", "incomplete", [{ text: "environment", variable: "X", member: 0, counts: true }]],
    ],
  );
  assert.ok(!JSON.stringify(explanation).includes("hush"));
  const both = await ask("X=zz-one\0Y=zz-two");
  assert.equal(both.sentence, "would be killed: e[1] (word, in the environment's X)");
  const unknown = await explanationOf(rules, readTyped(utf8("/bin/x zz-one")));
  assert.match(unknown.explanation.notes.join(), /--env FILE/);

  const fateOf = await fatesBy(rules);
  const replayed = (line: unknown) => fateOf(readRecorded(utf8(JSON.stringify(line)))!).fate;
  assert.equal(
    replayed({ cmdline: "/bin/x", matched: "zz-pool", matched_in: "environment", action: "killed" }),
    "killed",
  );
  assert.equal(replayed({ cmdline: "/bin/x", matched: "zz-one + zz-two", matched_in: "environment" }), "killed");
  assert.equal(replayed({ cmdline: "/bin/x", matched: "zz-gone", matched_in: "environment" }), "lives");
  assert.equal(replayed({ cmdline: "/bin/x", matched: "zz-pool" }), "lives");
});
