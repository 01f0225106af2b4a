import assert from "node:assert/strict";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { watchConfig } from "./watch.js";

const FAST = { pollMs: 30, settleMs: 20, maxWaitMs: 500 };

/** Runs `act` below a new folder and counts the changes told. */
async function watching(
  names: readonly string[],
  prepare: (folder: string) => void,
  act: (folder: string, changes: (wanted: number) => Promise<void>) => Promise<void>,
  options = FAST,
): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "config-watch-"));
  prepare(folder);
  let count = 0;
  const watch = watchConfig(
    names.map((name) => join(folder, name)),
    () => count++,
    options,
  );
  try {
    await act(folder, async (wanted) => {
      const deadline = performance.now() + 60_000;
      while (count < wanted && performance.now() < deadline) await delay(5);
      assert.equal(count, wanted);
    });
  } finally {
    watch.close();
    rmSync(folder, { recursive: true, force: true });
  }
  // What closed late would show here.
  await delay(3 * (options.pollMs < 100 ? options.pollMs : 30));
  return count;
}

test("a file written in place tells one change", async () => {
  const told = await watching(
    ["a.json"],
    (folder) => writeFileSync(join(folder, "a.json"), "1"),
    async (folder, changes) => {
      writeFileSync(join(folder, "a.json"), "2");
      await changes(1);
    },
  );
  assert.equal(told, 1);
});

test("a file replaced by rename tells one change, also with the same size", async () => {
  await watching(
    ["a.json"],
    (folder) => writeFileSync(join(folder, "a.json"), "1"),
    async (folder, changes) => {
      writeFileSync(join(folder, "new"), "2");
      renameSync(join(folder, "new"), join(folder, "a.json"));
      await changes(1);
    },
  );
});

test("many writes in a row tell one change", async () => {
  await watching(
    ["a.json"],
    (folder) => writeFileSync(join(folder, "a.json"), "1"),
    async (folder, changes) => {
      for (let i = 0; i < 20; i++) {
        appendFileSync(join(folder, "a.json"), "x");
        await delay(2);
      }
      await changes(1);
    },
    { ...FAST, settleMs: 60 },
  );
});

test("a file that never settles is told after the longest wait", async () => {
  await watching(
    ["a.json"],
    (folder) => writeFileSync(join(folder, "a.json"), "1"),
    async (folder, changes) => {
      const writer = setInterval(() => appendFileSync(join(folder, "a.json"), "x"), 1);
      try {
        await changes(1);
      } finally {
        clearInterval(writer);
      }
    },
    { ...FAST, settleMs: 50, maxWaitMs: 200 },
  );
});

test("deletion and re-creation are told, of the file and of its folder", async () => {
  await watching(
    ["sub/a.json"],
    (folder) => {
      mkdirSync(join(folder, "sub"));
      writeFileSync(join(folder, "sub/a.json"), "1");
    },
    async (folder, changes) => {
      rmSync(join(folder, "sub/a.json"));
      await changes(1);
      writeFileSync(join(folder, "sub/a.json"), "2");
      await changes(2);
      rmSync(join(folder, "sub"), { recursive: true });
      await changes(3);
      mkdirSync(join(folder, "sub"));
      writeFileSync(join(folder, "sub/a.json"), "3");
      await changes(4);
    },
  );
});

test("a mounted Secret swapped as kubelet does it tells one change for all its files", async () => {
  const told = await watching(
    ["a.json", "b.json"],
    (folder) => atomicWrite(folder, { "a.json": "1", "b.json": "1" }),
    async (folder, changes) => {
      atomicWrite(folder, { "a.json": "2", "b.json": "2" });
      assert.equal(readFileSync(join(folder, "a.json"), "utf8"), "2");
      await changes(1);
      atomicWrite(folder, { "a.json": "3", "b.json": "2" });
      await changes(2);
    },
  );
  assert.equal(told, 2);
});

test("inotify tells a swapped Secret long before the next poll", async () => {
  await watching(
    ["a.json"],
    (folder) => atomicWrite(folder, { "a.json": "1" }),
    async (folder, changes) => {
      atomicWrite(folder, { "a.json": "2" });
      await changes(1);
    },
    { pollMs: 3_600_000, settleMs: 20, maxWaitMs: 500 },
  );
});

test("polling alone sees a write behind a symbolic link to another folder", async () => {
  await watching(
    ["link/a.json"],
    (folder) => {
      mkdirSync(join(folder, "real"));
      mkdirSync(join(folder, "link"));
      writeFileSync(join(folder, "real/a.json"), "1");
      symlinkSync("../real/a.json", join(folder, "link/a.json"));
    },
    async (folder, changes) => {
      writeFileSync(join(folder, "real/a.json"), "22");
      await changes(1);
    },
  );
});

test("other files of the folder tell nothing", async () => {
  const told = await watching(
    ["a.json"],
    (folder) => writeFileSync(join(folder, "a.json"), "1"),
    async (folder) => {
      writeFileSync(join(folder, "other"), "1");
      await delay(100);
    },
  );
  assert.equal(told, 0);
});

test("thousands of changes beside a config want few looks, and a change of the config is told all the same", async () => {
  const folder = mkdtempSync(join(tmpdir(), "config-watch-"));
  const file = join(folder, "a.json");
  writeFileSync(file, "1");
  let [looks, changes] = [0, 0];
  const look = (name: string) => {
    looks++;
    return readFileSync(name, "utf8");
  };
  const watch = watchConfig([file], () => changes++, { pollMs: 200, settleMs: 20, maxWaitMs: 500, look });
  try {
    const start = performance.now();
    for (let i = 0; i < 6000; i++) {
      writeFileSync(join(folder, `f${i % 1000}`), "x");
      if (i % 50 === 0) await delay(0); // events are read
    }
    writeFileSync(file, "2");
    while (changes === 0 && performance.now() - start < 60_000) await delay(10);
    assert.equal(changes, 1);
    const seconds = (performance.now() - start) / 1000;
    // A look at each event would be thousands; fifty a second is what they are rationed to, before the directory rests.
    assert.ok(looks < 50 * seconds + 10, `${looks} looks in ${seconds} s`);
  } finally {
    watch.close();
    rmSync(folder, { recursive: true });
  }
});

test("a directory without rest is watched again later", async () => {
  await watching(
    ["a.json"],
    (folder) => writeFileSync(join(folder, "a.json"), "1"),
    async (folder, changes) => {
      for (let i = 0; i < 2000; i++) writeFileSync(join(folder, "other"), "x");
      await delay(600); // 20 polls
      writeFileSync(join(folder, "a.json"), "22");
      await changes(1);
    },
  );
});

test("nothing keeps the process alive after close", async () => {
  const before = process.getActiveResourcesInfo().length;
  await watching(
    ["a.json"],
    (folder) => writeFileSync(join(folder, "a.json"), "1"),
    async (folder, changes) => {
      writeFileSync(join(folder, "a.json"), "2");
      await changes(1);
    },
  );
  assert.equal(process.getActiveResourcesInfo().length, before);
});

let generation = 0;

/**
 * The steps of kubelet's AtomicWriter (kubernetes pkg/volume/util/atomic_writer.go, `Write`): a new time-stamped directory, a
 * `..data_tmp` link to it renamed over `..data`, links for new files through `..data`, and the old directory removed.
 */
function atomicWrite(folder: string, files: Readonly<Record<string, string>>): void {
  const dataLink = join(folder, "..data");
  const old = readdirSync(folder).includes("..data") ? readlinkSync(dataLink) : null;
  const stamped = `..2026_01_02_03_04_05.${String(++generation).padStart(9, "0")}`;
  mkdirSync(join(folder, stamped), { mode: 0o755 });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, stamped, name), text);
  symlinkSync(stamped, join(folder, "..data_tmp"));
  renameSync(join(folder, "..data_tmp"), dataLink);
  for (const name of Object.keys(files)) {
    if (!readdirSync(folder).includes(name)) symlinkSync(join("..data", name), join(folder, name));
  }
  if (old !== null) rmSync(join(folder, old), { recursive: true });
}
