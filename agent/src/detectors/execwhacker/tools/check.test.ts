import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { loadConfig, openPatterns } from "../config/index.js";
import { type Checked, type CheckOptions, check } from "./check.js";

const folder = mkdtempSync(join(tmpdir(), "check-"));
after(() => rmSync(folder, { recursive: true }));

const file = (name: string, content: unknown) => {
  writeFileSync(join(folder, name), typeof content === "string" ? content : JSON.stringify(content));
  return join(folder, name);
};

function run(config: readonly string[], options: Partial<CheckOptions> = {}) {
  let text = "";
  const defaults = {
    mode: "enforce",
    allowAcrossLists: false,
    benign: [],
    failOn: "error",
    json: true,
    showStrings: false,
  } as const;
  const status = check({ config, ...defaults, ...options }, (part) => {
    text += part;
  });
  return { status, text, found: () => (JSON.parse(text) as Checked).findings };
}

const SECRET = "zz-a-secret-word";
const good = file("good.json", { bannedCommandStrings: [SECRET] });

test("a good list has status 0 and says what it costs", () => {
  const { status, text } = run([good], { json: false });
  assert.equal(status, 0);
  assert.match(text, /^1 strings, 0 patterns: 0 errors, 0 warnings, 0 info; \d+ KiB in the kernel\n$/);
});

test("findings are named by list and index, never by the string, and those of the level asked for make the status", () => {
  const list = file("bad.json", {
    bannedCommandStrings: [SECRET, `--flag ${SECRET}`, `"${SECRET}x"`],
    allowedCommandPatterns: ["/opt/tool .*"],
  });
  const { status, text, found } = run([list]);
  assert.deepEqual(
    found().map(({ level, code, kind, place, other }) => [level, code, kind, place, other]),
    [
      ["info", "contained", "string", "bad[1]", "bad[0]"],
      ["warning", "quotes", "string", "bad[2]", undefined],
      ["info", "open-ended", "pattern", "bad[0]", undefined],
    ],
  );
  assert.ok(!text.includes(SECRET));
  assert.equal(status, 0);
  assert.equal(run([list], { failOn: "warning" }).status, 3);
  assert.match(run([list], { json: false }).text, /^info string bad\[1\]: .*: bad\[0\] \[contained\]$/m);
});

test("an honest line that a string kills is an error, and is shown only when strings may be", () => {
  const benign = join(folder, "benign.txt.gz");
  writeFileSync(benign, gzipSync(`# ${SECRET}\nls -la\ngrep "${SECRET}" x | wc\ncat ${SECRET}.txt\n`));
  const { status, text, found } = run([good], { benign: [benign] });
  assert.equal(status, 3);
  assert.equal(found()[0]!.problem, `2 honest lines hold it: ${benign}:3`);
  assert.ok(!text.includes(SECRET));
  assert.match(run([good], { benign: [benign], showStrings: true }).text, /"example": "grep \\"zz-a-secret-word/);
});

test("what cannot be read is found with file and place, all of it", () => {
  const list = file("unread.json", {
    bannedCommandStrings: ["ENC[AES256_GCM,data:x]", ""],
    allowedCommandPatterns: ["("],
    mod: "audit",
  });
  const { status, found } = run([list, good]);
  assert.equal(status, 3);
  assert.deepEqual(
    found().map(({ kind, place }) => [kind, place.slice(list.length + 2).replace(/ at .*| line .*/, "")]),
    [
      ["config", "line 1 column 86"],
      ["config", "bannedCommandStrings[0]"],
      ["config", "bannedCommandStrings[1]"],
      ["config", "allowedCommandPatterns[0]"],
    ],
  );
});

test("the patterns that the agent warns of are those that have no end across lists", () => {
  const own = file("own.json", { bannedCommandStrings: [SECRET], allowedCommandPatterns: ["/opt/a", "/opt/b$"] });
  const all = file("all.json", {
    allowedCommandPatterns: ["/opt/c", "/opt/d( \\w+)*$", { pattern: "/opt/e .*$", for: "all" }],
  });
  const warned = openPatterns(loadConfig([own, all], { defaultMode: "enforce" }));
  assert.deepEqual(
    run([own, all])
      .found()
      .filter(({ code }) => code === "open-ended-across")
      .map(({ place }) => place),
    warned.map(({ list, index }) => `${list}[${index}]`),
  );
  assert.equal(warned.length, 2);
});

test("a pattern that fits alone and not beside the others is named, with what there is room for", () => {
  const patterns = Array.from({ length: 5 }, (_, i) => `/opt/x.*${i}.{480}b$`);
  const { status, found } = run([
    file("large.json", { bannedCommandStrings: [SECRET], allowedCommandPatterns: patterns }),
  ]);
  assert.equal(status, 3);
  const refused = found().filter(({ code }) => code === "too-large");
  assert.ok(refused.length > 0 && refused.length < 5, String(refused.length));
  assert.match(refused[0]!.problem, /room beside the other patterns/);
});

test("what kills on the node by an environment that is inherited is told of", () => {
  const list = file("inherited.json", {
    bannedCommandStrings: [
      { value: "zz-pool-of-a-miner", environment: true },
      { value: "zz-other-of-a-miner", environment: true, scope: "containers" },
    ],
    wallets: [{ coin: "monero", environment: true }],
  });
  assert.deepEqual(
    run([list])
      .found()
      .map(({ kind, level, code, place }) => [kind, level, code, place]),
    [["string", "warning", "inherited", "inherited[0]"]],
  );
});

test("wallets that kill where honest lines have addresses are told, and a coin that is named twice", () => {
  const wallets = [
    "monero",
    { coin: "bitcoin", action: "enforce" },
    { coin: "wownero", action: "enforce", scope: "containers" },
    { coin: "monero", mode: "exact-argument" },
  ];
  const list = file("wallets.json", { wallets, allowedCommandPatterns: ["/opt/wallet( \\S+)*$"] });
  assert.deepEqual(
    run([list])
      .found()
      .map(({ kind, level, code, place, other }) => [kind, level, code, place, other]),
    [
      ["wallet", "warning", "honest-addresses", "wallets.wallets[1]", undefined],
      ["wallet", "warning", "same-coin", "wallets.wallets[3]", "wallets.wallets[0]"],
    ],
  );
});
