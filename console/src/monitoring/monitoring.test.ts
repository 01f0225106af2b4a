import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { dashboard } from "./dashboard.js";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const promtool = spawnSync("promtool", ["--version"]).error === undefined;
const skip = promtool ? false : "no promtool: install Debian's prometheus";

test("the dashboard's file is what is written in TypeScript", () => {
  const kept = JSON.parse(readFileSync(`${root}helm-charts/cryptnono/files/dashboard.json`, "utf8"));
  assert.deepEqual(
    kept,
    JSON.parse(JSON.stringify(dashboard().build())),
    "run node console/dist/src/monitoring/write-dashboard.js",
  );
});

test("each rule fires for its trouble, and none for a fleet that is well", { skip }, () => {
  const { status, stdout, stderr } = spawnSync(
    "promtool",
    ["test", "rules", "console/src/monitoring/rules.test.yaml"],
    { cwd: root, encoding: "utf8" },
  );
  assert.equal(status, 0, stdout + stderr);
});
