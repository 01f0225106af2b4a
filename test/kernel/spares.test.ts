// An hour as the attacker who knows an allow pattern: ways to be spared by it that do not run what it names.
import assert from "node:assert/strict";
import { chmodSync, copyFileSync, linkSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { randomString, TestAgent } from "../lib/agent.js";
import { type Launched, launch, Workshop } from "../lib/progs.js";

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
