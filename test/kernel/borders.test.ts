// Every byte is searched: strings at, before and behind each border that the kernel's part has, in the path, in argv[0] and in
// the arguments, by the test entry and by real execs.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type CompilableString, compileTables, search } from "@cryptnono/matcher";
import { randomString, TestAgent } from "../lib/agent.js";
import { argumentArea } from "../lib/hostile-lines.js";
import { KernelMatcher } from "../lib/kernel-matcher.js";
import { launch, Workshop } from "../lib/progs.js";

const latin1 = (text: string) => Uint8Array.from(Buffer.from(text, "latin1"));
/** PATH_MAX without its NUL. */
const LONGEST_PATH = 4095;
/** The longest that a descriptor's number puts in front of execveat's path. */
const DESCRIPTOR = "/dev/fd/2147483647/";
const WINDOW = 16_384;
const STRIDE = WINDOW - 576;
const STRING_LENGTHS = [1, 2, 4, 5, 7, 8, 9, 15, 63, 64, 65, 511, 512];
const around = (...places: number[]) => places.flatMap((place) => [place - 1, place, place + 1]);

const kernels = [
  ["bpf_loop", new KernelMatcher()],
  ["the loop for kernels before 5.17", new KernelMatcher({ withoutBpfLoop: true })],
] as const;
after(() => {
  for (const [, kernel] of kernels) kernel.close();
});

/** Letters that repeat nowhere in the filling. */
const wanted = (length: number) => "abcdefghij".repeat(52).slice(0, length);

/** Kernel and oracle on one line; the verdict must be the same. */
function compare(kernel: KernelMatcher, strings: readonly CompilableString[], path: string, args: readonly string[]) {
  const line = { path: latin1(path), args: args.map(latin1) };
  const expected = search(strings, line).kind;
  const judged = kernel.judge(latin1(`${path}\0`), argumentArea(line.args));
  const verdict = { killed: "banned", "spared-substring": "is-substring", pass: "none" }[
    kernel.verdictName(judged.verdict)
  ];
  assert.equal(verdict, expected, `path of ${path.length}, arguments of ${args.map(({ length }) => length)}`);
  return expected;
}

for (const [name, kernel] of kernels) {
  describe(name, () => {
    for (const length of STRING_LENGTHS) {
      const string: CompilableString = { value: latin1(wanted(length)), mode: "word" };
      const strings = [string];

      test(`a string of ${length} bytes at the end of paths of all lengths around the borders`, () => {
        kernel.install(compileTables(strings));
        const longest = LONGEST_PATH + DESCRIPTOR.length;
        for (const total of [...around(64, 128, 4079, 4090, LONGEST_PATH), longest - 1, longest]) {
          if (total <= length) continue;
          const path = "/".repeat(total - length) + wanted(length);
          assert.equal(compare(kernel, strings, path, ["x"]), "banned");
          assert.equal(compare(kernel, strings, path, []), "banned");
          compare(kernel, strings, path.slice(0, -1), ["x", "y"]);
        }
      });

      test(`a string of ${length} bytes at the borders of argv[0] and of the windows`, () => {
        kernel.install(compileTables(strings));
        for (const at of around(0, 64, 4096, 8192, STRIDE, WINDOW, 2 * STRIDE, STRIDE + WINDOW, 100_000)) {
          for (const start of [at, at - length].filter((place) => place >= 0)) {
            const front = "-".repeat(start);
            for (const rest of ["", "-", "-".repeat(600), "x", "-".repeat(WINDOW)]) {
              const expected = rest === "x" && length > 0 ? "is-substring" : "banned";
              assert.equal(compare(kernel, strings, "/p", [front + wanted(length) + rest]), expected);
              compare(kernel, strings, "/p", ["y", front + wanted(length) + rest]);
            }
            compare(kernel, strings, "/p", [front, wanted(length)]);
          }
        }
      });
    }

    test("a string that spans the path, or argv[0], and the first argument", () => {
      for (const length of [8, 64, 512]) {
        const text = `${wanted(length / 2)} ${wanted(length - length / 2 - 1)}`;
        const strings: CompilableString[] = [{ value: latin1(text), mode: "word" }];
        kernel.install(compileTables(strings));
        const [left, right] = text.split(" ") as [string, string];
        for (const total of [...around(64, 4079, LONGEST_PATH), LONGEST_PATH + DESCRIPTOR.length]) {
          if (total <= left.length) continue;
          const path = "/".repeat(total - left.length) + left;
          assert.equal(compare(kernel, strings, path, ["x", right]), "banned");
          assert.equal(compare(kernel, strings, path, ["x", `${right}_`]), "is-substring");
          assert.equal(compare(kernel, strings, path, ["x".repeat(WINDOW + 1), right]), "banned");
          compare(kernel, strings, path, [right]);
          compare(kernel, strings, "/p", [path, right, "z"]);
        }
      }
    });
  });
}

describe("a real exec", () => {
  const shop = new Workshop();
  const banned = randomString();
  let agent: TestAgent;
  before(async () => {
    agent = await TestAgent.start({ bannedCommandStrings: [banned] });
    shop.victim(banned);
  });
  after(async () => {
    await agent?.stop();
    shop.remove();
  });

  for (const length of [100, ...around(4080), LONGEST_PATH - 1, LONGEST_PATH]) {
    for (const [how, program] of [
      ["of a relative path", "plain"],
      ["by a directory's descriptor", "execveat-cwd"],
    ] as const) {
      test(`${how} of ${length} bytes that ends in the string`, async () => {
        const dots = "./".repeat(length).slice(0, length - banned.length - 1);
        const path = `${dots.replace(/.$/, "/")}/${banned}`;
        assert.equal(path.length, length);
        const ended = await launch(program, [path, "x"], [], { cwd: shop.directory });
        assert.deepEqual([ended.signal, ended.stdout.toString()], ["SIGKILL", ""], ended.stderr);
        const [line] = await agent.linesOf(ended.pid);
        assert.deepEqual([line?.action, line?.["matched"]], ["killed", banned]);
      });
    }
  }
});
