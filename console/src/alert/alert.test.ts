import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { someSighting } from "../fixtures/sightings.js";
import { openDatabase } from "../keep/database.js";
import { createKeeper } from "../keep/keeper.js";
import { DAY_MS } from "../keep/store.js";
import { begin, isOver, take } from "./group.js";
import { createAlerts } from "./index.js";
import { bodyOf, type Message } from "./message.js";
import { createOutbox } from "./outbox.js";
import { readAlertSettings, TARGET_KINDS, type Target } from "./settings.js";
import { testAlert } from "./test-alert.js";

const BUCKET = { atOnce: 4, everySeconds: 60, resetMinutes: 10 };
const SECRET = "zz-banned-zz";

function targetOf(changes: Partial<Target> = {}): Target {
  return {
    name: "one",
    kind: "slack",
    url: "http://127.0.0.1:59999/",
    filters: {},
    actions: ["killed"],
    bucket: BUCKET,
    showStrings: false,
    ...changes,
  };
}

const messageOf = (changes: Partial<Message> = {}): Message => ({
  type: "kill",
  group: "g",
  number: "AAAA-BBBB",
  sighting: someSighting(),
  held: 0,
  total: 1,
  first: 0,
  at: 1000,
  ...changes,
});

test("four at once, one a minute, over after ten", () => {
  let group = begin(BUCKET, 0);
  const told: boolean[] = [];
  for (const at of [0, 1, 2, 3, 4, 5, 60_004, 60_005]) {
    const next = take(group, BUCKET, 1, at);
    group = next.group;
    told.push(next.isTold);
  }
  assert.deepEqual(told, [true, true, true, true, false, false, true, false]);
  assert.deepEqual([group.total, group.held], [8, 1]);
  assert.ok(!isOver(group, BUCKET, 60_005 + 599_999));
  assert.ok(isOver(group, BUCKET, 60_005 + 600_000));
});

test("each receiver's form holds the facts, no banned string and nothing that is obeyed", () => {
  const hostile = "<!channel> @**all** @channel `](http://evil) \u202e\u001b[31m";
  const sighting = someSighting({
    pod: hostile,
    user: hostile,
    rule: hostile,
    repository: hostile,
    address: `${SECRET} ${hostile}`,
  });
  for (const kind of TARGET_KINDS) {
    const target = targetOf({ kind, user: "bot@example.org", stream: "alerts" });
    const { text } = bodyOf(messageOf({ sighting }), target, "http://console/");
    const plain = kind === "zulip" ? new URLSearchParams(text).get("content")! : text;
    assert.ok(!plain.toLowerCase().includes(SECRET), kind);
    assert.ok(!/[\u202e\u001b]/.test(plain), kind);
    assert.ok(plain.includes("http://console/kills/AAAA-BBBB"), kind);
    assert.ok(kind === "alertmanager" || plain.includes("AAAA-BBBB"), kind);
    if (kind === "slack") assert.ok(!plain.includes("<!"), kind);
    if (["slack", "mattermost", "zulip"].includes(kind)) {
      const outside = (kind === "zulip" ? plain : (JSON.parse(plain) as { text: string }).text).replaceAll(
        /`[^`]*`/g,
        "",
      );
      assert.ok(!outside.includes("@") && !outside.includes("evil"), kind);
    }
    assert.ok(bodyOf(messageOf(), { ...target, showStrings: true }, null).text.includes(SECRET), kind);
  }
});

test("filters choose, groups are kept apart, and what was held is summed once", () => {
  const { db } = openDatabase(":memory:");
  const outbox = createOutbox(db, [targetOf({ filters: { namespace: ["hub"] } })]);
  const kept = (changes: Parameters<typeof someSighting>[0]) => ({
    id: 1,
    number: "n",
    sighting: someSighting(changes),
    isNew: true,
  });
  outbox.add([kept({ namespace: "other" }), kept({ action: "spared" })], 0);
  assert.equal(outbox.waiting(), 0);
  outbox.add(
    Array.from({ length: 10 }, () => kept({})),
    0,
  );
  outbox.add([kept({ pod: "another" })], 0);
  assert.equal(outbox.waiting(), 5);
  outbox.resolve(599_000);
  assert.equal(outbox.waiting(), 5);
  outbox.resolve(600_000);
  outbox.resolve(1_200_000);
  assert.equal(outbox.waiting(), 6);
  for (let i = 0; i < 5; i++) outbox.delivered(outbox.next("one", 1e12)!.id);
  const { type, total, held } = outbox.next("one", 1e12)!.message;
  assert.deepEqual([type, total, held], ["resolved", 10, 6]);
});

test("a receiver that is away, hangs, answers 429 and 500 gets every group once, over a restart too", async () => {
  const dir = mkdtempSync(join(tmpdir(), "console-alert-"));
  const taken: string[] = [];
  let tries = 0;
  let mode: "good" | "hang" | 429 | 500 = 500;
  const receiver = createServer((request: IncomingMessage, response: ServerResponse) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      tries++;
      if (mode === "hang") return;
      if (mode !== "good") return void response.writeHead(mode, mode === 429 ? { "retry-after": "0" } : {}).end();
      taken.push(/jupyter-user-\d+/.exec(body)![0]);
      response.end("ok");
    });
  });
  receiver.listen(0, "127.0.0.1");
  await once(receiver, "listening");
  const { port } = receiver.address() as AddressInfo;
  const url = join(dir, "url");
  const settings = {
    targets: [targetOf({ kind: "cloudevents", urlFile: url })].map(({ url: _, ...rest }) => rest),
    consoleUrl: null,
  };
  writeFileSync(url, "http://127.0.0.1:59999/away");
  const parts = { timeoutMs: 1500, firstRetryMs: 5, lookEveryMs: 5 };
  const life = async (act: (add: (from: number, to: number) => void, failed: () => number) => Promise<void>) => {
    const alerts = createAlerts(settings, () => {}, parts);
    const keeper = createKeeper({
      file: join(dir, "console.sqlite"),
      bounds: { maxAgeMs: DAY_MS, maxBytes: 1e12 },
      warn() {},
      also: alerts.also,
    });
    alerts.start(keeper);
    const add = (from: number, to: number) => {
      for (let i = from; i < to; i++)
        keeper.sighting(someSighting({ pid: i, at: Date.now(), pod: `jupyter-user-${i}` }));
      keeper.flush();
    };
    await act(add, () => alerts.sender()!.counts.failed);
    await alerts.stop();
    keeper.close();
  };
  try {
    await life(async (add, failed) => {
      add(0, 10);
      await until(() => failed() > 1);
      writeFileSync(url, `http://127.0.0.1:${port}/hook`);
      for (const next of [500, "hang", 429] as const) {
        mode = next;
        const before = tries;
        await until(() => tries > before + 1);
      }
      mode = "good";
      await until(() => taken.length >= 3);
      mode = 500;
    });
    mode = "good";
    await life(async (add) => {
      add(0, 20);
      await until(() => taken.length >= 20);
    });
    assert.deepEqual(taken.toSorted(), Array.from({ length: 20 }, (_, i) => `jupyter-user-${i}`).toSorted());
  } finally {
    receiver.closeAllConnections();
    receiver.close();
    rmSync(dir, { recursive: true });
  }
});

test("the test alert says of each target what became of it", async () => {
  const lines: string[] = [];
  assert.equal(await testAlert({ targets: [targetOf()], consoleUrl: null }, (line) => lines.push(line)), false);
  assert.match(lines[0]!, /^one: failed: no answer \(E/);
});

test("a wrong file is refused by its place", () => {
  const read = (value: unknown) => () => readAlertSettings("alerts.json", () => JSON.stringify(value));
  const good = { name: "a", kind: "slack", urlFile: "f" };
  assert.equal(readAlertSettings("x", () => JSON.stringify({ targets: [good] })).targets[0]!.bucket.atOnce, 4);
  const rows: readonly (readonly [unknown, RegExp])[] = [
    [{}, /targets: expected a list/],
    [{ targets: [{ ...good, kind: "pager" }] }, /targets\[0\]\.kind: expected one of slack/],
    [{ targets: [{ ...good, url: "http://x" }] }, /targets\[0\]: expected url or urlFile/],
    [{ targets: [{ name: "a", kind: "slack", url: "file:///etc/passwd" }] }, /expected an address with http/],
    [{ targets: [{ ...good, kind: "zulip" }] }, /expected user, tokenFile and stream/],
    [{ targets: [{ ...good, bucket: { atOnce: 0 } }] }, /bucket\.atOnce: expected a number above 0/],
    [{ targets: [{ ...good, filter: {} }] }, /targets\[0\]\.filter: expected one of/],
    [{ targets: [good, good] }, /names of their own/],
  ];
  for (const [value, message] of rows) assert.throws(read(value), message);
});

async function until(isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 6000 && !isSo(); i++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(isSo());
}
