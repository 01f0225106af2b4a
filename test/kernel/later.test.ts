// Lines that take too long to be searched at exec itself: where the kernel can, it looks again on the process's way to user mode,
// and to the end.
import assert from "node:assert/strict";
import { release } from "node:os";
import { after, before, describe, test } from "node:test";
import { rounds } from "@cryptnono/matcher/test/rounds";
import { randomString, TestAgent } from "../lib/agent.js";
import { launch, prog } from "../lib/progs.js";

const [major = 0, minor = 0] = release().split(".").map(Number);
const canLookLater = major > 6 || (major === 6 && minor >= 18);
/** Some 200 KiB are searched for it, and sixteen times that at the second look. */
const MAX_WORK = 200_000;
const AGAIN = rounds(4);
const LONG = Array.from({ length: 20 }, () => "q".repeat(100_000));
/** Shorter than 8 bytes: long lines cost twice as much. */
const short = randomString("s").slice(0, 6);
const banned = randomString();
let agent: TestAgent;

before(async () => {
  agent = await TestAgent.start(
    { bannedCommandStrings: [banned, short], allowedCommandPatterns: [`/bin/true .* ${banned} end$`] },
    ["--max-work", String(MAX_WORK), "--over-long", "kill"],
  );
});
after(() => agent?.stop());

describe("a line of 2 MB where 200 KB may be searched at exec", {
  skip: canLookLater ? false : "needs Linux 6.18",
}, () => {
  test("lives when it holds nothing, and nobody else", async () => {
    const looks = await agent.metric('second_looks_total{state="free"}');
    for (let i = 0; i < AGAIN; i++) {
      const ended = await launch("plain", ["/bin/true", "true", ...LONG]);
      assert.deepEqual([ended.code, ended.signal], [0, null]);
    }
    assert.equal(await agent.metric('second_looks_total{state="free"}'), looks + AGAIN);
    assert.equal(await agent.metric('second_looks_total{state="taken"}'), 0);
  });

  for (const [title, string] of [
    ["a long string", banned],
    ["a short string", short],
  ] as const) {
    test(`dies at ${title} behind all of it, before its first instruction`, async () => {
      for (let i = 0; i < AGAIN; i++) {
        const ended = await launch("plain", [prog("first-instruction"), "v", ...LONG, string]);
        assert.deepEqual([ended.signal, ended.stdout.length], ["SIGKILL", 0], ended.stderr);
        const [line] = await agent.linesOf(ended.pid);
        assert.deepEqual([line?.action, line?.["matched"], line?.["because"]], ["killed", string, undefined]);
        assert.equal(line?.["exe"], prog("first-instruction"));
      }
    });
  }

  test("is spared by a pattern that holds to its end", async () => {
    const ended = await launch("plain", ["/bin/true", "true", ...LONG.slice(0, 2), banned, "end"]);
    assert.equal(ended.signal, null);
    const [line] = await agent.linesOf(ended.pid);
    assert.equal(line?.action, "spared");
  });

  test("many at one time all get their verdict", async () => {
    const ends = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        launch("plain", i % 2 ? [prog("first-instruction"), "v", ...LONG, banned] : ["/bin/true", "true", ...LONG]),
      ),
    );
    const taken = await agent.metric('second_looks_total{state="taken"}');
    for (const [i, { signal, stdout }] of ends.entries()) {
      assert.equal(stdout.length, 0, "it ran");
      if (i % 2) assert.equal(signal, "SIGKILL");
    }
    const honest = ends.filter((_, i) => i % 2 === 0 && ends[i]!.signal !== null).length;
    assert.ok(honest <= taken, `${honest} honest ones died, ${taken} found the state taken`);
  });
});
