// Names at work: real sockets to servers in a network of their own, with a capture of what left.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { canSignal } from "@cryptnono/agent/detectors/flowkiller/names/sensor";
import { unpin } from "@cryptnono/agent/sensor/index";
import type { LogLine } from "../lib/agent.js";
import { FlowAgent, KILLED, Lists } from "../lib/flow-agent.js";
import { NAMES_OBJECT } from "../lib/name-looker.js";
import { ask, say, withServers } from "../lib/name-network.js";
import { POOL, POOL_ADDRESSES } from "../lib/name-servers.js";
import { clientHello, webSocketFrame, webSocketUpgrade } from "../lib/payloads.js";

const lists = new Lists();
const NAMES = lists.write("names", `# pools\n${POOL}\nother.example\n`);
after(() => lists.remove());

const WALLET = "48edfHu7V9Z84YzzMa6fUueoELZ9ZRXq9VetWzYGzKt52XU5xvqgzYnDK9URnRoJMk1j8nLwEVsaSWJ4fhdUyZijBGUicoD";
const LOGIN = Buffer.from(
  `{"id":1,"jsonrpc":"2.0","method":"login","params":{"login":"${WALLET}","pass":"x","agent":"A/6","algo":["rx/0"]}}\n`,
);
const SUBSCRIBE = Buffer.from('{"id": 1, "method": "mining.subscribe", "params": []}\n');
const LSP = Buffer.from('{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"processId":1,"capabilities":{}}}\n');

const half = (bytes: Buffer) => [bytes.subarray(0, bytes.length >> 1), bytes.subarray(bytes.length >> 1)];

/** What is said to a server, and as what it is found. */
const SAID: readonly (readonly [title: string, way: string, pieces: readonly Buffer[], because: string | null])[] = [
  ["sni", "tcp", [clientHello(`eu.${POOL}`)], "sni"],
  ["sni, large and in two", "tcp", half(clientHello(`eu.${POOL}`, { before: 1263 })), "sni"],
  ["sni by MPTCP", "mptcp", [clientHello(POOL)], "sni"],
  ["host", "tcp", [Buffer.from(`GET / HTTP/1.1\r\nHost: ${POOL}\r\n\r\n`)], "host"],
  ["connect", "tcp", [Buffer.from(`CONNECT ${POOL}:3333 HTTP/1.1\r\n\r\n`)], "proxy"],
  ["login", "tcp", [LOGIN], "stratum"],
  ["login in three", "tcp", [LOGIN.subarray(0, 1), LOGIN.subarray(1, 40), LOGIN.subarray(40)], "stratum"],
  ["login in the first packet", "tfo", [LOGIN], "stratum"],
  ["subscribe", "tcp", [SUBSCRIBE], "stratum"],
  ["login in a WebSocket", "tcp", [webSocketUpgrade("fine.test"), webSocketFrame(LOGIN.toString())], "stratum"],
  ["another name", "tcp", [clientHello(`x${POOL}`)], null],
  ["a language server", "tcp", [LSP], null],
  ["ssh", "tcp", [Buffer.from("SSH-2.0-OpenSSH_9.2\r\n")], null],
];

const lineOf = (agent: FlowAgent, because: string): LogLine | undefined =>
  agent.lines.find((line) => line["because"] === because && line.action !== "observed");

describe("audit", () => {
  test("all is told and nothing is done; a login's second message tells who it is", async (t) => {
    const agent = await FlowAgent.start([`--FlowKiller.names_file_globs=${NAMES}`]);
    t.after(() => agent.stop());
    const authorize = Buffer.from(`{"id": 2, "method": "mining.authorize", "params": ["${WALLET}.rig", "x"]}\n`);
    const { told } = await withServers(lists, [
      ...SAID.map(([title, way, pieces]) => say(title, way, "192.0.2.9", 3333, pieces)),
      say("subscribe, then authorize", "tcp", "192.0.2.9", 3333, [SUBSCRIBE, authorize]),
      ask("a question", "ask", "192.0.2.53", `eU.${POOL.toUpperCase()}`, "3333"),
      ask("unconnected", "ask-unconnected", "192.0.2.53", POOL),
      ask("by TCP", "ask-tcp", "192.0.2.53", POOL),
      ask("others", "ask", "192.0.2.53", "fine.test", "3333"),
    ]);
    for (const [title, , pieces] of SAID) {
      const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
      const result = told.get(title);
      if (title.includes("MPTCP") && result === "77") continue;
      assert.equal(result, `sent ${bytes} got ${bytes} 0`, title);
    }
    assert.equal(told.get("a question"), `${POOL_ADDRESSES[1]} connected 0`);
    assert.equal(told.get("others"), "203.0.113.60 connected 0");
    const wanted = SAID.filter(([title, , , because]) => because !== null && told.get(title) !== "77");
    const found = () => agent.actions("would-kill").filter((line) => line["because"] !== "address");
    await agent.until(
      "all are told",
      () => found().length >= wanted.length + 2 && agent.actions("would-drop").length >= 3,
    );
    assert.deepEqual(
      found()
        .slice(0, wanted.length)
        .map((line) => line["because"]),
      wanted.map(([, , , because]) => because),
    );
    const [subscribed, authorized] = found().slice(-2);
    assert.deepEqual([subscribed!["method"], subscribed!["login"]], ["mining.subscribe", undefined]);
    assert.deepEqual([authorized!["method"], authorized!["login"]], ["mining.authorize", `${WALLET}.rig`]);
    const sni = lineOf(agent, "sni")!;
    assert.equal(sni["matched"], POOL);
    assert.equal(sni["rule"], `${NAMES}:2`);
    assert.equal(sni["evidence"], `connected to 192.0.2.9:3333, and to eu.${POOL} by TLS`);
    assert.equal((sni.cmdline as unknown as string[])[1], "tcp");
    assert.equal(lineOf(agent, "stratum")!["login"], WALLET);
    const address = lineOf(agent, "address")!;
    assert.equal(address["evidence"], `asked for eu.${POOL}, connected to ${POOL_ADDRESSES[1]}:3333`);
    assert.equal(agent.actions("would-drop").length, 3);
    assert.ok((await agent.metric('names_found_total{evidence="sni"}')) >= 2);
    assert.equal(await agent.metric("listed_names"), 2);
    assert.match(await agent.readiness(), /2 names of pools, audit/);
  });
});

/** This kernel lets programs of these hooks send signals. */
const signals = canSignal(NAMES_OBJECT);

for (const byAgent of signals ? [false, true] : [true]) {
  const flags = byAgent ? ["--kill-way", "by-agent"] : [];
  describe(`enforce, killed by the ${byAgent ? "agent" : "kernel"}`, () => {
    let agent: FlowAgent;
    before(async () => {
      agent = await FlowAgent.start([...flags, `--FlowKiller.names_file_globs=${NAMES}`, "--FlowKiller.names=enforce"]);
    });
    after(() => agent.stop());

    test("what is found is blocked and dies; questions do not leave", async () => {
      const { told, packets } = await withServers(lists, [
        ...SAID.map(([title, way, pieces]) => say(title, way, "192.0.2.9", 3333, pieces)),
        ask("a question", "ask", "192.0.2.53", `eu.${POOL}`, "3333"),
        ask("by TCP", "ask-tcp", "192.0.2.54", POOL),
        ask("others", "ask", "192.0.2.53", "fine.test", "3333"),
      ]);
      for (const [title, , pieces, because] of SAID) {
        const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
        const result = told.get(title);
        if (title.includes("MPTCP") && result === "77") continue;
        if (because === null) assert.equal(result, `sent ${bytes} got ${bytes} 0`, title);
        else assert.equal(result, KILLED, title);
      }
      assert.match(told.get("a question")!, /^(question refused|answer error 11) 1$/);
      assert.match(told.get("by TCP")!, /^(question refused|answer error 11) 1$/);
      assert.equal(told.get("others"), "203.0.113.60 connected 0");
      for (const address of POOL_ADDRESSES) assert.equal(packets.get(address), undefined, address);
      await agent.until("questions are told", () => agent.actions("dropped").length >= 2);
      assert.equal(lineOf(agent, "sni")!["killed_by"], byAgent ? "agent" : "kernel");
      assert.ok((await agent.metric('processes_killed_total{reason="name"}')) >= 1);
    });

    test("nothing of what is found arrives, sent once more or not", async () => {
      const whole = SAID.filter(([, way, { length }, because]) => way === "tcp" && length === 1 && because !== null);
      const { told, gotBytes } = await withServers(lists, [
        ...whole.map(([title, way, pieces]) => say(title, way, "192.0.2.9", 3333, pieces)),
        // The dead processes' sockets go on by themselves, 0.2 and 0.6 s later.
        "sleep 1",
      ]);
      assert.ok(whole.length >= 5);
      for (const [title] of whole) assert.equal(told.get(title), KILLED, title);
      assert.equal(gotBytes, 0);
    });

    test("with questions answered, a connect to the answer is refused before its first packet and kills", async (t) => {
      await agent.stop();
      const answering = await FlowAgent.start([
        ...flags,
        `--FlowKiller.names_file_globs=${NAMES}`,
        "--FlowKiller.names=enforce",
        "--FlowKiller.names_questions=answer",
      ]);
      t.after(() => answering.stop());
      const { told, packets } = await withServers(lists, [
        ask("by name", "ask", "192.0.2.53", `eu.${POOL}`, "3333"),
        ask("the other address, later", "connect", POOL_ADDRESSES[0]!, "443"),
        ask("others", "ask", "192.0.2.53", "fine.test", "3333"),
      ]);
      const refused = byAgent ? `(connect refused )?(1|${KILLED})` : KILLED;
      assert.match(told.get("by name")!, new RegExp(`^${POOL_ADDRESSES[1]} ${refused}$`));
      assert.match(told.get("the other address, later")!, new RegExp(`^${refused}$`));
      assert.equal(told.get("others"), "203.0.113.60 connected 0");
      for (const address of POOL_ADDRESSES) assert.equal(packets.get(address), undefined, address);
      await answering.until("it is told", () => lineOf(answering, "address") !== undefined);
      const line = lineOf(answering, "address")!;
      assert.equal(line["evidence"], `asked for eu.${POOL}, connected to ${POOL_ADDRESSES[1]}:3333`);
      assert.equal(line["matched"], POOL);
    });
  });
}

test("what one network asked for is no other's", async (t) => {
  const agent = await FlowAgent.start([
    `--FlowKiller.names_file_globs=${NAMES}`,
    "--FlowKiller.names=enforce",
    "--FlowKiller.names_questions=answer",
  ]);
  t.after(() => agent.stop());
  const first = await withServers(lists, [ask("by name", "ask", "192.0.2.53", POOL, "3333")]);
  assert.match(first.told.get("by name")!, signals ? / 137$/ : / (137|1)$/);
  const second = await withServers(lists, [ask("hard-coded", "connect", POOL_ADDRESSES[1]!, "3333")]);
  assert.equal(second.told.get("hard-coded"), "connected 0");
});

test("pinned, it goes on without the agent, and the next one tells", async (t) => {
  const pinDir = `/sys/fs/bpf/cn-names-${process.pid}`;
  t.after(() => unpin(pinDir));
  const flags = [`--FlowKiller.names_file_globs=${NAMES}`, "--FlowKiller.names=enforce", "--pin-dir", pinDir];
  const first = await FlowAgent.start(flags);
  await first.stop("SIGKILL");
  const { told } = await withServers(lists, [
    ask("a question", "ask", "192.0.2.53", POOL),
    ...(signals ? [say("login", "tcp", "192.0.2.9", 3333, [LOGIN])] : []),
    say("ssh", "tcp", "192.0.2.9", 3333, [Buffer.from("SSH-2.0-x\r\n")]),
  ]);
  assert.match(told.get("a question")!, /^(question refused|answer error 11) 1$/);
  if (signals) assert.equal(told.get("login"), KILLED);
  assert.equal(told.get("ssh"), "sent 11 got 11 0");
  const second = await FlowAgent.start(flags);
  t.after(() => second.stop());
  await second.until("the question is told", () => second.actions("dropped").length === 1);
  if (signals) await second.until("the kill is told", () => second.actions("killed").length === 1);
  const again = await withServers(lists, [ask("a question", "ask", "192.0.2.53", POOL)]);
  assert.match(again.told.get("a question")!, / 1$/);
  await second.until("each is told once", () => second.actions("dropped").length === 2);
});

test("of many some have a line, and the rest are counted: together they are all", async (t) => {
  const agent = await FlowAgent.start([
    `--FlowKiller.names_file_globs=${NAMES}`,
    "--FlowKiller.names=enforce",
    "--whole-lines",
    "3",
  ]);
  t.after(() => agent.stop());
  await withServers(
    lists,
    Array.from({ length: 40 }, () => ask("a question", "ask", "192.0.2.53", `eu.${POOL}`)),
  );
  const blocked = await agent.metric('names_blocked_total{what="question"}');
  assert.ok(blocked >= 40, String(blocked));
  assert.equal(await agent.metric('map_entries{map="name_tallies"}'), 1);
  await agent.until("some are told", () => agent.actions("dropped").length >= 3);
  await agent.stop();
  const told = agent.actions("dropped").length;
  const [summary, ...more] = agent.actions("dropped-summary");
  assert.deepEqual(more, []);
  assert.equal(told + Number(summary!["count"]), blocked);
  assert.ok(told < 20, String(told));
  const { because, name, matched, rule, ip, last_pid: pid } = summary!;
  assert.deepEqual([because, name, matched, rule, ip], ["question", `eu.${POOL}`, POOL, `${NAMES}:2`, "192.0.2.53"]);
  assert.ok(Number(pid) > 0);
});

test("where there are no hooks of cgroups, it says that names are off", async (t) => {
  const agent = await FlowAgent.start(["--kill-way", "at-state", `--FlowKiller.names_file_globs=${NAMES}`]);
  t.after(() => agent.stop());
  await agent.until("it is told", () => agent.lines.some(({ event }) => event?.startsWith("Names are off") === true));
});
