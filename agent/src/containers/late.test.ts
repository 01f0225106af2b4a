import assert from "node:assert/strict";
import { it } from "node:test";
import type { ContainerLookup, ContainerResult } from "../types.js";
import { lateLookup } from "./late.js";

it("a look-up asked before its code is loaded is answered when it is", async () => {
  const did: string[] = [];
  const found: ContainerResult = { kind: "container", type: "cri", id: "a", labels: {}, image: "i:1" };
  const real: ContainerLookup = {
    async lookup() {
      did.push("lookup");
      return found;
    },
    runtimes: () => [{ type: "cri", socketPath: "/s", state: "answers" }],
    hurry: () => void did.push("hurry"),
    async close() {
      did.push("close");
    },
  };
  let open: (lookup: ContainerLookup) => void = () => {};
  const lookup = lateLookup(
    new Promise((resolve) => {
      open = resolve;
    }),
  );
  const asked = lookup.lookup({ source: "kernel", paths: ["/a"] });
  lookup.hurry();
  assert.deepEqual([lookup.runtimes(), did], [[], []]);
  open(real);
  assert.deepEqual(await asked, found);
  await lookup.close();
  assert.deepEqual([lookup.runtimes().length, did], [1, ["lookup", "hurry", "close"]]);
});
