// A line to the terminal of what was killed: a pty of the process's own container, and nothing else, whatever someone puts there.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, type TestContext, test } from "node:test";
import { caseNumber } from "@cryptnono/agent/report/case-number";
import { terminalLine } from "@cryptnono/agent/report/terminals";
import { processReads } from "@cryptnono/native";
import { ROOT, randomString, TestAgent } from "../lib/agent.js";
import { prog } from "../lib/progs.js";

const DEADLINE_MS = 10_000;
const TEXT = "a line for the terminal";
/** What a runtime does for a container: a devpts of its own, on /dev/pts. */
const OWN_TERMINALS =
  "mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts /dev/pts && mount --bind /dev/pts/ptmx /dev/ptmx";
const SAY = 'echo "pid $$"; read _';

let dir: string;
before(() => {
  dir = mkdtempSync(join(tmpdir(), "cryptnono-terminal-"));
  chmodSync(dir, 0o755);
  copyFileSync(prog("own-terminal"), join(dir, "own-terminal"));
});
after(() => rmSync(dir, { recursive: true, force: true }));

interface Started {
  /** Of the shell whose standard error is looked at. */
  readonly pid: number;
  /** What came to standard output, the terminal's text included. */
  text(): string;
  type(line: string): void;
}

/**
 * A shell in a mount namespace, with such a standard error (test/progs/own-terminal.c).
 *
 * @param mounts - What is mounted before.
 * @param command - What the shell does; it says `pid` and its own.
 */
async function start(
  t: TestContext,
  how: string,
  { mounts = OWN_TERMINALS, command = SAY, as = "" } = {},
): Promise<Started> {
  const inside = `${mounts} && exec ${as} ${join(dir, "own-terminal")} ${how} '${command}'`;
  const child = spawn("unshare", ["-m", "sh", "-c", inside], { stdio: ["pipe", "pipe", "inherit"], detached: true });
  t.after(() => {
    for (const group of pid > 0 ? [child.pid!, pid] : [child.pid!]) {
      try {
        process.kill(-group, "SIGKILL");
      } catch {
        // It has ended.
      }
    }
  });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    text += part;
  });
  let pid = 0;
  await until(
    () => /^pid \d+\r?$/m.test(text) || child.exitCode !== null,
    () => `the process's id in ${JSON.stringify(text)}`,
  );
  pid = Number(/^pid (\d+)\r?$/m.exec(text)?.[1] ?? Number.NaN);
  assert.ok(pid > 0, `${inside}: ${text}`);
  return { pid, text: () => text, type: (line) => void child.stdin.write(`${line}\n`) };
}

async function until(isSo: () => boolean | Promise<boolean>, what: () => string): Promise<void> {
  for (const end = Date.now() + 60_000; !(await isSo()); ) {
    assert.ok(Date.now() < end, `waited for ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** `told`, or the error's code. */
const tell = (pid: number) =>
  processReads.tellTerminal(pid, DEADLINE_MS, Buffer.from(TEXT)).then(
    () => "told",
    (error: unknown) => (error as { code: string }).code,
  );

test("a terminal of the container's own is written to", async (t) => {
  const shown = await start(t, "read");
  assert.equal(await tell(shown.pid), "told");
  await until(() => shown.text().includes(TEXT), shown.text);
});

test("a terminal that its user has stopped is given up at once", async (t) => {
  const { pid } = await start(t, "stopped");
  for (let i = 0; i < 50; i++) assert.equal(await tell(pid), "EAGAIN");
  assert.equal(processReads.lost(), 0);
});

test("a terminal that nobody reads is written to until it is full, and never waited for", async (t) => {
  const { pid } = await start(t, "full");
  const results: string[] = [];
  // What was written may go on to the reader's side a moment later, and make room.
  await until(
    async () => {
      results.push(await tell(pid));
      return results.length >= 20 && results.slice(-20).every((result) => result === "EAGAIN");
    },
    () => results.slice(-20).join(" "),
  );
  assert.deepEqual(
    [...new Set(results)].filter((result) => result !== "told"),
    ["EAGAIN"],
  );
});

describe("what is no terminal of the container's own is not written to:", () => {
  test("a terminal of the node", async (t) => {
    assert.equal(await tell((await start(t, "read", { mounts: "true" })).pid), "ENOTTY");
  });

  test("a terminal of another container", async (t) => {
    const command = `exec unshare -m sh -c "${OWN_TERMINALS}; echo pid \\$\\$; read _"`;
    const shown = await start(t, "read", { command });
    assert.equal(await tell(shown.pid), "ENOTTY");
    assert.ok(!shown.text().includes(TEXT));
  });

  test("the other side of one", async (t) => {
    assert.equal(await tell((await start(t, "other-side")).pid), "ENOTTY");
  });

  test("a FIFO, with a reader or without", async (t) => {
    const fifo = join(dir, "fifo");
    execFileSync("mkfifo", [fifo]);
    assert.equal(await tell((await start(t, fifo)).pid), "ENOTTY");
  });

  test("a file, also one that is mounted over the terminal, before or after it was opened", async (t) => {
    const file = join(dir, "file");
    execFileSync("touch", [file]);
    assert.equal(await tell((await start(t, file)).pid), "ENOTTY");
    const over = `${OWN_TERMINALS} && exec 9<>/dev/ptmx && mount --bind ${file} /dev/pts/0`;
    assert.equal(await tell((await start(t, "/dev/pts/0", { mounts: over })).pid), "ENOTTY");
    const command = `mount --bind ${file} /dev/pts/0; ${SAY}`;
    assert.equal(await tell((await start(t, "read", { command })).pid), "ENOTTY");
    assert.equal(readFileSync(file, "utf8"), "");
  });

  test("one behind a link in the place of /dev/pts", async (t) => {
    const elsewhere =
      "mount -t tmpfs tmpfs /dev && mkdir /dev/x && mount -t devpts -o newinstance,ptmxmode=0666 devpts /dev/x";
    const links = `${elsewhere} && ln -s x /dev/pts && ln -s x/ptmx /dev/ptmx`;
    assert.equal(await tell((await start(t, "read", { mounts: links })).pid), "ENOTTY");
  });

  test("one whose name leads to another one's by now", async (t) => {
    const command = `mount -t tmpfs tmpfs /dev/pts; mkfifo /dev/pts/0; ${SAY}`;
    assert.equal(await tell((await start(t, "read", { command })).pid), "ENOTTY");
    const again = `mount -t devpts -o newinstance,ptmxmode=0666 devpts /dev/pts; ${SAY}`;
    assert.equal(await tell((await start(t, "read", { command: again })).pid), "ENOTTY");
  });

  test("a process that has none, or is gone", async (t) => {
    assert.equal(await tell((await start(t, "read", { command: `exec 9>&2 2>&-; ${SAY}` })).pid), "ENOENT");
    assert.equal(await tell(4_194_303), "ENOENT");
  });
});

test("a user's terminal needs the group tty, and no capability but to look at the process", async (t) => {
  const shown = await start(t, "read", { as: "setpriv --reuid 65534 --regid 65534 --clear-groups" });
  const script = `import { processReads } from ${JSON.stringify(new URL("native/dist/src/index.js", `file://${ROOT}`).href)};
    processReads.tellTerminal(${shown.pid}, ${DEADLINE_MS}, Buffer.from(${JSON.stringify(TEXT)})).then(() => console.log("told"), ({ code }) => console.log(code));`;
  const as = (...groups: string[]) =>
    execFileSync(
      "setpriv",
      [
        "--bounding-set=-all,+sys_ptrace",
        "--inh-caps=-all",
        ...groups,
        process.execPath,
        "--input-type=module",
        "-e",
        script,
      ],
      { encoding: "utf8" },
    ).trim();
  assert.equal(as("--clear-groups"), "EACCES");
  assert.equal(as("--groups", "5"), "told");
  await until(() => shown.text().includes(TEXT), shown.text);
});

describe("an agent that is to tell", () => {
  const banned = randomString();
  let agent: TestAgent;
  before(async () => {
    agent = await TestAgent.start({ bannedCommandStrings: [banned] }, ["--tell-terminal", "--node-name", "node-7"]);
  });
  after(() => agent?.stop());

  test("writes one fixed line, whose case is the log line's", async (t) => {
    const command = `${SAY}; /bin/echo ${"$"}(cat ${join(dir, "word")}); sleep 60`;
    execFileSync("tee", [join(dir, "word")], { input: banned, stdio: ["pipe", "ignore", "inherit"] });
    const shown = await start(t, "read", { command });
    shown.type("");
    await until(() => shown.text().includes("operators: case"), shown.text);
    const line = agent.lines.find(({ action, ppid }) => action === "killed" && ppid === shown.pid)!;
    const number = caseNumber("node-7", line.pid!, line["start_time"] as string);
    assert.ok(shown.text().includes(terminalLine(number).trim()), shown.text());
    assert.ok(!shown.text().includes(banned));
    assert.equal(await told(agent), 1);
  });

  test("counts what it could not tell", async (t) => {
    const command = `${SAY}; /bin/echo ${"$"}(cat ${join(dir, "word")}); sleep 60`;
    const shown = await start(t, "stopped", { command });
    shown.type("");
    await agent.waitFor(async () => (await told(agent, "full")) === 1, "a terminal without room to be counted");
  });
});

async function told(agent: TestAgent, result = "told"): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${agent.metricsPort}/metrics`)).text();
  return Number(new RegExp(`terminal_lines_total\\{result="${result}"\\} (\\d+)`).exec(text)?.[1]);
}
