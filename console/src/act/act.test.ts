import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { someSighting } from "../fixtures/sightings.js";
import { openDatabase } from "../keep/database.js";
import { createStore } from "../keep/store.js";
import { type Actor, createActor } from "./actor.js";
import { binderLists } from "./binder-lists.js";
import { type Hub, readHubs } from "./hub-settings.js";
import { exportLedger, knownElsewhere } from "./ledger.js";

const NOW = Date.parse("2026-11-25T10:00:00Z");
let dir: string;
let server: Server;
let asked: string[];
let answer: (path: string) => { status: number; body?: unknown };
let db: ReturnType<typeof openDatabase>["db"];
let hub: Hub;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "console-act-"));
  writeFileSync(join(dir, "token"), "hub-token\n");
  asked = [];
  answer = (path) => (path.startsWith("GET") ? { status: 200, body: { name: "ada", servers: {} } } : { status: 204 });
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      assert.equal(request.headers.authorization, "token hub-token");
      const path = `${request.method} ${request.url}${body === "" ? "" : ` ${body}`}`;
      asked.push(path);
      const { status, body: said } = answer(path);
      response
        .writeHead(status, { "content-type": "application/json" })
        .end(said === undefined ? "" : JSON.stringify(said));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  db = openDatabase(":memory:").db;
  hub = {
    namespace: "hub",
    api: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hub/api`,
    tokenFile: join(dir, "token"),
    afterKills: 3,
    windowMinutes: 60,
    steps: ["stop"],
    blockGroup: "blocked",
    dryRun: false,
  };
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(dir, { recursive: true });
});

const actorOf = (changes: Partial<Hub> = {}, now = () => NOW + 1000): Actor =>
  createActor(
    () => db,
    [{ ...hub, ...changes }],
    () => {},
    now,
  );
let pids = 0;
async function kills(actor: Actor, n: number, changes: Parameters<typeof someSighting>[0] = {}): Promise<void> {
  for (let i = 0; i < n; i++) {
    const kept = createStore(db).write({
      sightings: [someSighting({ pid: ++pids, at: NOW + pids, ...changes })],
      notices: [],
      positions: new Map(),
    });
    actor.add(kept);
    await actor.settled();
  }
}

test("the server is stopped at the third kill, not before, and not again for the same three", async () => {
  const actor = actorOf();
  await kills(actor, 2);
  assert.deepEqual(asked, []);
  await kills(actor, 1);
  assert.deepEqual(asked, ["GET /hub/api/users/ada", "DELETE /hub/api/users/ada/server"]);
  assert.deepEqual(
    actor.rows().map(({ step, user, result, reason }) => [step, user, result, reason]),
    [["stop", "ada", "server stopped", "3 kills within 60 min, the last in jupyter-ada"]],
  );
});

test("what was only watched or spared, other users and other hubs never count, whatever they share", async () => {
  const actor = actorOf();
  const shared = { address: "192.0.2.1", image: "one", repository: "r" };
  await kills(actor, 5, { action: "would-kill", ...shared });
  await kills(actor, 5, { action: "spared", ...shared });
  await kills(actor, 5, { action: "candidate", ...shared });
  for (const user of ["a", "b", "c", "d", "e"]) await kills(actor, 2, { user, pod: `jupyter-${user}`, ...shared });
  await kills(actor, 5, { namespace: "other" });
  await kills(actor, 5, { at: NOW - 7_200_000 });
  assert.deepEqual(asked, []);
});

test("a dry run says what it would do, and does nothing", async () => {
  const actor = actorOf({ dryRun: true, steps: ["block", "stop"] });
  await kills(actor, 3);
  assert.deepEqual(asked, ["GET /hub/api/users/ada"]);
  assert.deepEqual(
    actor.rows().map(({ step, dry }) => [step, dry]),
    [
      ["stop", 1],
      ["block", 1],
    ],
  );
  assert.equal(await actor.undo(actor.rows()[0]!.id), "nothing to undo");
});

test("who is blocked has the running server ended too, and comes in again by undo, once", async () => {
  const actor = actorOf({ steps: ["block", "stop"] });
  answer = (path) => ({
    status: path.startsWith("GET") ? 200 : path.startsWith("POST") ? 201 : 204,
    body: path.startsWith("DELETE") ? undefined : { servers: {} },
  });
  await kills(actor, 3);
  assert.deepEqual(asked.slice(1), [
    "POST /hub/api/groups/blocked",
    'POST /hub/api/groups/blocked/users {"users":["ada"]}',
    "DELETE /hub/api/users/ada/server",
  ]);
  const { id } = actor.rows().find(({ step }) => step === "block")!;
  assert.equal(await actor.undo(id), "taken out of blocked");
  assert.equal(await actor.undo(id), "nothing to undo");
  assert.equal(asked.at(-1), 'DELETE /hub/api/groups/blocked/users {"users":["ada"]}');
});

test("a pod that is another user's, by the hub's word, costs nobody a server", async () => {
  const actor = actorOf();
  answer = () => ({ status: 200, body: { servers: { "": { state: { pod_name: "jupyter-somebody" } } } } });
  await kills(actor, 3);
  assert.ok(asked.every((path) => path.startsWith("GET")));
  assert.match(actor.rows()[0]!.result, /not this user's/);
});

test("settings are refused by their place; nothing is done unless dryRun is false; a block ends what runs", () => {
  const read = (one: object) =>
    readHubs("act.json", () =>
      JSON.stringify({ hubs: [{ namespace: "hub", api: "http://hub/hub/api/", tokenFile: "t", ...one }] }),
    )[0]!;
  assert.deepEqual(
    [read({}).dryRun, read({}).afterKills, read({}).steps, read({}).api],
    [true, 3, ["stop"], "http://hub/hub/api"],
  );
  assert.deepEqual(read({ steps: ["block"] }).steps, ["block", "stop"]);
  assert.throws(() => read({ steps: ["ban"] }), /hubs\[0\]\.steps: expected some of stop, block, delete/);
  assert.throws(() => read({ after: 1 }), /hubs\[0\]\.after: expected one of/);
  assert.throws(() => read({ api: "hub" }), /hubs\[0\]\.api: expected an address/);
});

test("lists for BinderHub hold who came back, as YAML that hostile names can't break", async () => {
  const hostile = 'https://github.com/o.w/re"po\n  evil: true';
  const actor = actorOf();
  await kills(actor, 3, { repository: hostile, address: "192.0.2.7" });
  await kills(actor, 2, { repository: "https://github.com/once/only", address: "x: y" });
  const text = binderLists(db, { atLeast: 3, days: 30, now: NOW + 1000 });
  assert.match(
    text,
    /- "\^o\\\\\.w\/re\\"po\\n {2}evil: true\(\/\.\*\)\?\$" {2}# 3 kills in 30 days; look again on 2026-12-25/,
  );
  assert.match(text, /"192\.0\.2\.7\/32": "cryptomining"/);
  assert.ok(!text.includes("once/only") && !text.includes("x: y") && !/^ *evil/m.test(text));
});

test("two deployments find whom they share, and learn nothing of the others", async () => {
  const actor = actorOf();
  await kills(actor, 1, { repository: "https://example.org/R/One" });
  const ours = exportLedger(db, "k".repeat(16), 30, NOW + 1000)
    .map((line) => JSON.stringify(line))
    .join("\n");
  assert.ok(!ours.includes("example.org"));
  const other = openDatabase(":memory:").db;
  createStore(other).write({
    sightings: [
      someSighting({ repository: "https://example.org/r/one" }),
      someSighting({ pid: 2, repository: "theirs", image: "i" }),
    ],
    notices: [],
    positions: new Map(),
  });
  const known = (key: string) =>
    knownElsewhere(other, key, `${ours}\nnot a line\n{"kind":"user","hash":"x"}\n`, 30, NOW + 1000).map(
      ({ kind, name, kills: n }) => [kind, name, n],
    );
  assert.deepEqual(known("k".repeat(16)), [
    ["repository", "https://example.org/r/one", 1],
    ["image", "quay.io/hub/image:1", 1],
  ]);
  assert.deepEqual(known("x".repeat(16)), []);
});
