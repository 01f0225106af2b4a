// Wallets' addresses in the kernel, held against libraries that others keep: hashes, base 58 and bech32.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type CompiledRules, compileRules } from "@cryptnono/agent/detectors/execwhacker/rules";
import { explanationOf } from "@cryptnono/agent/detectors/execwhacker/tools/explain";
import { readTyped } from "@cryptnono/agent/detectors/execwhacker/tools/read-line";
import { fatesBy } from "@cryptnono/agent/detectors/execwhacker/tools/replay";
import type { Rule, Rules } from "@cryptnono/agent/detectors/execwhacker/types";
import { rounds } from "@cryptnono/matcher/test/rounds";
import { seedOfRun } from "@cryptnono/matcher/test/seed";
import { randomString, run, TestAgent } from "../lib/agent.js";
import { KernelMatcher } from "../lib/kernel-matcher.js";
import { type Address, addressesOf, COINS, oneLetterOff, pick, type Random, randomOf } from "../lib/wallets.js";

const NOTHING = new Uint8Array(0);
const utf8 = (text: string) => new TextEncoder().encode(text);

function walletRule(wallet: string, more: Partial<Rule> = {}): Rule {
  return { value: NOTHING, wallet, mode: "word", list: "w", index: 0, action: "enforce", allowSet: 0, ...more };
}

function rulesOf(wallets: readonly Rule[], allow: readonly string[] = []): Rules {
  const patterns = allow.map((source, index) => ({ source, list: "w", index }));
  return { strings: [], wallets, allow: patterns, allowSets: patterns.length === 0 ? [] : [patterns.map((_, i) => i)] };
}

let kernel: KernelMatcher;
before(() => {
  kernel = new KernelMatcher({ wallets: true });
});
after(() => kernel.close());

interface Line {
  readonly path: string;
  readonly args: readonly string[];
}

function judge(compiled: CompiledRules, { path, args }: Line) {
  const area = utf8(args.map((arg) => `${arg}\0`).join(""));
  const seen = kernel.judge(utf8(`${path}\0`), area);
  const inKernel = kernel.verdictName(seen.verdict);
  const own = compiled.judge({ path: utf8(path), args: args.map(utf8) });
  const here =
    own.kind === "none"
      ? "pass"
      : own.kind === "spared"
        ? "spared-pattern"
        : own.rule.action === "audit"
          ? "would-kill"
          : "killed";
  return { seen, inKernel, here };
}

function install(rules: Rules): CompiledRules {
  const compiled = compileRules(rules, 1);
  kernel.install(compiled.tables, compiled.list.wallets);
  return compiled;
}

/** Words as command lines have them; some are runs as long as an address, or nearly. */
function randomLine(random: Random, address: string): Line {
  const alphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  const word = (length: number) => Array.from({ length }, () => pick(random, [...alphabet])).join("");
  const words = Array.from({ length: 1 + random(12) }, () => {
    const kind = random(6);
    if (kind === 0) return `--${word(1 + random(12))}=${word(random(40))}`;
    if (kind === 1) return word(90 + random(20));
    if (kind === 2) return `/${word(3 + random(8))}/${word(3 + random(30))}.${word(3)}`;
    if (kind === 3) return "é".repeat(random(20));
    return word(random(30));
  });
  const before = pick(random, ["", "-u", "--user=", "solo:", "/", '{"user":"', "x-", "_"]);
  const behind = pick(random, ["", ".rig", "+5000", "/w", '"}', " ", "_", "é"]);
  words.splice(random(words.length + 1), 0, before === "-u" ? address : `${before}${address}${behind}`);
  return { path: "/usr/bin/env", args: ["env", ...words] };
}

const ADDRESSES = rounds(250);

test(`${ADDRESSES} addresses, and as many with one letter off, in random lines: no wrong verdict`, (t) => {
  const seed = seedOfRun();
  t.diagnostic(`TEST_SEED=${seed}`);
  const random = randomOf(seed);
  const rules = install(rulesOf(COINS.map((coin) => walletRule(coin))));
  const wrong: string[] = [];
  for (let i = 0; i < ADDRESSES; i++) {
    const address: Address = pick(random, addressesOf(random));
    const valid = judge(rules, randomLine(random, address.text));
    if (valid.inKernel !== "killed" || valid.here !== "killed") wrong.push(`${address.coin} ${address.text}`);
    else if (valid.seen.stringId !== COINS.indexOf(address.coin) && !address.shares)
      wrong.push(`${address.text} is ${COINS[valid.seen.stringId]}`);
    const off = oneLetterOff(random, address);
    const broken = judge(rules, randomLine(random, off));
    if (broken.inKernel !== "pass" || broken.here !== "pass") wrong.push(`off: ${address.coin} ${off}`);
  }
  assert.deepEqual(wrong, []);
});

test("addresses that the coins' own sources have are found", () => {
  const rules = install(rulesOf(COINS.map((coin) => walletRule(coin))));
  for (const [coin, address] of OWN) {
    const { inKernel, here, seen } = judge(rules, { path: "/bin/true", args: ["true", address] });
    assert.deepEqual([inKernel, here, COINS[seen.stringId]], ["killed", "killed", coin], address);
  }
});

/** Of funds and gifts: src/cryptonote_config.h of each. */
const OWN = [
  ["zephyr", "ZEPHYR2jZrZXenfKejCcCmEkRzUYwXjgWfJF4yzdCznKQ8yQ3g3PsWUbZjzfzHbeTPMgXVmEuDKQUB9rPkgtVwyWRh9knU4EpfJ57"],
  ["nerva", "NV1aMtARDQjK8j7XeoQ66S7XQe5ZS8CX92XqXmJxSZMpSDf2i11NQyqgHzghmRsDHR1LwYv3bEnE3VoqqbmyRdrR2MMBfdXvY"],
  ["salvium", "SaLvdZR6w1A21sf2Wh6jYEh1wzY4GSbT7RX6FjyPsnLsffWLrzFQeXUXJcmBLRWDzZC2YXeYe5t7qKsnrg9FpmxmEcxPHsEYfqA"],
] as const;

test("an address that lies across two windows of the arguments is found, and one in a longer run is not", () => {
  const random = randomOf(7);
  const rules = install(rulesOf([walletRule("monero"), walletRule("bitcoin")]));
  const [monero, bitcoin] = ["monero", "bitcoin"].map(
    (coin) => addressesOf(random).find((address) => address.coin === coin)!.text,
  );
  for (const address of [monero!, bitcoin!]) {
    for (const at of [16_384, 16_384 - 576, 16_384 + 8, 32_192]) {
      for (const shift of [0, 1, 7, 40, address.length - 1, address.length]) {
        const line = {
          path: "/bin/true",
          args: ["true", `${"x y".repeat(60_000 / 3).slice(0, at - 5 - shift)} `, address],
        };
        assert.equal(judge(rules, line).inKernel, "killed", `${at} ${shift}`);
      }
    }
    for (const wrapped of [`a${address}`, `${address}0`, `${address}${address}`]) {
      const { inKernel, here } = judge(rules, { path: "/bin/true", args: ["true", wrapped] });
      assert.deepEqual([inKernel, here], ["pass", "pass"], wrapped);
    }
    // The window's last bytes, and the area's.
    for (let padding = 0; padding < 9; padding++) {
      const { inKernel } = judge(rules, { path: "/bin/true", args: [`${"-".repeat(padding)}${address}`] });
      assert.equal(inKernel, "killed");
    }
  }
});

test("mode, action and patterns are those of strings", () => {
  const random = randomOf(8);
  const address = addressesOf(random).find(({ coin }) => coin === "monero")!.text;
  const whole = { path: "/bin/echo", args: ["echo", address] };
  const part = { path: "/bin/echo", args: ["echo", `-u=${address}`] };
  const verdicts = (rules: Rules) => {
    const compiled = install(rules);
    return [whole, part].map((line) => {
      const { inKernel, here } = judge(compiled, line);
      assert.equal(inKernel, here);
      return inKernel;
    });
  };
  assert.deepEqual(verdicts(rulesOf([walletRule("monero")])), ["killed", "killed"]);
  assert.deepEqual(verdicts(rulesOf([walletRule("monero", { action: "audit" })])), ["would-kill", "would-kill"]);
  assert.deepEqual(verdicts(rulesOf([walletRule("monero", { mode: "exact-argument" })])), ["killed", "pass"]);
  assert.deepEqual(verdicts(rulesOf([walletRule("bitcoin")])), ["pass", "pass"]);
  const spared = rulesOf([walletRule("monero", { allowSet: 1 })], ["/bin/echo \\w+$"]);
  assert.deepEqual(verdicts(spared), ["spared-pattern", "killed"]);
  // An audit rule first does not hide one that kills.
  const both = rulesOf([walletRule("monero", { action: "audit" }), walletRule("monero", { index: 1 })]);
  assert.deepEqual(verdicts(both), ["killed", "killed"]);
});

test("a line built of runs that are no addresses goes the way of lines that are too long", () => {
  const random = randomOf(9);
  const rules = install(rulesOf([walletRule("monero")]));
  const off = oneLetterOff(random, addressesOf(random).find(({ coin }) => coin === "monero")!);
  const line = { path: "/bin/true", args: ["true", ...Array.from({ length: 3000 }, () => off)] };
  const { seen, inKernel } = judge(rules, line);
  assert.equal(inKernel, "killed");
  assert.notEqual(seen.flags & kernel.constant("EVENT_OVER_LONG"), 0);
});

test("the older loop finds the same", () => {
  const random = randomOf(10);
  const older = new KernelMatcher({ wallets: true, withoutBpfLoop: true });
  try {
    const rules = rulesOf(COINS.map((coin) => walletRule(coin)));
    const { tables, list } = compileRules(rules, 1);
    older.install(tables, list.wallets);
    for (const { text, coin } of addressesOf(random)) {
      const seen = older.judge(utf8("/bin/true\0"), utf8(`true\0${text}\0`));
      assert.equal(older.verdictName(seen.verdict), "killed", coin);
    }
  } finally {
    older.close();
  }
});

test("an agent kills and audits at exec, and its lines have the wallet; a reload takes the rules away", async () => {
  const random = randomOf(Date.now() & 0xffff);
  const all = addressesOf(random);
  const of = (coin: string) => all.find((address) => address.coin === coin)!;
  const agent = await TestAgent.start({
    bannedCommandStrings: [randomString()],
    wallets: [{ coin: "monero", action: "enforce", note: "ours" }, "bitcoin"],
    allowedCommandPatterns: ["/bin/echo explorer \\w+$"],
  });
  try {
    await agent.untilReady();
    const killed = await run("/bin/echo", [`--user=${of("monero").text}.rig`]);
    assert.equal(killed.signal, "SIGKILL");
    const lived = await run("/bin/echo", [of("bitcoin").text]);
    assert.equal(lived.stdout.toString(), `${of("bitcoin").text}\n`);
    const spared = await run("/bin/echo", ["explorer", of("monero").text]);
    assert.equal(spared.code, 0);
    const off = await run("/bin/echo", [oneLetterOff(random, of("monero"))]);
    assert.equal(off.code, 0);
    const other = await run("/bin/echo", [of("wownero").text]);
    assert.equal(other.code, 0);
    await agent.settle();
    const [line] = agent.actions("killed", killed.pid);
    assert.equal(line!["wallet"], of("monero").text);
    assert.equal(line!["matched"], of("monero").text.toLowerCase());
    assert.equal(line!["coin"], "monero");
    assert.match(String(line!["rule"]), /\.wallets\[0\]$/);
    assert.equal(line!["note"], "ours");
    assert.equal(line!["killed_by"], "kernel");
    const [would] = agent.actions("would-kill", lived.pid);
    assert.deepEqual([would!["wallet"], would!["coin"]], [of("bitcoin").text, "bitcoin"]);
    assert.match(String(agent.actions("spared", spared.pid)[0]!["allowedby"]), /^allowed-pattern:/);
    for (const { pid } of [off, other]) assert.equal(agent.lines.filter((said) => said.pid === pid).length, 0);

    agent.write({ bannedCommandStrings: [randomString()] });
    await agent.waitFor(() => agent.events("Config reloaded").length > 0, "the reload");
    const freed = await run("/bin/echo", [of("monero").text]);
    assert.equal(freed.code, 0);
  } finally {
    await agent.stop();
  }
});

test("what runs already is found by the scan", async () => {
  const random = randomOf(4711);
  const { text } = addressesOf(random).find(({ coin }) => coin === "monero")!;
  const sleeper = run("/bin/sh", ["-c", "sleep 100 > /dev/null 2>&1; :", text]);
  const agent = await TestAgent.start(
    {
      bannedCommandStrings: [],
      wallets: [{ coin: "monero", action: "enforce" }],
    },
    ["--scan-existing", "1"],
  );
  try {
    const ended = await sleeper;
    assert.equal(ended.signal, "SIGKILL");
    await agent.waitFor(() => agent.actions("killed", ended.pid).length === 1, "the kill's line");
    const [line] = agent.actions("killed", ended.pid);
    assert.deepEqual([line!["wallet"], line!["source"]], [text, "psutil.process_iter"]);
  } finally {
    await agent.stop();
  }
});

test("what looks like an address is none, and honest lines with an address are only told of until a pattern spares them", () => {
  const random = randomOf(11);
  const [monero, bitcoin] = ["monero", "bitcoin"].map(
    (coin) => addressesOf(random).find((address) => address.coin === coin)!.text,
  );
  const alike = [
    `docker run image@sha256:${"4f".repeat(32)}`,
    `git checkout ${"3b9".repeat(13)}c`,
    `ssh-keygen -y AAAAC3NzaC1lZDI1NTE5AAAAI${"Hq7".repeat(14)}`,
    `curl -H Authorization:Bearer ${"eyJhbGciOiJIUzI1NiJ9".repeat(4)}`,
    "kubectl get pod jupyter-5c9b7f6d8d-x2x4z -o json",
    `aws s3 cp s3://bucket/${"1A".repeat(17)} .`,
    `python -c print('${"4".repeat(95)}')`,
  ];
  const honest = [
    `/usr/bin/monero-wallet-cli --generate-from-view-key w --address ${monero}`,
    `/usr/bin/curl https://explorer.example/address/${bitcoin}`,
    `/usr/bin/less /home/ada/thesis/${monero}.tex`,
  ];
  const audited = COINS.map((coin) => walletRule(coin, { action: "audit", allowSet: 1 }));
  const patterns = ["/usr/bin/(monero-wallet-cli|curl|less)( [-\\w./:]+)+$"];
  const verdictsOf = (rules: CompiledRules, lines: readonly string[]) =>
    lines.map((line) => {
      const args = line.split(" ");
      const { inKernel, here } = judge(rules, {
        path: args[0]!.startsWith("/") ? args[0]! : `/usr/bin/${args[0]}`,
        args,
      });
      assert.equal(inKernel, here, line);
      return inKernel;
    });
  const told = install(rulesOf(audited.map((rule) => ({ ...rule, allowSet: 0 }))));
  assert.deepEqual(new Set(verdictsOf(told, alike)), new Set(["pass"]));
  assert.deepEqual(new Set(verdictsOf(told, honest)), new Set(["would-kill"]));
  assert.deepEqual(new Set(verdictsOf(install(rulesOf(audited, patterns)), honest)), new Set(["spared-pattern"]));
});

test("explain and replay say what the kernel does", async () => {
  const random = randomOf(12);
  const { text } = addressesOf(random).find(({ coin }) => coin === "monero")!;
  const rules = rulesOf([walletRule("monero", { note: "ours" })]);
  const killed = readTyped(utf8(`/bin/x -u ${text}.rig`));
  const { explanation, sentence } = await explanationOf(rules, killed);
  assert.equal(sentence, "would be killed: w.wallets[0] (a wallet of monero, word)");
  assert.equal(explanation.verdict, "killed");
  const { wallet, coin, rule, matched } = explanation.log as Record<string, string>;
  assert.deepEqual([wallet, coin, rule, matched], [text, "monero", "w.wallets[0]", text.toLowerCase()]);
  const passes = readTyped(utf8(`/bin/x -u ${text}x`));
  assert.equal((await explanationOf(rules, passes)).explanation.verdict, "passes");
  const fateOf = await fatesBy(rules);
  assert.deepEqual(fateOf(killed), {
    fate: "killed",
    strings: new Map([[`word ${text.toLowerCase()}`, "w.wallets[0]"]]),
    patterns: new Map(),
  });
  assert.equal(fateOf(passes).fate, "lives");
});
