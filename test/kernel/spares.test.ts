// An hour as the attacker who knows an allow pattern: ways to be spared by it that do not run what it names.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, copyFileSync, linkSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe, type TestContext, test } from "node:test";
import { unpin } from "@cryptnono/agent/sensor/index";
import { randomString, TestAgent } from "../lib/agent.js";
import { type Launched, launch, packWords, prog, Workshop } from "../lib/progs.js";

const shop = new Workshop();
const banned = randomString();
let agent: TestAgent;
let allowed: string;
let evil: string;

before(async () => {
  allowed = shop.victim("allowed/v");
  evil = shop.victim("elsewhere/v");
  agent = await TestAgent.start({
    bannedCommandStrings: [banned],
    allowedCommandPatterns: [`${allowed} [\\w./:-]+( [\\w./:-]+)*$`],
  });
});
after(async () => {
  await agent?.stop();
  shop.remove();
});

/** The process that was to run: the program's own, or its child. */
const isKilled = ({ signal, child }: Launched) => (child === null ? signal === "SIGKILL" : (child.status & 0x7f) === 9);
const go = (path: string, ...args: (string | Buffer)[]) => launch("plain", [path, "v", ...args]);
const beside = (name: string) => join(dirname(evil), name);

test("what the pattern names runs", async () => assert.equal(isKilled(await go(allowed, "a", banned)), false));

describe("more behind what the pattern names dies", () => {
  const rows: readonly (readonly [what: string, argument: string | Buffer])[] = [
    ["a tab, which the line shows as a space", "a\tb"],
    ["a line feed", "a\nb"],
    ["a carriage return", "a\rb"],
    ["an apostrophe", "a'b"],
    ["a double quote", 'a"b'],
    ["nothing", ""],
    ["a dollar", "$a"],
    ["a semicolon", "a;b"],
    ["a no-break space", "a\u00a0b"],
    ["a letter beyond ASCII", "é"],
    ["a byte that is no UTF-8", Buffer.of(0x61, 0xff)],
    ["an equals sign, as options have it", "--upload-pack=/tmp/x"],
  ];
  for (const [what, argument] of rows) {
    test(`an argument with ${what}`, async () => {
      assert.equal(isKilled(await go(allowed, argument, banned)), true);
      assert.equal(isKilled(await go(allowed, banned, argument)), true);
    });
  }
});

describe("another program that would pass for the one that is named dies", () => {
  const rows: readonly (readonly [what: string, run: () => Promise<Launched>])[] = [
    [
      "under a hard link",
      () => {
        linkSync(allowed, beside("hard"));
        return go(beside("hard"), banned);
      },
    ],
    ["with the named path as argv[0]", () => launch("plain", [evil, allowed, banned])],
    ["with the named path as its first argument", () => go(evil, allowed, banned)],
    [
      "a script that the named program would run",
      () => {
        writeFileSync(beside("script"), `#!${allowed} x\n`, { mode: 0o755 });
        return go(beside("script"), banned);
      },
    ],
    [
      "an interpreter that is given the named path",
      () => {
        writeFileSync(beside("script-2"), `#!${evil} ${allowed}\n`, { mode: 0o755 });
        return go(beside("script-2"), banned);
      },
    ],
    [
      "the loader with the named program",
      () => go("/proc/self/root/bin/sh", "-c", `exec /lib*/ld-linux-*.so* ${allowed} ${banned}`),
    ],
  ];
  for (const [what, run] of rows) test(what, async () => assert.equal(isKilled(await run()), true));
});

// A pattern is worth what the path that it names is worth: docs/security.md says so of each of these.
describe("whoever decides what a path names decides what its pattern spares", () => {
  test("a folder that differs by case, as patterns are without case", async () => {
    const other = join(dirname(dirname(allowed)), "ALLOWED");
    mkdirSync(other);
    copyFileSync(evil, join(other, "v"));
    chmodSync(join(other, "v"), 0o755);
    assert.equal(isKilled(await go(join(other, "v"), banned)), false);
  });

  test("a root of one's own, which has a file of that name", async () => {
    const root = join(shop.directory, "jail");
    const within = join(root, dirname(allowed));
    mkdirSync(within, { recursive: true });
    copyFileSync(evil, join(within, "v"));
    chmodSync(join(within, "v"), 0o755);
    assert.equal(isKilled(await launch("namespaces", [allowed, "v", banned], [root])), false);
  });
});

test("each of these shows in the pattern's count, those that died do not", async () => {
  const series = 'processes_allowed_by_pattern_total{list="config",index="0"}';
  await agent.waitFor(async () => (await agent.metric(series)) === 3, "the three that were spared", 60_000);
});

/** A child that has told that it is there, and lives until the test's end. */
async function live(t: TestContext, file: string, args: readonly string[], input?: Uint8Array): Promise<ChildProcess> {
  const child = spawn(file, [...args], { stdio: ["pipe", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  if (input !== undefined) child.stdin.end(input);
  await Promise.race([once(child.stdout, "data"), once(child, "close")]);
  return child;
}

describe("what exec spared", () => {
  /** Not the one that the agent above bans. */
  const word = randomString();
  const script = () => join(dirname(evil), `${randomString("job")}.sh`);
  const startWith = async (t: TestContext, ...patterns: string[]) => {
    const own = await TestAgent.start({ bannedCommandStrings: [word], allowedCommandPatterns: patterns }, [
      ...["--scan-existing", "1"],
    ]);
    t.after(() => own.stop("SIGKILL"));
    return own;
  };

  test("is not what the process executes next: that dies by the scan for what it shows later", async (t) => {
    const job = script();
    writeFileSync(job, `#!/bin/sh\nexec ${prog("rewrite-arguments")} ${"-".repeat(100)}\n`, { mode: 0o755 });
    const own = await startWith(t, `${job} .*`);
    const child = await live(t, job, [word], packWords([word]));
    await own.waitFor(() => child.signalCode === "SIGKILL", "the end of what shows the string", 60_000);
    await own.waitFor(() => own.actions("killed", child.pid).length > 0, "its line", 60_000);
    assert.equal(own.actions("killed", child.pid)[0]!["source"], "psutil.process_iter");
  });

  test("is known of a process though another one forks without end", async (t) => {
    const [honest, forker] = [script(), script()];
    writeFileSync(honest, "#!/bin/sh\necho there\nread line\n", { mode: 0o755 });
    const forks = "i=0; while [ $i -lt 6000 ]; do (:); i=$((i + 1)); done; echo done; read line";
    writeFileSync(forker, `#!/bin/sh\necho there; read line; ${forks}\n`, { mode: 0o755 });
    const pinDir = `/sys/fs/bpf/${randomString("test-")}`;
    t.after(() => unpin(pinDir));
    const configFile = join(shop.directory, "forks.json");
    const config = { bannedCommandStrings: [word], allowedCommandPatterns: [`${honest} .*`, `${forker} .*`] };
    writeFileSync(configFile, JSON.stringify(config));
    const flags = ["--pin-dir", pinDir, "--scan-existing", "1"];
    const first = await TestAgent.start(config, flags, { configFile });
    t.after(() => first.stop("SIGKILL"));
    const spared = await live(t, honest, [word]);
    rmSync(honest); // only its exec knows it
    const flood = await live(t, forker, [word]);
    await first.stop("SIGKILL");
    flood.stdin!.write("\n");
    await once(flood.stdout!, "data");
    // An agent that has not seen it before goes by what the kernel remembers.
    const second = await TestAgent.start(config, flags, { configFile });
    t.after(() => second.stop("SIGKILL"));
    const scans = () => second.metric("scan_duration_seconds_count");
    await second.waitFor(async () => (await scans()) >= 3, "scans", 60_000);
    assert.equal(spared.signalCode, null);
  });
});
