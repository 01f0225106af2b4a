// The agent from start to end: lists that change, agents that die and come back, and starts that fail.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, type TestContext, test } from "node:test";
import { rounds } from "@cryptnono/matcher/test/rounds";
import { type ConfigFile, ROOT, randomString, TestAgent } from "../lib/agent.js";
import { ExecLoops } from "../lib/exec-loops.js";
import { launch, prog } from "../lib/progs.js";
import { untilGone } from "../lib/until-gone.js";

const directory = mkdtempSync(join(tmpdir(), "cryptnono-lifecycle-"));
after(() => rmSync(directory, { recursive: true, force: true }));
const ran = prog("first-instruction");

const KILLED = 'processes_killed_total{source="execwhacker.bpf"}';
/** In a flood: a line for each would keep the agent from all else. */
const FEW_LINES = ["--whole-lines", "16"];
const SWAPS = rounds(10);
/** Each of the ways to be replaced comes once. */
const COMES_BACK = rounds(3);
const KILLS_MEANWHILE = rounds(20);

async function start(
  t: TestContext,
  config: ConfigFile,
  flags: readonly string[] = [],
  options: Parameters<typeof TestAgent.start>[2] = {},
): Promise<TestAgent> {
  const agent = await TestAgent.start(config, flags, options);
  t.after(() => agent.stop());
  return agent;
}

async function isKilled(string: string): Promise<boolean> {
  const ended = await launch("plain", [ran, "v", string]);
  assert.equal(ended.stdout.toString(), ended.signal === "SIGKILL" ? "" : "ran\n");
  return ended.signal === "SIGKILL";
}

const reloads = (agent: TestAgent) => agent.events("Config reloaded").length;

/** The BPF programs that `pid` holds open, all of them loaded. */
function programsOf(pid: number): string[] {
  const ids = readdirSync(`/proc/${pid}/fdinfo`).flatMap((fd) => {
    const id = /^prog_id:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, "latin1"))?.[1];
    return id === undefined ? [] : [id];
  });
  const programs = [...new Set(ids)];
  assert.ok(programs.length > 0);
  assert.deepEqual(loaded(programs), programs);
  return programs;
}

/** Which of the programs are loaded. */
function loaded(ids: readonly string[]): string[] {
  const { status, stdout, stderr } = spawnSync(prog("loaded-programs"), ids, { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return stdout.split("\n").slice(0, -1);
}

/** Those of a dead process go within moments, but on a busy machine. */
function untilUnloaded(ids: readonly string[]): Promise<void> {
  return untilGone(() => Promise.resolve(loaded(ids).length === 0), `all programs of ${ids}`);
}

describe("a list that changes", () => {
  test("comes into force on SIGHUP", async (t) => {
    const [before, later] = [randomString(), randomString()];
    const agent = await start(t, { bannedCommandStrings: [before] });
    assert.equal(await isKilled(before), true);
    assert.equal(await isKilled(later), false);
    agent.write({ bannedCommandStrings: [later] });
    agent.process.kill("SIGHUP");
    await agent.waitFor(() => reloads(agent) > 0, "the reload");
    assert.equal(await isKilled(before), false);
    assert.equal(await isKilled(later), true);
  });

  test("may be empty, which readiness and the metrics tell, until there is one", async (t) => {
    const later = randomString();
    const configFile = join(directory, "empty.json");
    writeFileSync(configFile, '{"bannedCommandStrings": null}');
    const agent = await start(t, { bannedCommandStrings: [] }, [], { configFile });
    await agent.untilReady();
    assert.match((await agent.readiness()).text, /nothing is banned/);
    assert.equal(await agent.metric("banned_strings"), 0);
    assert.equal(agent.lines.filter(({ event }) => /nothing is banned/.test(event ?? "")).length, 1);
    agent.write({ bannedCommandStrings: [later] });
    await agent.waitFor(() => reloads(agent) > 0, "the reload");
    assert.equal(await isKilled(later), true);
    assert.doesNotMatch((await agent.readiness()).text, /nothing/);
  });

  test("comes into force when its file is written", async (t) => {
    const [before, later] = [randomString(), randomString()];
    const agent = await start(t, { bannedCommandStrings: [before] });
    agent.write({ bannedCommandStrings: [later] });
    await agent.waitFor(() => reloads(agent) > 0, "the reload");
    assert.equal(await isKilled(before), false);
    assert.equal(await isKilled(later), true);
  });

  test("comes into force when a mounted volume is swapped", async (t) => {
    const [before, later] = [randomString(), randomString()];
    const volume = mkdtempSync(join(directory, "volume-"));
    const put = (version: string, banned: string) => {
      mkdirSync(join(volume, version));
      writeFileSync(join(volume, version, "list.json"), JSON.stringify({ bannedCommandStrings: [banned] }));
      symlinkSync(version, join(volume, "..data_tmp"));
      renameSync(join(volume, "..data_tmp"), join(volume, "..data"));
    };
    put("..2026_01", before);
    symlinkSync("..data/list.json", join(volume, "list.json"));
    const agent = await start(t, { bannedCommandStrings: [] }, [], { configFile: join(volume, "list.json") });
    assert.equal(await isKilled(before), true);
    put("..2026_02", later);
    rmSync(join(volume, "..2026_01"), { recursive: true });
    await agent.waitFor(() => reloads(agent) > 0, "the reload");
    assert.equal(await isKilled(before), false);
    assert.equal(await isKilled(later), true);
  });

  test(`leaves no process unmatched in ${SWAPS} swaps of lists that both hold its string`, async (t) => {
    const banned = randomString();
    const lists = [0, 1].map(() => [...Array.from({ length: 200 }, () => randomString()), banned]);
    const agent = await start(t, { bannedCommandStrings: lists[0]! }, FEW_LINES);
    const loops = new ExecLoops(directory);
    t.after(() => loops.stop());
    await loops.start(2, [ran, "v", banned]);
    for (let i = 1; i <= SWAPS; i++) {
      const before = reloads(agent);
      agent.write({ bannedCommandStrings: lists[i % 2]! });
      agent.process.kill("SIGHUP");
      await agent.waitFor(() => reloads(agent) > before, `reload ${i}`);
    }
    const ends = await loops.stop();
    const killed = ends.reduce((sum, end) => sum + end.killed, 0);
    assert.equal(
      ends.reduce((sum, end) => sum + end.other, 0),
      0,
    );
    assert.ok(killed > 100);
    assert.equal(await agent.metric(KILLED), killed);
    assert.deepEqual(new Set(agent.kills().map(({ matched }) => matched)), new Set([banned]));
    t.diagnostic(`${killed} processes meanwhile`);
  });

  test("is refused when it is bad: the one before stays, and the log names file and place and no string", async (t) => {
    const banned = randomString();
    const secret = randomString("secret");
    const agent = await start(t, { bannedCommandStrings: [banned] });
    await agent.untilReady();
    const rows: readonly (readonly [content: string, place: RegExp])[] = [
      [JSON.stringify({ bannedCommandStrings: [secret, ""] }), /bannedCommandStrings\[1\]/],
      [JSON.stringify({ bannedCommandStrings: [secret, `${secret}2`, "  "] }), /bannedCommandStrings\[2\]/],
      [`{"bannedCommandStrings": ["${secret}"`, /line 1 column/],
      [`\n${JSON.stringify({ bannedCommandString: [secret] })}`, /line 2 column/],
      [
        JSON.stringify({ bannedCommandStrings: [secret], allowedCommandPatterns: [`(${secret}`] }),
        /allowedCommandPatterns\[0\]/,
      ],
      ["", /an empty file/],
    ];
    for (const [content, place] of rows) {
      const before = agent.lines.length;
      writeFileSync(agent.configFile, content);
      agent.process.kill("SIGHUP");
      // The file that was written before is read twice, for its signal and for its change.
      const said = () => agent.lines.slice(before).find(({ error }) => place.test(String(error)));
      await agent.waitFor(() => said() !== undefined, `a line about ${place}`);
      const line = said()!;
      assert.equal(line.event, "Config refused, the one before stays in force");
      assert.ok(String(line["error"]).includes(agent.configFile));
      assert.ok(!agent.rawLines.some((raw) => raw.includes(secret)));
      const { status, text } = await agent.readiness();
      assert.equal(status, 503);
      assert.ok(!text.includes(secret));
      assert.equal(await isKilled(banned), true);
      await agent.settle();
    }
    assert.equal((await agent.metric('config_reloads_total{result="refused"}')) >= rows.length, true);
    agent.write({ bannedCommandStrings: [banned] });
    await agent.untilReady();
  });
});

describe("an agent that dies", () => {
  test("without pins leaves nothing in the kernel", async (t) => {
    const banned = randomString();
    const agent = await start(t, { bannedCommandStrings: [banned] });
    assert.equal(await isKilled(banned), true);
    const programs = programsOf(agent.process.pid!);
    await agent.stop("SIGKILL");
    assert.equal(await isKilled(banned), false);
    await untilUnloaded(programs);
  });

  test("by SIGTERM leaves nothing in the kernel either, and writes what it knew", async (t) => {
    const banned = randomString();
    const agent = await start(t, { bannedCommandStrings: [banned] });
    const programs = programsOf(agent.process.pid!);
    const ended = await launch("vfork", [ran, "v", banned]);
    assert.equal(await agent.stop(), 0);
    assert.equal(agent.actions("killed", ended.child!.pid).length, 1);
    assert.equal(await isKilled(banned), false);
    await untilUnloaded(programs);
  });

  test("with pins guards on; the next one tells what was killed meanwhile, and unpin ends it", async (t) => {
    const banned = randomString();
    const pinDir = pins(t);
    const config = { bannedCommandStrings: [banned] };
    const first = await start(t, config, ["--pin-dir", pinDir]);
    const programs = programsOf(first.process.pid!);
    await first.stop("SIGKILL");
    const dead: number[] = [];
    for (let i = 0; i < KILLS_MEANWHILE; i++) {
      const ended = await launch("plain", [ran, "v", banned]);
      assert.equal(ended.signal, "SIGKILL");
      assert.equal(ended.stdout.length, 0);
      dead.push(ended.pid);
    }
    const second = await start(t, config, ["--pin-dir", pinDir]);
    await second.waitFor(() => second.kills().length >= KILLS_MEANWHILE, "the lines of the kills meanwhile");
    assert.deepEqual(
      second.kills().map(({ pid }) => pid),
      dead,
    );
    for (const line of second.kills()) {
      assert.equal(line["matched"], banned);
      assert.equal(line.cmdline, `${ran} ${banned}`.toLowerCase());
    }
    assert.equal(await second.metric(KILLED), KILLS_MEANWHILE);
    await untilUnloaded(programs);
    assert.equal(await isKilled(banned), true);
    const ownPrograms = programsOf(second.process.pid!);
    assert.equal(await second.stop(), 0);
    assert.equal(await isKilled(banned), true, "SIGTERM leaves the pins as well");
    const { status } = cryptnono(["unpin", "--pin-dir", pinDir]);
    assert.equal(status, 0);
    assert.equal(existsSync(pinDir), false);
    await untilUnloaded(ownPrograms);
    assert.equal(await isKilled(banned), false);
  });

  test("and comes back, killed, ended or replaced while it runs, lets no counter fall", async (t) => {
    const banned = randomString();
    const pinDir = pins(t);
    const config = { bannedCommandStrings: [banned] };
    let agent = await start(t, config, ["--pin-dir", pinDir]);
    let expected = 0;
    for (let i = 0; i < COMES_BACK; i++) {
      for (let kill = 0; kill < 4; kill++) assert.equal(await isKilled(banned), true);
      expected += 4;
      assert.equal(await agent.metric(KILLED), expected, `agent ${i}`);
      if (i % 2 === 0) {
        await agent.stop(i === 0 ? "SIGKILL" : "SIGTERM");
        assert.equal(await isKilled(banned), true, "while nobody is there");
        expected += 1;
        agent = await start(t, config, ["--pin-dir", pinDir]);
      } else {
        const next = await start(t, config, ["--pin-dir", pinDir]);
        await agent.stop();
        agent = next;
      }
      assert.equal(await agent.metric(KILLED), expected, `after ${i + 1} restarts`);
    }
  });

  test("together with all its children in one instant leaves no one stopped and nothing that it should not", async (t) => {
    const banned = randomString();
    const pinDir = pins(t);
    const clean = randomString();
    for (const flags of [[], ["--pin-dir", pinDir]]) {
      const agent = await start(t, { bannedCommandStrings: [banned] }, flags, { detached: true });
      const programs = programsOf(agent.process.pid!);
      const loops = new ExecLoops(directory);
      t.after(() => loops.stop());
      await loops.start(2, [ran, "v", clean]);
      const ended = new Promise((resolve) => agent.process.once("close", resolve));
      process.kill(-agent.process.pid!, "SIGKILL");
      await ended;
      const goesOn = flags.length > 0;
      assert.equal(await isKilled(banned), goesOn);
      assert.equal(await isKilled(clean), false);
      const ends = await loops.stop();
      assert.deepEqual(
        ends.map((end) => end.killed),
        [0, 0],
      );
      if (!goesOn) await untilUnloaded(programs);
    }
  });

  test("takes over from an earlier version's pins: that one's sensor judges no more", async (t) => {
    const banned = randomString();
    const pinDir = pins(t);
    mkdirSync(`${pinDir}/sensor-1-1-1`, { recursive: true });
    const agent = await start(t, { bannedCommandStrings: [banned] }, ["--pin-dir", pinDir]);
    assert.deepEqual(readdirSync(pinDir), ["execwhacker"]);
    assert.equal(readdirSync(`${pinDir}/execwhacker`).length, 1);
    assert.equal(await isKilled(banned), true);
    await agent.stop();
  });

  test("and comes back, killed, ended or replaced while it runs, leaves no process unguarded", async (t) => {
    const banned = randomString();
    const pinDir = pins(t);
    const config = { bannedCommandStrings: [banned] };
    let agent = await start(t, config, [...FEW_LINES, "--pin-dir", pinDir]);
    const loops = new ExecLoops(directory);
    t.after(() => loops.stop());
    await loops.start(2, [ran, "v", banned]);
    for (let i = 0; i < COMES_BACK; i++) {
      if (i % 3 === 2) {
        // An upgrade: the next one begins while this one still runs.
        const next = await start(t, config, [...FEW_LINES, "--pin-dir", pinDir]);
        await agent.stop();
        agent = next;
      } else {
        await agent.stop(i % 3 === 0 ? "SIGKILL" : "SIGTERM");
        agent = await start(t, config, [...FEW_LINES, "--pin-dir", pinDir]);
      }
    }
    const ends = await loops.stop();
    assert.equal(
      ends.reduce((sum, { other }) => sum + other, 0),
      0,
    );
    assert.ok(ends.every(({ killed }) => killed > 100));
    const killed = ends.reduce((sum, end) => sum + end.killed, 0);
    // Some twice: while one agent takes over from another, both parts judge.
    assert.ok((await agent.metric(KILLED)) >= killed);
    t.diagnostic(`${killed} processes, all killed`);
  });
});

describe("two agents with one pin directory", () => {
  test("the older one says at once that it was retired, and by whom, and is not ready", async (t) => {
    const banned = randomString();
    const pinDir = pins(t);
    const older = await start(t, { bannedCommandStrings: [banned] }, ["--pin-dir", pinDir]);
    await older.untilReady();
    const newer = await start(t, { bannedCommandStrings: [banned] }, ["--pin-dir", pinDir]);
    const { status, text } = await older.readiness();
    assert.equal(status, 503);
    assert.match(text, new RegExp(`retired: process ${newer.process.pid} guards instead`));
    const said = () => older.lines.filter(({ event }) => String(event).startsWith("Retired"));
    await older.waitFor(() => said().length > 0, "the line about it");
    assert.deepEqual(
      said().map((line) => line["by_pid"]),
      [newer.process.pid],
    );
    assert.equal(await older.metric("ready"), 0);
    await newer.untilReady();
    const ended = await launch("plain", [ran, "v", banned]);
    await newer.waitFor(() => newer.kills().length > 0, "the kill's line");
    assert.deepEqual([ended.signal, newer.kills().length, older.kills().length], ["SIGKILL", 1, 0]);
    await older.stop();
    assert.equal(await isKilled(banned), true, "its end takes nothing away");
  });
});

test("three hundred SIGHUPs leave one reload pending beside the one under way", async (t) => {
  const agent = await start(t, { bannedCommandStrings: Array.from({ length: 5000 }, () => randomString()) });
  await agent.untilReady();
  const before = reloads(agent);
  const begunMs = performance.now();
  for (let i = 0; i < 300; i++) agent.process.kill("SIGHUP");
  const sendingMs = performance.now() - begunMs;
  const later = randomString();
  agent.write({ bannedCommandStrings: [later] });
  agent.process.kill("SIGHUP");
  await agent.waitFor(() => isKilled(later), "the last list");
  await agent.settle();
  // While signals are sent one reload follows the other, and none takes less than 5 ms. Then those of the signals (one under way,
  // one pending), of the last signal, and of the watched file.
  const most = 5 + sendingMs / 5;
  assert.ok(reloads(agent) - before <= most, `${reloads(agent) - before} reloads, ${most} at most`);
});

describe("flags of earlier versions", () => {
  test("that named hold are accepted, and say once what they mean now", async (t) => {
    const banned = randomString();
    const agent = await start(t, { bannedCommandStrings: [banned] }, [
      ...["--unreadable", "hold", "--over-long", "hold", "--agent-away", "let-go"],
      ...["--max-scan-bytes", "20000"],
    ]);
    assert.deepEqual(agent.stderr.trimEnd().split("\n"), [
      "cryptnono: --unreadable hold has no meaning any more: no process is stopped, kill is used",
      "cryptnono: --over-long hold has no meaning any more: no process is stopped, kill is used",
      "cryptnono: --agent-away has no meaning any more: no process waits for the agent",
    ]);
    const ended = await launch("plain", [ran, "v", "-".repeat(60_000)]);
    assert.deepEqual([ended.signal, ended.stdout.length], ["SIGKILL", 0]);
  });
});

describe("the scan", () => {
  test("at start kills what was started before, and tells of it once", async (t) => {
    const banned = randomString();
    const child = spawn("/bin/sleep", ["60"], { argv0: banned, stdio: "ignore" });
    const ended = new Promise((resolve) => child.once("close", (_code, signal) => resolve(signal)));
    const agent = await start(t, { bannedCommandStrings: [banned] }, ["--scan-existing", "1"]);
    assert.equal(await ended, "SIGKILL");
    const lines = await agent.linesOf(child.pid!);
    assert.deepEqual(
      lines.map(({ action, source, matched, argv0 }) => [action, source, matched, argv0]),
      [["killed", "psutil.process_iter", banned, banned]],
    );
  });

  test("tells of a spared process once, however often it looks", async (t) => {
    const banned = randomString();
    const before = spawn("/bin/sleep", ["60"], { argv0: `${banned}x`, stdio: "ignore" });
    t.after(() => before.kill("SIGKILL"));
    const agent = await start(t, { bannedCommandStrings: [banned] }, ["--scan-existing", "1"]);
    const atExec = spawn("/bin/sleep", ["60"], { argv0: `x${banned}`, stdio: "ignore" });
    t.after(() => atExec.kill("SIGKILL"));
    await agent.waitFor(async () => (await agent.metric("scan_duration_seconds_count")) >= 4, "four scans");
    assert.deepEqual(
      agent.actions("spared", before.pid).map(({ source, allowedby }) => [source, allowedby]),
      [["psutil.process_iter", "is-substring"]],
    );
    assert.deepEqual(
      agent.actions("spared", atExec.pid).map(({ source }) => source),
      ["execwhacker.bpf"],
    );
  });

  test("does not kill the agent, whatever stands in its command line", async (t) => {
    const banned = randomString();
    const named = mkdtempSync(join(directory, "named-"));
    const configFile = join(named, `${banned}.json`);
    writeFileSync(configFile, JSON.stringify({ bannedCommandStrings: [banned] }));
    const agent = await start(t, { bannedCommandStrings: [] }, ["--scan-existing", "1"], { configFile });
    await agent.waitFor(async () => (await agent.metric("scan_duration_seconds_count")) >= 3, "three scans");
    assert.deepEqual(agent.kills(), []);
  });
});

describe("a start that fails says what to do, and leaves nothing attached", () => {
  const secret = randomString("secret");
  const file = (name: string, content: string) => {
    const path = join(directory, name);
    writeFileSync(path, content);
    return path;
  };
  const pipe = join(directory, "pipe");
  spawnSync("mkfifo", [pipe]);
  const good = file("good.json", JSON.stringify({ bannedCommandStrings: [secret] }));
  const rows: readonly (readonly [
    title: string,
    args: readonly string[],
    messages: RegExp | readonly RegExp[],
    wrapper?: readonly string[],
  ])[] = [
    ["no config", [], /^cryptnono: start execwhacker: no config\n {2}\S/],
    [
      "configs of which none can be read, all of them at once",
      [
        "/nowhere/x.json",
        directory,
        pipe,
        file("broken.json", `{"bannedCommandStrings": ["${secret}",}`),
        file("enc.json", '{"bannedCommandStrings": ["ok", "ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]"]}'),
        file("empty-string.json", JSON.stringify({ bannedCommandStrings: [secret, ""] })),
        file("blank.json", JSON.stringify({ bannedCommandStrings: [" \t"] })),
        file("long.json", JSON.stringify({ bannedCommandStrings: ["x".repeat(513)] })),
        file("pattern.json", JSON.stringify({ bannedCommandStrings: [secret], allowedCommandPatterns: ["a("] })),
      ].flatMap((config) => ["--config", config]),
      [
        /\/nowhere\/x\.json: .*no such file\n +hint: \S/,
        new RegExp(`${directory}: .*a directory\n +hint: \\S`),
        /pipe: expected a readable file, got a pipe\n +hint: \S/,
        /broken\.json.*line 1 column/,
        /enc\.json: bannedCommandStrings\[1\]: expected a decrypted value.*\n +hint/,
        /empty-string\.json: bannedCommandStrings\[1\]/,
        /blank\.json: bannedCommandStrings\[0\]/,
        /long\.json: bannedCommandStrings\[0\].*512/,
        /pattern\.json: allowedCommandPatterns\[0\]/,
      ],
    ],
    ["an unknown mode", ["--config", good, "--mode", "kill"], /--mode/],
    [
      "a pin directory that is no BPF file system",
      ["--config", good, "--pin-dir", join(directory, "pins")],
      /pin to .*pins: .*\n {2}.*mount -t bpf/,
    ],
    [
      "a pin directory where nothing can be made",
      ["--config", good, "--pin-dir", "/proc"],
      /pin to \/proc: .*not on a BPF file system\n {2}.*mount -t bpf/,
    ],
    [
      "no BTF",
      ["--config", good],
      /BTF.*\n {2}\S/s,
      ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /sys/kernel/btf && exec "$0" "$@"'],
    ],
    [
      "no privileges",
      ["--config", good],
      /Operation not permitted.*\n {2}.*capabilities BPF and PERFMON/s,
      ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"],
    ],
    [
      "another user",
      ["--config", good],
      /not permitted|permission denied/,
      ["setpriv", "--reuid", "65534", "--clear-groups"],
    ],
    [
      "a pid namespace of its own",
      ["--config", good],
      /pid namespace.*\n {2}.*hostPID/s,
      ["unshare", "--pid", "--fork", "--mount-proc"],
    ],
  ];

  for (const [title, args, messages, wrapper = []] of rows) {
    test(title, () => {
      const { status, stdout, stderr } = cryptnono(
        ["execwhacker", "--scope-pid", String(process.pid), ...args],
        wrapper,
      );
      for (const message of [messages].flat()) assert.match(stderr, message);
      assert.equal(status, 1);
      assert.equal(stdout, "");
      assert.doesNotMatch(stderr, /^ +at /m, "a stack is not for people");
      assert.ok(!stderr.includes(secret), "a banned string is secret");
    });
  }

  test("a port that is taken", async (t) => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, () => resolve()));
    t.after(() => server.close());
    const address = server.address();
    const port = typeof address === "object" && address !== null ? String(address.port) : "";
    const { status, stderr } = cryptnono(["execwhacker", "--config", good, "--serve-metrics-port", port]);
    assert.equal(status, 1);
    assert.match(stderr, new RegExp(`${port}.*in use`));
  });

  test("leaves no pins", () => {
    assert.equal(existsSync(join(directory, "pins")) && readdirSync(join(directory, "pins")).length > 0, false);
  });
});

/** A pin directory that is empty at the test's end. */
function pins(t: TestContext): string {
  const pinDir = `/sys/fs/bpf/${randomString("test-")}`;
  t.after(() => cryptnono(["unpin", "--pin-dir", pinDir]));
  return pinDir;
}

/** Run the command to its end, below `wrapper`. */
function cryptnono(args: readonly string[], wrapper: readonly string[] = []) {
  const [file, ...rest] = [...wrapper, join(ROOT, "bin/cryptnono"), ...args];
  return spawnSync(file!, rest, { encoding: "utf8", timeout: 120_000, killSignal: "SIGKILL" });
}
