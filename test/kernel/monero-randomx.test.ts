// Real RandomX, Debian's library: it dies by its registers while it hashes, not while it makes its cache.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { roundingObstacle } from "@cryptnono/agent/detectors/monero/sensor";
import { ROOT, run } from "../lib/agent.js";
import { MoneroAgent } from "../lib/monero-agent.js";

const BUILT = join(ROOT, "build/monero");
/** Of computing, if nothing ends it. */
const SECONDS = "100";

/** The program, or why there is none. */
function build(): { readonly program: string } | { readonly obstacle: string } {
  if (!existsSync("/usr/include/randomx.h")) {
    const install = ["install", "-y", "-qq", "--no-install-recommends", "librandomx-dev"];
    const { status } = spawnSync("apt-get", install, { stdio: "ignore", timeout: 60_000 });
    if (status !== 0) return { obstacle: "no librandomx-dev: apt-get install librandomx-dev failed" };
  }
  mkdirSync(BUILT, { recursive: true });
  const program = join(BUILT, "rx");
  const libraries = ["-lrandomx", "-lstdc++", "-lm", "-lpthread"];
  execFileSync("gcc", ["-O2", "-o", program, join(ROOT, "test/monero/rx.c"), ...libraries]);
  return { program };
}

const obstacle = roundingObstacle();

test(
  "RandomX dies by its registers, compiled or interpreted",
  obstacle === null ? {} : { skip: obstacle },
  async (t) => {
    const built = build();
    if ("obstacle" in built) return t.skip(built.obstacle);
    const agent = await MoneroAgent.start(["--memory", "off"]);
    t.after(() => agent.stop());
    for (const way of ["jit", "int"]) {
      const ended = await run(built.program, [way, "1", SECONDS]);
      assert.equal(ended.signal, "SIGKILL", way);
      const line = await agent.lineOf("killed", ended.pid);
      assert.equal(line["rule"], "registers");
      assert.match(String(line["constants"]), /scale-mask mantissa-mask|aes-key/);
    }
  },
);
