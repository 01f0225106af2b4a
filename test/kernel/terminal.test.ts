// An interactive shell on a terminal sees a child that was killed, and nothing else: no job is stopped, none goes to the background.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { randomString, TestAgent } from "../lib/agent.js";

const banned = randomString();
let agent: TestAgent;
before(async () => {
  agent = await TestAgent.start({
    bannedCommandStrings: [banned, `it's ${banned}`],
    allowedCommandPatterns: [`/bin/echo .*a.{40}b .*${banned}`],
  });
});
after(() => agent?.stop());

/** What the terminal shows after these lines were typed. */
async function typed(shell: string, lines: readonly string[]): Promise<string> {
  const terminal = spawn("script", ["-qec", shell, "/dev/null"], { stdio: ["pipe", "pipe", "inherit"] });
  let shown = "";
  terminal.stdout.setEncoding("utf8").on("data", (text: string) => {
    shown += text;
  });
  terminal.stdin.end(`${[...lines, "exit"].join("\n")}\n`);
  await once(terminal, "close");
  return shown;
}

for (const shell of ["bash --norc --noediting -i", "dash -i"]) {
  describe(shell, () => {
    const filling = "head -c 100000 /dev/zero | tr '\\0' q";
    for (const [title, command] of [
      ["a banned argument", `/bin/echo ${banned}`],
      ["a line of 400 KB", `x=$(${filling}); /bin/echo $x $x $x $x ${banned}`],
      ["a string with an apostrophe", `/bin/echo "it's" ${banned}`],
      ["a pattern that is large and does not match", `/bin/echo a ${banned}`],
    ] as const) {
      test(title, async () => {
        const shown = await typed(shell, ["PS1=", command, 'echo "status $?"']);
        assert.match(shown, /Killed/);
        assert.match(shown, /^status 137\r?$/m, shown);
        assert.doesNotMatch(shown, /Stopped|suspended/i);
      });
    }

    test("what is spared ends well, in the foreground", async () => {
      const between = "-".repeat(40);
      const shown = await typed(shell, [
        "PS1=",
        `/bin/echo a${between}b ${banned}`,
        'echo "status $?"',
        "jobs; echo none",
      ]);
      assert.match(shown, /^status 0\r?$/m, shown);
      assert.match(shown, /^none\r?$/m);
      assert.doesNotMatch(shown, /Stopped|suspended|Killed/i);
    });
  });
}
