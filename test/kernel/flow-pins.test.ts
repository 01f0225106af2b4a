// Pinned, the network guard's kernel part goes on while no agent is there, and the next one tells; its cgroup is the root of all.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmdirSync } from "node:fs";
import { test } from "node:test";
import { unpin } from "@cryptnono/agent/sensor/index";
import { ROOT, randomString } from "../lib/agent.js";
import { cgroup2Mount } from "../lib/cgroups.js";
import { FlowAgent, inNetwork, KILLED, Lists, type NetworkRun, reach } from "../lib/flow-agent.js";
import { numbersOf, prog } from "../lib/progs.js";
import { untilGone } from "../lib/until-gone.js";

const lists = new Lists();
const list = lists.write("banned", "192.0.2.1\n");
const BANNED = `--FlowKiller.banned_ipv4_file_globs=${list}`;

test("the agent dies: connects are refused and killed all the same, and the next agent tells", async (t) => {
  const pinDir = `/sys/fs/bpf/${randomString("test-")}`;
  t.after(() => unpin(pinDir));
  const first = await FlowAgent.start([BANNED, "--pin-dir", pinDir]);
  t.after(() => first.stop("SIGKILL"));
  assert.deepEqual((await inNetwork(reach("tcp", "192.0.2.1"))).lines, [`tcp 192.0.2.1 ${KILLED}`]);
  await first.until("it is told", () => first.actions("killed").length === 1);
  await first.stop("SIGKILL");

  const { lines, packets } = await inNetwork([reach("tcp", "192.0.2.1"), reach("udp-connect", "192.0.2.1")].join("\n"));
  assert.deepEqual(lines, [`tcp 192.0.2.1 ${KILLED}`, "udp-connect 192.0.2.1 refused 0"]);
  assert.equal(packets.get("192.0.2.1"), undefined);

  const second = await FlowAgent.start([BANNED, "--pin-dir", pinDir]);
  t.after(() => second.stop());
  await second.until("what was done meanwhile is told", () => second.actions("refused").length === 1);
  assert.equal(second.actions("killed").length, 1);
  // One counter for both.
  assert.equal(await second.metric('processes_killed_total{reason="banned-ip"}'), 2);
  assert.deepEqual((await inNetwork(reach("tcp", "192.0.2.1"))).lines, [`tcp 192.0.2.1 ${KILLED}`]);
  await second.stop();
  assert.equal(unpin(pinDir), 1);
  const isReached = ({ lines }: NetworkRun) => lines.join() === "tcp 192.0.2.1 error 111 0";
  await untilGone(async () => isReached(await inNetwork(reach("tcp", "192.0.2.1"))), "its kernel part");
});

test("while an agent dies and the next one comes, no connect to a banned address passes, and none to another is refused", async (t) => {
  const pinDir = `/sys/fs/bpf/${randomString("test-")}`;
  t.after(() => unpin(pinDir));
  const first = await FlowAgent.start([BANNED, "--pin-dir", pinDir]);
  t.after(() => first.stop("SIGKILL"));
  const asker = spawn(prog("alternate"), ["192.0.2.1", "198.51.100.1"], { stdio: ["pipe", "pipe", "inherit"] });
  let out = "";
  asker.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  await first.until("it asks", () => out.startsWith("begun"));
  const refused = () => first.metric('destinations_refused_total{reason="banned-ip"}');
  const before = await refused();
  await first.until("it is refused", async () => (await refused()) > before);
  await first.stop("SIGKILL");
  const second = await FlowAgent.start([BANNED, "--pin-dir", pinDir]);
  t.after(() => second.stop());
  const counted = await second.metric('destinations_refused_total{reason="banned-ip"}');
  await second.until(
    "the next one counts on",
    async () => (await second.metric('destinations_refused_total{reason="banned-ip"}')) > counted,
  );
  asker.stdin.end();
  await second.until("it tells", () => out.includes("wrong"));
  const { asked, wrong } = numbersOf(out);
  assert.equal(wrong, 0, out);
  assert.ok(asked! > 1000, out);
  // For a moment both are attached, and both count.
  assert.ok((await second.metric('destinations_refused_total{reason="banned-ip"}')) >= asked! / 2);
});

/** A shell in mount and cgroup namespaces of its own, below a cgroup of the test's, that hides what is mounted and starts an agent,
 * which is ended when it guards, or ends by itself. */
async function startHidden(namespaces: string): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const cgroup = `${cgroup2Mount()}/${randomString("test-")}`;
  mkdirSync(cgroup);
  const agent = `${ROOT}bin/cryptnono flowkiller --scope-pid ${process.pid} ${BANNED}`;
  const hide = `for m in $(grep " cgroup" /proc/mounts | cut -d" " -f2 | sort -r); do umount -l $m; done`;
  const script = `echo $$ > ${cgroup}/cgroup.procs; exec unshare ${namespaces} sh -c '${hide}; exec ${agent}'`;
  const child = spawn("sh", ["-c", script], {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 120_000,
    killSignal: "SIGKILL",
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    if (stdout.includes('"cgroup_root"')) child.kill("SIGTERM");
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const [status] = (await once(child, "close")) as [number | null];
  rmdirSync(cgroup);
  return { status, stdout, stderr };
}

test("without a cgroup2 the agent mounts one of its own, and in a cgroup namespace it says what is wrong", async (t) => {
  if (cgroup2Mount() === null) return t.skip("no cgroup2 file system is mounted");
  const own = await startHidden("-m");
  assert.match(own.stdout, /"cgroup_root":"a mount of its own"/, own.stderr);
  const inNamespace = await startHidden("-m -C");
  assert.equal(inNamespace.status, 1);
  assert.match(
    inNamespace.stderr,
    /find the root cgroup: .*a cgroup below the root: the agent is in a cgroup namespace/,
  );
  assert.match(inNamespace.stderr, /mount the node's \/sys\/fs\/cgroup/);
});
