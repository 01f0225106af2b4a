// How long a process runs that has a string of a narrow scope, in a container of which the kernel was not told yet: from its first
// instruction to its last, with a runtime that answers at once. With a number as argument, so many containers.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomString, TestAgent } from "../lib/agent.js";
import { Cgroups, containerIdOf } from "../lib/container-cgroups.js";
import { FakeCri } from "../lib/fake-cri.js";
import { packWords, prog } from "../lib/progs.js";

const CONTAINERS = Number(process.argv[2] ?? 200);
const directory = mkdtempSync(join(tmpdir(), "cn-"));
const socket = join(directory, "cri.sock");
const cgroups = new Cgroups();
const cri = await FakeCri.serve(socket);
const word = randomString();
const agent = await TestAgent.start(
  { bannedCommandStrings: [{ value: word, scope: { namespaces: ["hub-*"] } }] },
  ["--lookup-container"],
  { env: { ...process.env, CONTAINER_RUNTIME_ENDPOINT: socket } },
);

function lifeMs(dir: string): Promise<number | null> {
  const file = join(directory, "ticks");
  const out = openSync(file, "w+");
  const args = ["-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', dir, prog("namespaces"), "/"];
  const child = spawn("/bin/sh", args, { stdio: ["pipe", out, "ignore"] });
  child.stdin!.end(packWords([prog("ticks"), "ticks", word]));
  return new Promise((resolve) =>
    child.once("exit", () => {
      closeSync(out);
      const bytes = readFileSync(file);
      resolve(bytes.length < 16 ? null : Number(bytes.readBigUInt64LE(8) - bytes.readBigUInt64LE(0)) / 1e6);
    }),
  );
}

const lives: number[] = [];
let never = 0;
try {
  for (let i = 0; i < CONTAINERS; i++) {
    const [dir] = cgroups.make(1) as [string];
    const id = containerIdOf(dir);
    cri.pods.set(id, { namespace: "hub-a", pod: "p", uid: `uid-${randomBytes(6).toString("hex")}`, labels: {} });
    const life = await lifeMs(dir);
    if (life === null) never++;
    else lives.push(life);
  }
} finally {
  await agent.stop();
  cri.stop();
  await cgroups.remove();
  rmSync(directory, { recursive: true, force: true });
}
lives.sort((a, b) => a - b);
const at = (part: number) => (lives[Math.min(lives.length - 1, Math.floor(part * lives.length))] ?? 0).toFixed(2);
process.stdout.write(
  `${lives.length} lived, ${never} did not begin: median ${at(0.5)} ms, 90 of 100 ${at(0.9)}, 99 of 100 ${at(0.99)}, longest ${at(1)}\n`,
);
