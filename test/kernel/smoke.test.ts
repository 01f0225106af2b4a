import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { randomString, run, TestAgent } from "../lib/agent.js";

const banned = randomString();
const quoted = randomString();
const both = [randomString(), randomString()] as const;
let agent: TestAgent;

before(async () => {
  agent = await TestAgent.start({
    bannedCommandStrings: [banned, `-- '${quoted} and`, { allOf: both, note: "both" }],
    allowedCommandPatterns: [`/bin/echo 'allowed ${banned}'`],
  });
});
after(() => agent.stop());

test("a process with a banned string dies before it prints, and the log says why", async () => {
  const ended = await run("/bin/echo", [`hello ${banned}`]);
  assert.equal(ended.signal, "SIGKILL");
  assert.equal(ended.stdout.length, 0);
  await agent.waitFor(() => agent.actions("killed", ended.pid).length === 1, "the kill's line");
  const [line] = agent.actions("killed", ended.pid);
  assert.equal(line!.cmdline, `/bin/echo 'hello ${banned}'`);
  assert.equal(line!["matched"], banned);
  assert.equal(line!["source"], "execwhacker.bpf");
});

test("a process that an allow pattern matches runs unharmed", async () => {
  const ended = await run("/bin/echo", [`allowed ${banned}`]);
  assert.equal(ended.stdout.toString(), `allowed ${banned}\n`);
  await agent.waitFor(() => agent.actions("spared", ended.pid).length === 1, "the spare's line");
});

test("a process with the string inside a longer word is spared as is-substring", async () => {
  const ended = await run("/bin/echo", [`x${banned}`]);
  assert.equal(ended.stdout.toString(), `x${banned}\n`);
  await agent.waitFor(() => agent.actions("spared", ended.pid).length === 1, "the spare's line");
  assert.equal(agent.actions("spared", ended.pid)[0]!["allowedby"], "is-substring");
});

test("a string with the quotes that the log shows is found in the quoted line", async () => {
  const ended = await run("/bin/echo", ["--", `${quoted} and more`]);
  assert.equal(ended.signal, "SIGKILL");
  assert.equal(ended.stdout.length, 0);
  await agent.waitFor(() => agent.actions("killed", ended.pid).length === 1, "the kill's line");
});

test("of a rule of two strings one by itself is no matter; with both the process dies, and the log has both places", async () => {
  for (const one of both) assert.equal((await run("/bin/echo", [one, "x"])).stdout.toString(), `${one} x\n`);
  const ended = await run("/bin/echo", ["x", both[1], `--y=${both[0]}`]);
  assert.equal(ended.signal, "SIGKILL");
  assert.equal(ended.stdout.length, 0);
  await agent.waitFor(() => agent.actions("killed", ended.pid).length === 1, "the kill's line");
  const line = agent.actions("killed", ended.pid)[0]!;
  const second = "/bin/echo x ".length;
  const first = second + both[1].length + " --y=".length;
  assert.deepEqual(
    [line["matched"], line["note"], line["match_offset"], line["match_offsets"]],
    [both.join(" + "), "both", first, [first, second]],
  );
});

test("a process that has but the words of such a string runs unharmed", async () => {
  const ended = await run("/bin/echo", ["--", quoted, "and more"]);
  assert.equal(ended.stdout.toString(), `-- ${quoted} and more\n`);
});

test("the agent ends with status 0 on SIGTERM", async () => {
  assert.equal(await agent.stop(), 0);
});
