import assert from "node:assert/strict";
import { mkdtempSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, type TestContext, test } from "node:test";
import { LineWriter } from "../report/index.js";
import { FakeSensor } from "../sensor/fixtures/fake-sensor.js";
import type { Detector, House, Life, SelfTestResult } from "./detector.js";
import { type RunOptions, run } from "./run.js";

// Outside of it the agent refuses to run.
const skip = readlinkSync("/proc/self/ns/pid") === "pid:[4026531836]" ? false : "this is not the initial pid namespace";

const objects = mkdtempSync(join(tmpdir(), "run-"));
writeFileSync(join(objects, "some.bpf.o"), "");
after(() => rmSync(objects, { recursive: true }));

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

/** A detector whose every act is written down; its rules are a word, and the word `bad` is refused. */
async function setUp(t: TestContext, own: Partial<Life<string>> = {}) {
  const sensor = new FakeSensor();
  const { calls } = sensor;
  let text = "";
  const sink = {
    write(bytes: Uint8Array) {
      text += Buffer.from(bytes).toString();
      return bytes.length;
    },
    whenWritable: (again: () => void) => void setImmediate(again),
    close: () => void calls.push("sink closed"),
  };
  const state = { word: "one", house: undefined as House<string> | undefined };
  const detector: Detector<string> = {
    name: "some",
    sensor: {
      detector: "some",
      object: "some.bpf.o",
      programs: [{ program: "look" }],
      mainProgram: "look",
      skip: [],
      constants: {},
      maxEntries: {},
      rings: ["events"],
    },
    watched: [],
    async load() {
      calls.push(`read ${state.word}`);
      if (state.word === "bad") throw new Error("a bad word");
      return state.word;
    },
    begin(house) {
      state.house = house;
      return {
        contents: () => ({ words: new Uint8Array(1) }),
        onRecord: (record) => void calls.push(`record ${Buffer.from(record)}`),
        attached: () => void calls.push("told attached"),
        inForce: (word) => ({ word }),
        readyText: () => "looking",
        ...own,
      };
    },
  };
  const [healthPort, serveMetricsPort] = [await freePort(), await freePort()];
  const options: RunOptions = {
    serveMetricsPort,
    healthPort,
    lookupContainer: false,
    lookupWait: 0,
    lookupEnvs: [],
    trustedCgroup: [],
    pinDir: null,
    summaryEvery: 60,
    logSeverity: false,
    nodeName: "node-1",
    tellTerminal: false,
    scopePid: 0,
    env: {},
  };
  const start = async () => {
    const running = await run(detector, options, {
      native: sensor.factory(),
      writer: new LineWriter({ sink }),
      objects,
    });
    let stopped: Promise<void> | undefined;
    const stop = () => {
      stopped ??= running.stop();
      return stopped;
    };
    t.after(stop);
    return { ...running, stop };
  };
  const events = () =>
    text
      .split("\n")
      .slice(0, -1)
      .map((line) => (JSON.parse(line) as { event: string }).event);
  return {
    sensor,
    calls,
    state,
    start,
    events,
    lastLine: () => JSON.parse(text.split("\n").at(-2)!) as Record<string, unknown>,
    async ready() {
      const answer = await fetch(`http://127.0.0.1:${healthPort}/readyz`);
      return { status: answer.status, text: await answer.text() };
    },
    async metric(series: string) {
      const all = await (await fetch(`http://127.0.0.1:${serveMetricsPort}/metrics`)).text();
      return Number(
        all
          .split("\n")
          .find((line) => line.startsWith(`cryptnono_some_${series} `))
          ?.split(" ")[1],
      );
    },
    async until(condition: () => boolean | Promise<boolean>) {
      for (const end = Date.now() + 60_000; !(await condition()); ) {
        assert.ok(Date.now() < end, "waited for too long");
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    },
  };
}

test("a start installs, attaches, tells the detector, then reads; an end reads what is left", { skip }, async (t) => {
  const { sensor, calls, start, events, ready } = await setUp(t);
  sensor.rings.set("events", [[Buffer.from("early")]]);
  const running = await start();
  const steps = [
    "load",
    "read one",
    "fill 1 words",
    "attach look",
    "told attached",
    "onRecords events",
    "record early",
  ];
  assert.deepEqual(
    calls.filter((call) => steps.includes(call)),
    steps,
  );
  assert.equal((await ready()).status, 200);
  sensor.rings.set("events", [[Buffer.from("late")]]);
  await running.stop();
  assert.deepEqual(events(), ["Guarding"]);
  assert.deepEqual(calls.slice(-4), ["detach", "record late", "close", "sink closed"]);
});

for (const [what, failing] of [
  ["rules that cannot be read", "rules"],
  ["contents that the kernel refuses", "fill"],
  ["programs that cannot be attached", "attach"],
] as const) {
  test(`a start with ${what} leaves nothing behind`, { skip }, async (t) => {
    const { sensor, calls, state, start, ready } = await setUp(t);
    if (failing === "rules") state.word = "bad";
    else sensor.failing.set(failing, new Error("refused"));
    await assert.rejects(start(), /a bad word|refused/);
    assert.equal(calls.at(-1), "close");
    assert.ok(!calls.includes("told attached"));
    await assert.rejects(ready(), "nobody serves");
  });
}

test("a reload is in force whole, or not at all and told until the next good one", { skip }, async (t) => {
  const { calls, state, start, events, lastLine, ready, metric, until } = await setUp(t);
  const running = await start();
  state.word = "two";
  running.reload();
  await until(() => events().includes("Config reloaded"));
  assert.equal(state.house!.rules(), "two");
  assert.equal(lastLine()["word"], "two");
  state.word = "bad";
  running.reload();
  await until(() => events().includes("Config refused, the one before stays in force"));
  assert.equal(state.house!.rules(), "two");
  assert.deepEqual(await ready(), {
    status: 503,
    text: "config refused, the one before is in force: a bad word\n",
  });
  assert.deepEqual(
    [await metric('config_reloads_total{result="ok"}'), await metric('config_reloads_total{result="refused"}')],
    [1, 1],
  );
  state.word = "three";
  running.reload();
  await until(() => events().filter((event) => event === "Config reloaded").length === 2);
  assert.equal((await ready()).status, 200);
  assert.equal(calls.filter((call) => call.startsWith("fill")).length, 3);
  assert.equal(await metric("config_generation"), 3);
});

test("contents that the kernel refuses at a reload leave the rules of before", { skip }, async (t) => {
  const { sensor, state, start, events, until } = await setUp(t);
  const running = await start();
  state.word = "two";
  sensor.failing.set("fill", new Error("no memory"));
  running.reload();
  await until(() => events().some((event) => event.startsWith("Config refused")));
  assert.equal(state.house!.rules(), "one");
});

test("an agent whose self-test fails is not ready, and says so", { skip }, async (t) => {
  let result: SelfTestResult = "survived";
  const { start, events, ready, until, state } = await setUp(t, { selfTest: async () => result });
  const running = await start();
  await until(() => events().includes("Self-test failed"));
  assert.deepEqual(await ready(), { status: 503, text: "the self-test has not passed\n" });
  result = "killed";
  state.word = "two";
  running.reload();
  await until(async () => (await ready()).status === 200);
});

test("what runs beside is run at the start and after each reload, and ends with the agent", { skip }, async (t) => {
  let runs = 0;
  let asked: () => boolean = () => true;
  const { start, state, until } = await setUp(t, {
    alongside: [
      {
        everyMs: 3_600_000,
        async run(isStopped) {
          runs++;
          asked = isStopped;
        },
      },
    ],
  });
  const running = await start();
  await until(() => runs === 1);
  state.word = "two";
  running.reload();
  await until(() => runs === 2);
  assert.equal(asked(), false);
  await running.stop();
  assert.equal(asked(), true);
});

test("counts are told at the end, when nothing is counted any more", { skip }, async (t) => {
  const told: boolean[] = [];
  const counts = {
    look: () => {},
    tell: (isLast: boolean) => void told.push(isLast),
    untold: () => ({ killed: 5n }),
  };
  const { start, metric } = await setUp(t, { counts });
  const running = await start();
  assert.equal(await metric('processes_tallied_total{action="killed"}'), 5);
  await running.stop();
  assert.deepEqual(told, [true]);
});
