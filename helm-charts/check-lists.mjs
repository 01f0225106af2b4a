// helm template ... | node helm-charts/check-lists.mjs [FLAG...]: `cryptnono check` on the lists of a rendered chart, with its flags
// and its status. The lists are in memory alone meanwhile, where the machine has /dev/shm.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = (file) => fileURLToPath(new URL(`../${file}`, import.meta.url));
if (!existsSync(root("build/agent/cryptnono.mjs"))) {
  console.error("check-lists: the agent is not built: run make build");
  process.exit(1);
}
const secrets = readFileSync(0, "utf8")
  .split(/^---$/m)
  // Other detectors' settings are no lists of strings.
  .filter((object) => /^kind: Secret$/m.test(object) && /^ {2}name: \S+-execwhacker$/m.test(object));
const lists = secrets.flatMap((secret) => [...secret.matchAll(/^ {2}([^\s:/]+\.json): "?([A-Za-z0-9+/=]+)"?$/gm)]);
if (lists.length === 0) {
  console.error("check-lists: standard input has no Secret with lists: give what helm template prints");
  process.exit(1);
}
const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "check-lists-"));
try {
  const files = lists.flatMap(([, name, content]) => {
    writeFileSync(join(folder, name), Buffer.from(content, "base64"), { mode: 0o600 });
    return [name.endsWith(".candidate.json") ? "--candidate" : "--config", join(folder, name)];
  });
  const { status } = spawnSync(root("bin/cryptnono"), ["check", ...files, ...process.argv.slice(2)], {
    stdio: "inherit",
  });
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true });
}
