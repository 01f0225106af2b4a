// The image's Dockerfile against the launcher it starts.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";

const root = join(import.meta.dirname, "../../..");

it("the image starts node with the options of bin/cryptnono's first line", () => {
  const [first] = readFileSync(join(root, "bin/cryptnono"), "utf8").split("\n");
  const dockerfile = readFileSync(join(root, "images/agent/Dockerfile"), "utf8");
  const entrypoint = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(dockerfile)![1]!) as string[];
  assert.deepEqual(entrypoint.slice(0, -1), first!.replace("#!/usr/bin/env -S ", "").split(" "));
});
