import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { ConfigError } from "../../config/index.js";
import { showNetwork } from "./address.js";
import { globFiles, watchedPaths } from "./files.js";
import { placeOf, readLists } from "./lists.js";

const folder = mkdtempSync(join(tmpdir(), "lists-"));
after(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, "mounted/..v1"), { recursive: true });
symlinkSync("..v1", join(folder, "mounted/..data"));
for (const name of ["a.txt", "b.txt", "notes.md"]) {
  writeFileSync(join(folder, "mounted/..v1", name), `# ${name}\n`);
  symlinkSync(`..data/${name}`, join(folder, "mounted", name));
}
writeFileSync(join(folder, "top.txt"), "192.0.2.1\n");

for (const [glob, files] of [
  ["top.txt", ["top.txt"]],
  ["*", ["mounted/a.txt", "mounted/b.txt", "mounted/notes.md", "top.txt"]],
  ["mounted", ["mounted/a.txt", "mounted/b.txt", "mounted/notes.md"]],
  ["mounted/*.txt", ["mounted/a.txt", "mounted/b.txt"]],
  ["*/[!a]*.t?t", ["mounted/b.txt"]],
  ["m*/..data/a.txt", ["mounted/..data/a.txt"]],
  ["none*", []],
  ["none", ["none"]],
] as const) {
  test(`the glob ${glob} names ${files.join(", ") || "nothing"}`, () => {
    assert.deepEqual(
      globFiles([join(folder, glob)]),
      files.map((file) => join(folder, file)),
    );
  });
}

test("what is watched is where a name may come up, too", () => {
  assert.deepEqual(watchedPaths([join(folder, "mounted/*.txt")]), [
    join(folder, "mounted"),
    join(folder, "mounted/a.txt"),
    join(folder, "mounted/b.txt"),
  ]);
});

test("comments, blanks and carriage returns are no entries, and each entry knows its place", () => {
  const file = join(folder, "list");
  writeFileSync(file, "# head\r\n\r\n192.0.2.1 # one\r\n\t2001:db8::/32\n198.51.100.0/24:3333");
  const entries = readLists([file], { setting: "FlowKiller.allowed_networks", networks: [" 10.0.0.0/8 "] });
  const shown = Array.from({ length: entries.length }, (_, i) => entries.at(i)!).map(
    (entry) => `${placeOf(entry)} ${showNetwork(entry)}`,
  );
  assert.deepEqual(shown, [
    `${file}:3 192.0.2.1`,
    `${file}:4 2001:db8::/32`,
    `${file}:5 198.51.100.0/24:3333`,
    "FlowKiller.allowed_networks[0] 10.0.0.0/8",
  ]);
  assert.equal(entries.at(4), null);
});

test("all faults of all files are told, each with its place", () => {
  const file = join(folder, "bad");
  writeFileSync(file, "192.0.2.1\n192.0.2.1:http\n# x\npool.example.org\n");
  assert.throws(
    () =>
      readLists(
        [file, join(folder, "none")],
        { setting: "FlowKiller.allowed_networks", networks: ["10.0.0.0/8:80"] },
        { withoutPorts: true },
      ),
    (error) => {
      assert.ok(error instanceof ConfigError);
      assert.deepEqual(
        error.problems.map(({ file: where, place, got }) => [where.slice(folder.length), place, got]),
        [
          ["/bad", "line 2", "other text"],
          ["/bad", "line 4", "a name"],
          ["/none", "", "no such file"],
          ["", "FlowKiller.allowed_networks[0]", "one with a port"],
        ],
      );
      return true;
    },
  );
});
