// Ways around a matcher of command lines, one row each: what must die dies before its first instruction and has one line in
// the log; what must live is unharmed.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { rounds } from "@cryptnono/matcher/test/rounds";
import { type LogLine, randomString, TestAgent } from "../lib/agent.js";
import { type Launched, launch, numbersOf, prog, type Word, Workshop } from "../lib/progs.js";

const IS_X86_64 = process.arch === "x64";
const KIB = 1024;
/** The kernel's limit for one argument, its NUL left out (linux MAX_ARG_STRLEN, 32 pages of 4 KiB). */
const MAX_ARGUMENT = 128 * KIB - 1;

const banned = randomString();
const [left, right] = [randomString("l"), randomString("r")];
const spanning = `${left} ${right}`;
const anywhere = randomString("any");
const exact = randomString("exact");
const audited = randomString("audited");
const long = Array.from({ length: 20 }, () => randomString("long"))
  .join("")
  .slice(0, 512);
const escapes = randomString("esc");

const shop = new Workshop();
const ran = prog("first-instruction");
const allowedScript = join(shop.directory, "allowed-script");
const allowed = [
  `/bin/echo 'allowed ${banned}'`,
  `/bin/echo only ${banned}$`,
  `/bin/echo allowed-argv0 ${banned}`,
  `${allowedScript} `,
];
let agent: TestAgent;

before(async () => {
  agent = await TestAgent.start(
    {
      bannedCommandStrings: [
        banned,
        spanning,
        { value: anywhere, mode: "anywhere" },
        { value: exact, mode: "exact-argument" },
        { value: long, mode: "word" },
        escapes,
      ],
      allowedCommandPatterns: allowed,
    },
    [],
    { more: [{ bannedCommandStrings: [audited], mode: "audit" }] },
  );
});
after(async () => {
  await agent?.stop();
  shop.remove();
});

/** Dead of SIGKILL, without a byte, with one line in the log. */
async function assertKilled(ended: Launched, matched: string, pid = ended.child?.pid ?? ended.pid): Promise<LogLine> {
  assert.equal(ended.stdout.length, 0, "it ran");
  if (ended.child === null) assert.equal(ended.signal, "SIGKILL", ended.stderr);
  else assert.equal(ended.child.status & 0x7f, 9, "the child's signal");
  const lines = await agent.linesOf(pid);
  assert.equal(lines.length, 1);
  assert.equal(lines[0]!.action, "killed");
  assert.equal(lines[0]!["matched"], matched.toLowerCase());
  assert.equal(lines[0]!["source"], "execwhacker.bpf");
  return lines[0]!;
}

/** Ended well with its output whole. */
function assertUnharmed(ended: Launched, output: Word): void {
  assert.equal(ended.signal, null);
  assert.equal(ended.code, 0, ended.stderr);
  assert.deepEqual(ended.stdout, Buffer.from(output as string));
}

async function assertSpared(ended: Launched, output: Word, allowedBy: string): Promise<void> {
  assertUnharmed(ended, output);
  const lines = await agent.linesOf(ended.pid);
  assert.deepEqual(
    lines.map(({ action, allowedby }) => [action, allowedby]),
    [["spared", allowedBy]],
  );
}

/** Bytes and text as one word. */
function bytes(...parts: readonly (string | readonly number[])[]): Buffer {
  return Buffer.concat(parts.map((part) => Buffer.from(part as string)));
}

const dashes = (count: number) => "-".repeat(count);

describe("a banned string dies wherever it stands", () => {
  const rows: readonly (readonly [title: string, words: () => readonly Word[], matched?: string])[] = [
    ["as the only argument", () => [ran, "v", banned]],
    ["as the last of 5,000 arguments", () => [ran, "v", ...Array.from({ length: 4998 }, (_, i) => `a${i}`), banned]],
    ["behind 64 KiB of one argument", () => [ran, "v", `${dashes(64 * KIB)}${banned}`]],
    [
      "at the end of the longest argument there is",
      () => [ran, "v", `${dashes(MAX_ARGUMENT - banned.length)}${banned}`],
    ],
    [
      "at the start of the longest argument there is",
      () => [ran, "v", `${banned}${dashes(MAX_ARGUMENT - banned.length)}`],
    ],
    ["in upper case", () => [ran, "v", banned.toUpperCase()]],
    ["in mixed case", () => [ran, "v", banned.replace(/[a-f]/g, (c, i: number) => (i % 2 ? c : c.toUpperCase()))]],
    ["behind a decoy glued to a digit", () => [ran, "v", "--note", `${banned}0`, banned]],
    ["before a decoy glued to a digit", () => [ran, "v", banned, "--note", `x${banned}`]],
    ["in one argument with a decoy", () => [ran, "v", `x${banned},${banned}_,${banned}`]],
    ["behind a thousand decoys", () => [ran, "v", `${banned}0,`.repeat(1000), banned]],
    ["behind the byte 0xff", () => [ran, "v", bytes([0xff], banned)]],
    ["between bytes that are no UTF-8", () => [ran, "v", bytes([0xc3], banned, [0xa9, 0xff])]],
    ["between letters beyond ASCII", () => [ran, "v", `é${banned}é`]],
    ["between control bytes", () => [ran, "v", bytes([0x1b], banned, [0x07])]],
    ["with an empty last argument", () => [ran, "v", banned, ""]],
    ["behind an empty argument", () => [ran, "v", "", banned]],
    ["among nothing but empty arguments", () => [ran, "", "", banned, "", "", ""]],
    ["in argv[0] alone", () => [ran, banned]],
    ["in argv[0] as a path", () => [ran, `/usr/bin/${banned}`]],
    ["in the path with another argv[0]", () => [shop.victim(banned), "sleep", "1"]],
    ["in the path with an empty argv[0]", () => [shop.victim(banned), ""]],
    ["in the path without any argument, argc 0", () => [shop.victim(banned)]],
    ["in a folder's name", () => [shop.victim(`f/${banned}/python`), "python"]],
    ["over two arguments", () => [ran, "v", left, right], spanning],
    ["over argv[0] and argv[1]", () => [ran, left, right], spanning],
    ["over the path and argv[1]", () => [shop.victim(left), "v", right], spanning],
    ["with a space", () => [ran, "v", spanning], spanning],
    ["with a tab for its space", () => [ran, "v", `${left}\t${right}`], spanning],
    ["with a newline for its space", () => [ran, "v", `${left}\n${right}`], spanning],
    ["with a carriage return for its space", () => [ran, "v", `${left}\r${right}`], spanning],
    ["over two arguments, behind 100 KiB", () => [ran, "v", dashes(100 * KIB), left, right], spanning],
    ["over a path of 3,900 bytes and argv[1]", () => [shop.victim(`${folders(3900)}/${left}`), "v", right], spanning],
    ["at the end of a path of 4,000 bytes", () => [shop.victim(`${folders(4000 - 40)}/${banned}`), "v"]],
    ["in an argument behind a path of 4,000 bytes", () => [shop.victim(`${folders(3980)}/v`), "v", banned]],
    ["in the middle of a word, mode anywhere", () => [ran, "v", `x${anywhere}x`], anywhere],
    ["as an argument, mode exact-argument", () => [ran, "v", "a", exact, "b"], exact],
    ["as the last argument, mode exact-argument", () => [ran, "v", exact], exact],
    ["as argv[0], mode exact-argument", () => [ran, exact], exact],
    ["as 512 bytes", () => [ran, "v", long], long],
    ["beside text that an allow pattern spares elsewhere", () => ["/bin/echo", "echo", "evil", `allowed ${banned}`]],
    ["in front of text that an allow pattern spares", () => ["/bin/echo", "echo", banned, `allowed ${banned}`]],
    ["behind the end of what an allow pattern with $ spares", () => ["/bin/echo", "echo", "only", banned, "more"]],
    ["below a path that only ends like an allowed one", () => [shop.victim("bin/echo"), "echo", `allowed ${banned}`]],
    ["under an allowed program's argv[0]", () => [ran, "/bin/echo", "allowed-argv0", banned]],
    ["under an allowed script's argv[0]", () => [ran, allowedScript, banned]],
  ];

  for (const [title, words, matched = banned] of rows) {
    test(title, async () => {
      const line = await assertKilled(await launch("plain", words()), matched);
      assert.equal(line["killed_by"], "kernel");
    });
  }

  test("as a relative path, mode exact-argument", async () => {
    shop.victim(exact);
    await assertKilled(await launch("plain", [exact, "v"], [], { cwd: shop.directory }), exact);
  });

  test("at the last byte of 2 MB", async () => {
    const words = [ran, "v", ...Array.from({ length: 15 }, () => dashes(MAX_ARGUMENT)), `${dashes(99_000)}${banned}`];
    const line = await assertKilled(await launch("plain", words), banned);
    const { total_bytes } = (line["truncated"] as { cmdline: { total_bytes: number } }).cmdline;
    assert.equal(total_bytes, words.reduce((sum, word) => sum + word.length + 1, -1) - "v ".length);
    assert.match(line.cmdline!, new RegExp(`${banned}$`));
  });

  test("at the last byte of 6 MB, the longest command line there is", async () => {
    const words = [ran, "v", ...Array.from({ length: 47 }, () => dashes(MAX_ARGUMENT)), `${dashes(9_000)}${banned}`];
    await assertKilled(await launch("plain", words, ["unlimited-stack"]), banned);
  });
});

describe("a banned string dies however it is executed", () => {
  const victim = shop.victim("victim");
  const rows: readonly (readonly [title: string, program: string, words: () => readonly Word[], skip?: boolean])[] = [
    ["by execveat", "execveat", () => [victim, "v", banned]],
    ["by execveat with the string in the path", "execveat", () => [shop.victim(`at/${banned}`), "v"]],
    ["by a descriptor alone", "fexecve", () => [victim, "v", banned]],
    ["out of a memfd", "memfd", () => [victim, "v", banned]],
    ["by /proc/self/fd", "proc-self-fd", () => [victim, "v", banned]],
    ["by vfork", "vfork", () => [victim, "v", banned]],
    ["by posix_spawn", "spawn", () => [victim, "v", banned]],
    ["by a thread that is not the first", "thread", () => [victim, "v", banned]],
    ["by the 32-bit call", "exec-32", () => [victim, "v", banned], !IS_X86_64],
    ["by the 32-bit call without arguments", "exec-32", () => [shop.victim(`32/${banned}`)], !IS_X86_64],
    ["by the 32-bit call, a 32-bit program", "exec-32", () => [prog("first-instruction-32"), banned], !IS_X86_64],
    ["as a 32-bit program", "plain", () => [prog("first-instruction-32"), "v", banned], !IS_X86_64],
    ["as a user without privileges", "as-nobody", () => [openTo("nobody/victim"), "v", banned]],
    ["as a set-user-id program", "as-nobody", () => [setuid("nobody/setuid"), "v", banned]],
    ["as a script with the string in its path", "plain", () => [script(`s/${banned}`, `#!${ran}\n`), "v"]],
    ["as a script with the string as an argument", "plain", () => [script("s/a", `#!${ran}\n`), "v", banned]],
    ["as the argument that a script's first line gives", "plain", () => [script("s/b", `#!${ran} ${banned}\n`), "v"]],
    [
      "as a script of a script of a script",
      "plain",
      () => [script("s/1", `#!${script("s/2", `#!${script(`s/${banned}-3`, `#!${ran}\n`)}\n`)}\n`), "v"],
    ],
    [
      "as an argument of a script of a script, behind an option",
      "plain",
      () => [script("s/4", `#!${script("s/5", `#!${ran} -o\n`)} -p\n`), "v", "a", banned],
    ],
  ];

  for (const [title, program, words, skip = false] of rows) {
    test(title, { skip: skip && "this machine has no 32-bit x86 calls" }, async () => {
      await assertKilled(await launch(program, words()), banned);
    });
  }

  test("below a root and in pid and mount namespaces of its own, and the log has the node's process id", async () => {
    shop.victim("root/victim");
    const ended = await launch("namespaces", ["/victim", "v", banned], [join(shop.directory, "root")]);
    const line = await assertKilled(ended, banned);
    assert.equal(line.cmdline, `/victim ${banned}`);
  });

  test("as a user: the log says who", async () => {
    const line = await assertKilled(await launch("as-nobody", [openTo("nobody/who"), "v", banned]), banned);
    assert.equal(line["uid"], 65534);
  });

  test("while another thread swaps the argument, the one that the process got is judged", async (t) => {
    const tries = rounds(300);
    const clean = randomString("clean");
    const ended = await launch("swap-argument", ["/bin/echo", "echo", clean, banned], [String(tries)]);
    const { killed, ended: unharmed } = numbersOf(ended.stderr);
    assert.equal(ended.stdout.toString().includes(banned), false);
    assert.equal(killed! + unharmed!, tries);
    assert.equal(ended.stdout.toString(), `${clean}\n`.repeat(unharmed!));
    t.diagnostic(`${killed} killed, ${unharmed} with the clean argument`);
    await agent.settle();
    assert.equal(agent.kills().filter(({ cmdline }) => cmdline === `/bin/echo ${banned}`).length, killed);
  });

  test("written over its own arguments after exec: the scan finds it", async (t) => {
    const late = randomString("late");
    const scanner = await TestAgent.start({ bannedCommandStrings: [late] }, ["--scan-existing", "1"]);
    t.after(() => scanner.stop());
    const child = spawn(prog("rewrite-arguments"), ["x".repeat(64)], { stdio: ["pipe", "pipe", "ignore"] });
    const ended = new Promise((resolve) => child.once("close", (_code, signal) => resolve(signal)));
    let output = "";
    child.stdout.on("data", (text: Buffer) => {
      output += text.toString();
    });
    child.stdin.end(`${late}\0`);
    assert.equal(await ended, "SIGKILL");
    assert.equal(output, "rewritten\n");
    const lines = await scanner.linesOf(child.pid!);
    assert.deepEqual(
      lines.map(({ action, source, matched, killed_by }) => [action, source, matched, killed_by]),
      [["killed", "psutil.process_iter", late, "agent"]],
    );
  });
});

describe("at each place of the windows in which the kernel reads arguments", () => {
  // A window has 16,384 bytes and shares 576 with the next (bpf/execwhacker/execwhacker.h); a string is at most 512 long.
  const edges = [15_808, 16_384, 31_616, 32_192, 111 * 15_808, 111 * 15_808 + 576];
  const areaBytes = (edge: number) => edge + 20_000;

  async function sweep(text: string, edge: number, from = edge - text.length - 3, to = edge + 4) {
    const { stderr } = await launch("sweep", [ran, text], [String(areaBytes(edge)), String(from), String(to)]);
    return { ...numbersOf(stderr), count: to - from, stderr } as {
      killed: number;
      ended: number;
      count: number;
      stderr: string;
    };
  }

  for (const edge of edges) {
    test(`a string around byte ${edge} dies, and one glued to a letter lives`, async () => {
      const plain = await sweep(banned, edge);
      assert.equal(plain.killed, plain.count, plain.stderr);
      for (const glued of [`x${banned}`, `${banned}x`]) {
        const result = await sweep(glued, edge);
        assert.equal(result.ended, result.count, result.stderr);
      }
    });
  }

  for (const edge of edges.slice(0, 2)) {
    test(`a string of 512 bytes around byte ${edge} dies, and one glued to a digit lives`, async () => {
      const plain = await sweep(long, edge);
      assert.equal(plain.killed, plain.count, plain.stderr);
      const glued = await sweep(`${long}0`, edge, edge - long.length - 3, edge - long.length + 4);
      assert.equal(glued.ended, glued.count, glued.stderr);
    });
  }

  test("each of these kills has its line, or is counted as one whose event found no room", async () => {
    await agent.settle();
    const lines = agent.actions("killed").filter(({ source }) => source === "execwhacker.bpf").length;
    const lost = await agent.metric('events_lost_total{kind="kill"}');
    assert.equal(lines + lost, await agent.metric('processes_killed_total{source="execwhacker.bpf"}'));
  });
});

describe("what must live is unharmed", () => {
  const rows: readonly (readonly [
    title: string,
    words: () => readonly Word[],
    output: string,
    allowedBy: string | null,
  ])[] = [
    ["a string glued to a letter before it", () => [ran, "v", `x${banned}`], "ran\n", "is-substring"],
    ["a string glued to a digit behind it", () => [ran, "v", `${banned}0`], "ran\n", "is-substring"],
    ["a string glued to an underscore", () => [ran, "v", `_${banned}_`], "ran\n", "is-substring"],
    ["a string glued in argv[0] alone", () => [ran, `${banned}x`], "ran\n", "is-substring"],
    ["a string glued in the path", () => [shop.victim(`x${banned}`), "v"], "ran\n", "is-substring"],
    ["half a string", () => [ran, "v", banned.slice(0, -1)], "ran\n", null],
    ["a string cut by an argument's end", () => [ran, "v", banned.slice(0, 9), banned.slice(9)], "ran\n", null],
    ["both words with two spaces", () => [ran, "v", `${left}  ${right}`], "ran\n", null],
    ["both words with an empty argument between", () => [ran, "v", left, "", right], "ran\n", null],
    ["both words in the other order", () => [ran, "v", right, left], "ran\n", null],
    ["the words in argv[0] and the path", () => [shop.victim(`p/${left}`), right], "ran\n", null],
    ["an exact argument with more around it", () => [ran, "v", `--x=${exact}`], "ran\n", "is-substring"],
    ["an exact argument with a space behind it", () => [ran, "v", `${exact} `], "ran\n", "is-substring"],
    ["an exact argument as a path's end", () => [shop.victim(`e/${exact}`), "v"], "ran\n", "is-substring"],
    [
      "what an allow pattern spares",
      () => ["/bin/echo", "echo", `allowed ${banned}`],
      `allowed ${banned}\n`,
      `allowed-pattern:${allowed[0]}`,
    ],
    [
      "what an allow pattern spares in capitals",
      () => ["/bin/echo", "echo", `ALLOWED ${banned.toUpperCase()}`],
      `ALLOWED ${banned.toUpperCase()}\n`,
      `allowed-pattern:${allowed[0]}`,
    ],
    [
      "what an allow pattern spares, with more behind it",
      () => ["/bin/echo", "echo", `allowed ${banned}`, "more", banned],
      `allowed ${banned} more ${banned}\n`,
      `allowed-pattern:${allowed[0]}`,
    ],
    [
      "what an allow pattern spares, whatever argv[0] is",
      () => ["/bin/echo", banned, `allowed ${banned}`],
      `allowed ${banned}\n`,
      `allowed-pattern:${allowed[0]}`,
    ],
    [
      "what an allow pattern with $ spares",
      () => ["/bin/echo", "echo", "only", banned],
      `only ${banned}\n`,
      `allowed-pattern:${allowed[1]}`,
    ],
  ];

  for (const [title, words, output, allowedBy] of rows) {
    test(title, async () => {
      const ended = await launch("plain", words());
      if (allowedBy !== null) return assertSpared(ended, output, allowedBy);
      assertUnharmed(ended, output);
      await agent.settle();
      assert.deepEqual(
        agent.lines.filter(({ pid }) => pid === ended.pid),
        [],
      );
    });
  }

  test("a script whose path an allow pattern names", async () => {
    script("allowed-script", `#!${ran} -x\n`);
    const ended = await launch("plain", [allowedScript, "v", banned]);
    await assertSpared(ended, "ran\n", `allowed-pattern:${allowed[3]}`);
    assert.equal(agent.actions("spared", ended.pid)[0]!.cmdline, `${allowedScript} ${banned}`.toLowerCase());
  });

  test("a script of a script whose path an allow pattern names", async () => {
    const interpreter = script("interpreter-script", `#!${ran} -y\n`);
    script("allowed-script", `#!${interpreter} -x\n`);
    const ended = await launch("plain", [allowedScript, "v", banned]);
    await assertSpared(ended, "ran\n", `allowed-pattern:${allowed[3]}`);
  });

  test("a string of a file in audit mode, with a line that says what would have been", async () => {
    const ended = await launch("plain", [ran, "v", audited]);
    assertUnharmed(ended, "ran\n");
    const lines = await agent.linesOf(ended.pid);
    assert.deepEqual(
      lines.map(({ action, matched }) => [action, matched]),
      [["would-kill", audited]],
    );
  });

  test("but a string in audit mode does not cover one that is banned", async () => {
    await assertKilled(await launch("plain", [ran, "v", audited, banned]), banned);
  });
});

describe("nothing in an argument breaks a line or makes it endless", () => {
  // TestAgent parses each line, and holds it to 16 KiB of UTF-8 without a control byte.
  const rows: readonly (readonly [title: string, argument: () => Word, cut: boolean])[] = [
    ["a newline and a forged line", () => `${escapes}\n{"action":"spared","pid":1}\n`, false],
    ["terminal escapes", () => `\u001b[2J\u001b]0;title\u0007\u009b31m ${escapes}\u007f`, false],
    [
      "every byte there is",
      () =>
        bytes(
          Array.from({ length: 255 }, (_, i) => i + 1),
          ` ${escapes}`,
        ),
      false,
    ],
    ["bytes that are no UTF-8", () => bytes([0xff, 0xfe, 0xed, 0xa0, 0x80], escapes, [0xf4, 0x90]), false],
    ["quotes and backslashes", () => `'"\\\\u0000'${escapes}'"`, false],
    ["line separators and direction marks", () => `\u2028\u2029\u202e\u2066${escapes} `, false],
    ["100 KiB of control bytes before the string", () => bytes("\u0001".repeat(100 * KIB), escapes), true],
    ["100 KiB of quotes behind the string", () => `${escapes}${"'".repeat(100 * KIB)}`, true],
    ["100 KiB that is no UTF-8", () => bytes(new Array<number>(100 * KIB).fill(0xff), escapes), true],
  ];

  for (const [title, argument, cut] of rows) {
    test(title, async () => {
      const line = await assertKilled(await launch("plain", [ran, "v", argument()]), escapes);
      const truncated = line["truncated"] as { cmdline?: { total_bytes: number; shown_bytes: number } } | undefined;
      assert.equal(truncated?.cmdline !== undefined, cut);
      if (cut) assert.ok(truncated!.cmdline!.shown_bytes < truncated!.cmdline!.total_bytes);
      assert.ok(line.cmdline!.includes(escapes), "the match is shown");
    });
  }

  test("an argv[0] of 128 KiB", async () => {
    const argv0 = `${"\u001b".repeat(100 * KIB)} ${escapes}`;
    const line = await assertKilled(await launch("plain", [ran, argv0, "b"]), escapes);
    assert.ok((line["truncated"] as { argv0?: unknown }).argv0 !== undefined);
  });

  test("a path with newlines and escapes", async () => {
    const line = await assertKilled(await launch("plain", [shop.victim(`x\n\u001b[1m/${escapes}`), "b"]), escapes);
    assert.equal(line["exe"], join(shop.directory, `x\n\u001b[1m/${escapes}`));
  });

  test("a short name of control bytes", async () => {
    const line = await assertKilled(await launch("plain", [shop.victim("\u001b[31m\n\r\t"), "b", escapes]), escapes);
    assert.equal(line["comm"], "\u001b[31m\n\r\t");
  });

  test("6 MB", async () => {
    const words = [ran, "v", escapes, ...Array.from({ length: 40 }, () => "\n".repeat(MAX_ARGUMENT))];
    await assertKilled(await launch("plain", words, ["unlimited-stack"]), escapes);
  });
});

test("with --mode audit nothing is killed and each line says what would have been", async (t) => {
  const auditor = await TestAgent.start({ bannedCommandStrings: [banned.toUpperCase()] }, ["--mode", "audit"]);
  t.after(() => auditor.stop());
  const victims = await Promise.all(Array.from({ length: 5 }, () => launch("plain", ["/bin/echo", "echo", audited])));
  for (const ended of victims) assertUnharmed(ended, `${audited}\n`);
  // The other agent kills what this one would only name: so a string of its own.
  const own = randomString("own");
  auditor.write({ bannedCommandStrings: [own] });
  auditor.process.kill("SIGHUP");
  await auditor.waitFor(() => auditor.events("Config reloaded").length > 0, "the reload");
  const ended = await launch("plain", ["/bin/echo", "echo", own]);
  assertUnharmed(ended, `${own}\n`);
  const lines = await auditor.linesOf(ended.pid);
  assert.deepEqual(
    lines.map(({ action, matched }) => [action, matched]),
    [["would-kill", own]],
  );
  assert.equal(await auditor.metric('processes_killed_total{source="execwhacker.bpf"}'), 0);
});

test("every process that was killed has one line, and nothing else was killed", async () => {
  await agent.settle();
  const seen = agent.kills().map(({ pid, start_time }) => `${pid} ${start_time}`);
  assert.equal(new Set(seen).size, seen.length);
});

/** Folders of 200 bytes each, so many that the path below the workshop has `length` bytes. */
function folders(length: number): string {
  const wanted = length - shop.directory.length - 1;
  const parts: string[] = [];
  let left = wanted;
  while (left > 200) {
    parts.push("d".repeat(199));
    left -= 200;
  }
  return [...parts, "d".repeat(Math.max(1, left))].join("/");
}

function script(path: string, text: string): string {
  const file = join(shop.directory, path);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, 0o755);
  return file;
}

/** A victim that everyone may execute. */
function openTo(path: string): string {
  const file = shop.victim(path);
  chmodSync(shop.directory, 0o755);
  chmodSync(file, 0o755);
  return file;
}

function setuid(path: string): string {
  const file = openTo(path);
  copyFileSync(ran, file);
  chmodSync(file, 0o4755);
  return file;
}
