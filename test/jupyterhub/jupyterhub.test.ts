// What the console does at a real JupyterHub after kills, and what its user notices. Run by test/jupyterhub/run.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type ActingConsole, startConsole } from "./console.js";
import { type Hub, startHub } from "./hub.js";
import { until } from "./processes.js";

const TOOLS = process.env["HUB_TOOLS"];
const skip = TOOLS === undefined ? "no JupyterHub: run test/jupyterhub/run" : false;
const [LET_IN, REFUSED] = [302, 403];
const USER = "ada";

describe("the console at a JupyterHub", { skip }, () => {
  const dir = mkdtempSync(join(tmpdir(), "console-hub-"));
  let hub: Hub;
  let dry: ActingConsole;
  let acting: ActingConsole;

  before(async () => {
    hub = await startHub(TOOLS!, join(dir, "hub"));
    await hub.startServer(USER);
    dry = await startConsole(join(dir, "dry"), hub, {});
    acting = await startConsole(join(dir, "acting"), hub, { dryRun: false });
  });

  after(async () => {
    await dry?.close();
    await acting?.close();
    await hub?.close();
    rmSync(dir, { recursive: true, force: true });
  });

  it("says in a dry run what it would do after the third kill, and does nothing", async () => {
    for (let i = 0; i < 3; i++) await dry.kill(USER);
    await until("the page says so", 60, async () => {
      const page = await dry.page("/actions");
      return ["block (dry run)", "stop (dry run)"].every((step) => page.includes(step));
    });
    assert.equal(await hub.isServerUp(USER), true);
    assert.equal(await hub.login(USER), LET_IN);
  });

  it("stops the server and keeps its user out after the third kill, and not before", async () => {
    await acting.kill(USER);
    await acting.kill(USER);
    assert.match(await acting.page("/actions"), /Nothing was done/);
    assert.equal(await hub.isServerUp(USER), true);
    assert.equal(await hub.login(USER), LET_IN);

    await acting.kill(USER);
    await until("the server is down", 120, async () => !(await hub.isServerUp(USER)));
    await until("the page says so", 60, async () => (await acting.page("/actions")).includes("server stopped"));
    const page = await acting.page("/actions");
    assert.match(page, /3 kills within 60 min/, "it acted on the third, not on an earlier one");
    assert.match(page, /put into cryptnono-blocked/);
    assert.equal(await hub.login(USER), REFUSED);
  });

  it("lets the user in again after Undo, whose server starts again", async () => {
    await acting.undo("block");
    assert.match(await acting.page("/actions"), /undone/);
    assert.equal(await hub.login(USER), LET_IN);
    await hub.startServer(USER);
  });
});
