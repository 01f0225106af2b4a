// An agent that looks at the environment: what dies at exec and by the scan, what its lines tell, and rules that come by a reload.
import assert from "node:assert/strict";
import { test } from "node:test";
import { unpin } from "@cryptnono/agent/sensor/index";
import { randomString, run, TestAgent } from "../lib/agent.js";
import { untilGone } from "../lib/until-gone.js";
import { addressesOf, randomOf } from "../lib/wallets.js";

test("an agent kills by the environment at exec, names the variable, and tells nothing else of it", async () => {
  const random = randomOf(Date.now() & 0xffff);
  const monero = addressesOf(random).find(({ coin }) => coin === "monero")!.text;
  const [banned, spared, onlyLine, secret] = Array.from({ length: 4 }, () => randomString());
  const sleeper = run("/bin/sleep", ["600"], { env: { OLDER: banned } });
  const agent = await TestAgent.start(
    {
      bannedCommandStrings: [
        { value: banned!, environment: true, note: "ours" },
        { value: spared!, environment: true },
        onlyLine!,
      ],
      wallets: [{ coin: "monero", environment: true }],
      allowedCommandPatterns: ["/bin/echo fine$"],
    },
    ["--scan-existing", "1"],
  );
  try {
    await agent.untilReady();
    const env = { BEFORE: secret, MINER_ARGS: `--user ${banned} --pass ${secret}`, AFTER: secret };
    const killed = await run("/bin/echo", ["hello"], { env });
    assert.equal(killed.signal, "SIGKILL");
    const told = await run("/bin/echo", ["hello"], { env: { [`BAD NAME ${secret}`]: `${monero}.rig`, B: secret } });
    const allowed = await run("/bin/echo", ["fine"], { env: { FINE: spared } });
    const other = await run("/bin/echo", ["hello"], { env: { LINE: onlyLine } });
    for (const { code } of [told, allowed, other]) assert.equal(code, 0);
    await agent.settle();
    const [line] = agent.actions("killed", killed.pid);
    const { matched, matched_in, variable, note, killed_by, cmdline } = line as Record<string, string>;
    assert.deepEqual(
      { matched, matched_in, variable, note, killed_by, cmdline },
      {
        ...{ matched: banned, matched_in: "environment", variable: "MINER_ARGS", note: "ours" },
        ...{ killed_by: "kernel", cmdline: "/bin/echo hello" },
      },
    );
    const [would] = agent.actions("would-kill", told.pid);
    assert.deepEqual([would!["wallet"], would!["matched_in"], would!["variable"]], [monero, "environment", undefined]);
    assert.match(String(agent.actions("spared", allowed.pid)[0]!["allowedby"]), /^allowed-pattern:/);
    assert.equal(agent.lines.filter(({ pid }) => pid === other.pid).length, 0);
    assert.equal((await sleeper).signal, "SIGKILL");
    await agent.waitFor(
      () => agent.lines.some((said) => said["source"] === "psutil.process_iter" && said["variable"] === "OLDER"),
      "the scan's line",
    );
    assert.ok(!agent.rawLines.some((raw) => raw.includes(secret!)));
  } finally {
    await agent.stop();
  }
});

test("wallets and the environment that first come by a reload are looked for from then on, with pins too", async () => {
  const random = randomOf(Date.now() & 0xffff);
  const monero = addressesOf(random).find(({ coin }) => coin === "monero")!.text;
  const [line, variable] = [randomString(), randomString()];
  const pinDir = `/sys/fs/bpf/${randomString("test-")}`;
  const agent = await TestAgent.start({ bannedCommandStrings: [line] }, ["--pin-dir", pinDir]);
  try {
    await agent.untilReady();
    const fates = async () => {
      const byLine = await run("/bin/echo", [line]);
      const byWallet = await run("/bin/echo", [monero]);
      const byVariable = await run("/bin/echo", [], { env: { POOL: variable } });
      return [byLine, byWallet, byVariable].map(({ signal }) => signal === "SIGKILL");
    };
    const reload = async (config: Parameters<TestAgent["write"]>[0]) => {
      const reloads = () => agent.events("Config reloaded").length;
      const before = reloads();
      agent.write(config);
      await agent.waitFor(() => reloads() > before, "the reload");
    };
    assert.deepEqual(await fates(), [true, false, false]);
    const wallets = [{ coin: "monero", action: "enforce" }];
    await reload({ bannedCommandStrings: [line], wallets });
    assert.deepEqual(await fates(), [true, true, false]);
    await reload({ bannedCommandStrings: [line, { value: variable, environment: true }], wallets });
    assert.deepEqual(await fates(), [true, true, true]);
    await reload({ bannedCommandStrings: [line] });
    assert.deepEqual(await fates(), [true, false, false]);
    await reload({ bannedCommandStrings: [{ value: variable, environment: true }], wallets });
    assert.deepEqual(await fates(), [false, true, true]);
    // Its kernel part goes on without it, what came later included.
    await agent.stop();
    assert.deepEqual(await fates(), [false, true, true]);
    unpin(pinDir);
    await untilGone(async () => (await fates()).every((isKilled) => !isKilled), "its kernel part");
  } finally {
    await agent.stop();
    unpin(pinDir);
  }
});
