// What allow patterns and strings see of the path is the file that runs, however it is spelled.
import assert from "node:assert/strict";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { randomString, TestAgent } from "../lib/agent.js";
import { type Launched, launch, numbersOf, Workshop } from "../lib/progs.js";

const shop = new Workshop();
const banned = randomString();
const name = randomString("tool");
const flag = randomString("flag");
const allowed = join(shop.directory, "allowed");
const elsewhere = join(shop.directory, "elsewhere");
let agent: TestAgent;

before(async () => {
  shop.victim("allowed/v");
  shop.victim("elsewhere/v");
  for (const folder of ["mine", "hers", "his"]) shop.victim(`elsewhere/${folder}/${name}`);
  mkdirSync(join(allowed, "folder"));
  symlinkSync("../elsewhere/v", join(allowed, "link-out"));
  symlinkSync(join(allowed, "v"), join(elsewhere, "link-in"));
  symlinkSync(allowed, join(elsewhere, "folder-link"));
  agent = await TestAgent.start({
    bannedCommandStrings: [banned, `mine/${name}`, `hers/${name} --${flag}`, `his/${name} '${flag}`],
    allowedCommandPatterns: [`${allowed}/.* ${banned}$`],
  });
});
after(async () => {
  await agent?.stop();
  shop.remove();
});

interface Row {
  readonly title: string;
  readonly path: string;
  readonly cwd?: string;
  readonly program?: string;
}

const run = ({ path, cwd = "/", program = "plain" }: Row, ...args: string[]): Promise<Launched> =>
  launch(program, [path, "v", ...args], [], { cwd });

describe("a pattern for a folder spares what runs from there", () => {
  const rows: Row[] = [
    { title: "by its own path", path: `${allowed}/v` },
    { title: "with a component that is nothing", path: `${allowed}//v` },
    { title: "with a component that stays", path: `${allowed}/./v` },
    { title: "with a component that comes back", path: `${allowed}/folder/../v` },
    { title: "from elsewhere and back", path: `${elsewhere}/../allowed/v` },
    { title: "relative, from inside", path: "./v", cwd: allowed },
    { title: "relative, without a slash", path: "v", cwd: allowed },
    { title: "relative, from elsewhere", path: "../allowed/v", cwd: elsewhere },
    { title: "by a link that points there", path: `${elsewhere}/link-in` },
    { title: "by a link to the folder", path: `${elsewhere}/folder-link/v` },
    { title: "by /proc/self/cwd", path: "/proc/self/cwd/v", cwd: allowed },
    { title: "by /proc/self/root", path: `/proc/self/root${allowed}/v` },
    { title: "by a descriptor", path: `${allowed}/v`, program: "fexecve" },
    { title: "by a descriptor's path", path: `${allowed}/v`, program: "proc-self-fd" },
    { title: "by a folder's descriptor", path: "v", cwd: allowed, program: "execveat-cwd" },
    { title: "by a link that the folder's owner put there", path: `${allowed}/link-out` },
  ];
  for (const row of rows) {
    test(row.title, async () => {
      const ended = await run(row, banned);
      assert.equal(ended.signal, null, ended.stderr);
      assert.equal(ended.stdout.toString(), "ran\n");
      assert.deepEqual(
        (await agent.linesOf(ended.pid)).map(({ action }) => action),
        ["spared"],
      );
    });
  }
});

describe("and nothing that only looks like it", () => {
  const rows: Row[] = [
    { title: "out of the folder again", path: `${allowed}/../elsewhere/v` },
    { title: "out of a folder in it", path: `${allowed}/folder/../../elsewhere/v` },
    { title: "with doubled slashes", path: `${allowed}//..//elsewhere/v` },
    { title: "with components that stay", path: `${allowed}/./../elsewhere/v` },
    { title: "relative, from inside", path: "../elsewhere/v", cwd: allowed },
    { title: "by /proc/self/cwd", path: "/proc/self/cwd/../elsewhere/v", cwd: allowed },
    { title: "by a descriptor", path: `${elsewhere}/v`, program: "fexecve" },
    { title: "by a descriptor's path", path: `${elsewhere}/v`, program: "proc-self-fd" },
    { title: "by a folder's descriptor", path: "../elsewhere/v", cwd: allowed, program: "execveat-cwd" },
    { title: "from memory", path: `${allowed}/v`, program: "memfd" },
  ];
  for (const row of rows) {
    test(row.title, async () => {
      const ended = await run(row, banned);
      assert.deepEqual([ended.signal, ended.stdout.length], ["SIGKILL", 0], ended.stderr);
      assert.deepEqual(
        (await agent.linesOf(ended.pid)).map(({ action, matched }) => [action, matched]),
        [["killed", banned]],
      );
    });
  }
});

test("a link that changes between look and run: what runs is what is judged", async (t) => {
  const ended = await launch("swap-link", [`${allowed}/v`, `${elsewhere}/v`, `${elsewhere}/swapped`, banned], ["300"]);
  const { ran, killed, wrong } = numbersOf(ended.stderr);
  t.diagnostic(ended.stderr.trim());
  assert.equal(ran! + killed!, 300);
  assert.equal(wrong, 0, "the program elsewhere ran");
  assert.ok(ran! > 0 && killed! > 0, "both were met");
});

describe("a string of a path is found in the file's own path where the given one is not plain", () => {
  const rows: Row[] = [
    { title: "as it is", path: `${elsewhere}/mine/${name}` },
    { title: "with a component that stays", path: `${elsewhere}/mine/./${name}` },
    { title: "with a doubled slash", path: `${elsewhere}/mine//${name}` },
    { title: "relative, from inside", path: `./${name}`, cwd: `${elsewhere}/mine` },
    { title: "by a descriptor", path: `${elsewhere}/mine/${name}`, program: "fexecve" },
    { title: "by a folder's descriptor", path: name, cwd: `${elsewhere}/mine`, program: "execveat-cwd" },
  ];
  for (const row of rows) {
    test(row.title, async () => {
      const ended = await run(row);
      assert.deepEqual([ended.signal, ended.stdout.length], ["SIGKILL", 0], ended.stderr);
      const [line] = await agent.linesOf(ended.pid);
      assert.deepEqual([line?.action, line?.["matched"]], ["killed", `mine/${name}`]);
      assert.equal(line?.["exe"], `${elsewhere}/mine/${name}`);
    });
  }
});

describe("a string that begins in the path and goes on is found behind the file's own path too", () => {
  const ways: Omit<Row, "title">[] = [
    { path: `./${name}`, cwd: "FOLDER" },
    { path: `FOLDER/./${name}` },
    { path: `FOLDER/${name}`, program: "fexecve" },
    { path: name, cwd: "FOLDER", program: "execveat-cwd" },
  ];
  for (const way of ways) {
    for (const [folder, argument, matched] of [
      ["hers", `--${flag}`, `hers/${name} --${flag}`],
      ["his", `${flag} and more`, `his/${name} '${flag}`],
    ] as const) {
      const within = (text: string) => text.replace("FOLDER", join(elsewhere, folder));
      const row = { ...way, title: "", path: within(way.path), ...(way.cwd ? { cwd: within(way.cwd) } : {}) };
      test(`${way.program ?? way.path.replace(name, "NAME")}, with ${folder === "his" ? "an apostrophe" : "a blank"}`, async () => {
        const ended = await run(row, argument);
        assert.deepEqual([ended.signal, ended.stdout.length], ["SIGKILL", 0], ended.stderr);
        const [line] = await agent.linesOf(ended.pid);
        assert.deepEqual([line?.action, line?.["matched"]], ["killed", matched]);
        assert.equal((await run(row, `x${argument}`)).signal, null);
      });
    }
  }
});
