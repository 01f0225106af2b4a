// The chart's word on the list: what helm renders from the decrypted values is what sops decrypts.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { homedir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { findPaths } from "../../../paths.js";
import { entriesOf, readValues } from "../../../sops/values-file.js";
import { ENVIRONMENT, REPOSITORY, withoutSops } from "../../../test/workspace.js";
import { GENERATED_LIST, HAND_LIST } from "./run.js";

const TOOLS =
  process.env["CLUSTER_TOOLS"] ??
  join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "cryptnono-cluster/bin");
const env = { ...ENVIRONMENT, PATH: `${TOOLS}:${ENVIRONMENT.PATH}` };
const withoutHelm =
  spawnSync("helm", ["version"], { env }).status === 0
    ? false
    : "helm is not installed: test/cluster/install-tools charts builds it";

test("helm template renders both lists as sops decrypts them", { skip: withoutSops || withoutHelm }, async () => {
  Object.assign(process.env, ENVIRONMENT);
  const paths = findPaths(REPOSITORY);
  const values = await readValues(paths.root, paths.values);
  const { cryptnono } = values.document as { cryptnono: unknown };
  const { status, stdout, stderr } = spawnSync("helm", ["template", "test", "helm-charts/cryptnono", "-f", "-"], {
    cwd: REPOSITORY,
    env,
    input: JSON.stringify(cryptnono),
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  assert.equal(status, 0, stderr);
  for (const list of [HAND_LIST, GENERATED_LIST]) {
    const data = new RegExp(`^ +${list}\\.json: "?([A-Za-z0-9+/=]+)"?$`, "m").exec(stdout)?.[1];
    assert.ok(data !== undefined, `${list}.json is in no Secret`);
    const { bannedCommandStrings } = JSON.parse(Buffer.from(data, "base64").toString());
    assert.deepEqual(bannedCommandStrings, entriesOf(values, list));
  }
});
