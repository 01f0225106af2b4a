// The one law of the house: what is shared knows no detector, and no detector knows another. Read off the imports.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/** The floors of agent/src, from the top down. A folder imports from floors below its own, and from itself. */
const FLOORS: readonly (readonly string[])[] = [
  ["main.ts"],
  ["detectors"],
  ["run"],
  ["config", "sensor", "report", "containers", "kill"],
  ["proc"],
  ["types.ts", "errors.ts", "version.ts"],
];

interface Import {
  readonly from: string;
  readonly to: string;
}

/** Files below `dir`, by their path from the repository's root. */
function filesBelow(dir: string, ending: RegExp): string[] {
  return readdirSync(join(ROOT, dir), { recursive: true, encoding: "utf8" })
    .map((name) => join(dir, name))
    .filter((name) => ending.test(name) && !/(^|\/)(node_modules|dist|fixtures)\//.test(name))
    .toSorted();
}

function importsOf(file: string, pattern: RegExp): Import[] {
  const text = readFileSync(join(ROOT, file), "utf8");
  return [...text.matchAll(pattern)].map(([, name]) => {
    const to = name!.startsWith(".") || file.startsWith("bpf/") ? join(dirname(file), name!) : name!;
    return { from: file, to: to.replace(/\.js$/, ".ts") };
  });
}

const FROM = /(?:\bfrom|\bimport)\s*\(?\s*"([^"]+)"/g;
const INCLUDE = /^\s*#include\s+"([^"]+)"/gm;

const agent = filesBelow("agent/src", /\.ts$/)
  .filter((file) => !file.endsWith(".test.ts"))
  .flatMap((file) => importsOf(file, FROM));

/** The first name of a path below agent/src: a folder, or a file that stands there. */
const roomOf = (file: string) => relative("agent/src", file).split("/")[0]!;
const floorOf = (file: string) => FLOORS.findIndex((rooms) => rooms.includes(roomOf(file)));
const show = ({ from, to }: Import) => `${from} imports ${to}`;

describe("agent", () => {
  const own = agent.filter(({ to }) => to.startsWith("agent/src/"));

  test("each file stands on a floor", () => {
    assert.ok(own.length > 50, "imports are found");
    const rooms = new Set(own.flatMap(({ from, to }) => [roomOf(from), roomOf(to)]));
    assert.deepEqual(
      [...rooms].filter((room) => !FLOORS.flat().includes(room)),
      [],
    );
  });

  test("imports go down, and never to a neighbour", () => {
    const wrong = own.filter(({ from, to }) => roomOf(from) !== roomOf(to) && floorOf(from) >= floorOf(to));
    assert.deepEqual(wrong.map(show), []);
  });

  test("no detector imports another", () => {
    const detectorOf = (file: string) => /^agent\/src\/detectors\/([^/]+)/.exec(file)?.[1];
    const wrong = own.filter(({ from, to }) => {
      const [one, other] = [detectorOf(from), detectorOf(to)];
      return one !== undefined && other !== undefined && one !== other;
    });
    assert.deepEqual(wrong.map(show), []);
  });
});

test("what is shared does not name a detector", () => {
  const detectors = readdirSync(join(ROOT, "agent/src/detectors"));
  assert.ok(detectors.length >= 3);
  const shared = [
    ...filesBelow("agent/src", /\.ts$/),
    ...filesBelow("native/src", /\.(ts|c|h)$/),
    ...filesBelow("bpf/lib", /\.h$/),
  ].filter((file) => !/\.test\.ts$|^agent\/src\/(main\.ts$|detectors\/)/.test(file));
  assert.ok(shared.length > 80, `${shared.length} files`);
  const naming = shared.filter((file) => {
    const text = readFileSync(join(ROOT, file), "utf8").replaceAll(/^\s*(\/\*|\*|\/\/).*/gm, "");
    return detectors.some((name) => text.includes(name));
  });
  assert.deepEqual(naming, []);
});

describe("native", () => {
  const files = filesBelow("native/src", /\.(c|h|ts)$/).filter((file) => !file.endsWith(".test.ts"));

  test("includes no header of a program, and imports neither agent nor matcher", () => {
    const imports = files.flatMap((file) => importsOf(file, file.endsWith(".ts") ? FROM : INCLUDE));
    assert.ok(imports.length > 20, "imports are found");
    const wrong = imports.filter(({ to }) => /(^|\/)bpf\/(?!\w+\.h$)|@cryptnono\//.test(to) && !to.startsWith("node:"));
    assert.deepEqual(wrong.map(show), []);
  });
});

describe("bpf", () => {
  const includes = filesBelow("bpf", /\.[ch]$/).flatMap((file) => importsOf(file, INCLUDE));
  const folderOf = (file: string) => relative("bpf", file).split("/")[0]!;

  test("lib includes nothing but lib, and a program its own folder and lib", () => {
    assert.ok(includes.length > 10, "includes are found");
    const wrong = includes.filter(({ from, to }) => folderOf(to) !== "lib" && folderOf(from) !== folderOf(to));
    assert.deepEqual(wrong.map(show), []);
  });
});
