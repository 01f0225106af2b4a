import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { stat } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Endpoint, ListenError, serveHealth, serveMetrics } from "./http.js";

const LOOPBACK = "127.0.0.1";

async function serving(endpoint: Promise<Endpoint>, use: (port: number) => Promise<void>): Promise<void> {
  const { port, close } = await endpoint;
  try {
    await use(port);
  } finally {
    await close();
  }
}

const get = (port: number, path: string, method = "GET"): Promise<Response> =>
  fetch(`http://${LOOPBACK}:${port}${path}`, { method });

/** Sends `text` and gives all that comes back until the server closes. */
async function exchange(port: number, text: string): Promise<string> {
  const socket = connect(port, LOOPBACK);
  let answer = "";
  socket.on("data", (data) => {
    answer += data;
  });
  socket.on("error", () => {});
  socket.write(text);
  await once(socket, "close");
  return answer;
}

test("metrics are served on any path, fresh each time", async () => {
  let scrapes = 0;
  await serving(
    serveMetrics(0, () => `scrapes ${++scrapes}\n`, LOOPBACK),
    async (port) => {
      for (const [i, path] of ["/", "/metrics", "/any/thing?x=%ff#y"].entries()) {
        const response = await get(port, path);
        assert.equal(response.status, 200);
        assert.equal(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
        assert.equal(await response.text(), `scrapes ${i + 1}\n`);
      }
      assert.equal((await get(port, "/", "HEAD")).status, 200);
      assert.equal((await get(port, "/", "POST")).status, 405);
    },
  );
});

test("metrics that cannot be read are the scraper's trouble alone", async () => {
  const fail = (): string => {
    throw new Error("fault");
  };
  await serving(serveMetrics(0, fail, LOOPBACK), async (port) => assert.equal((await get(port, "/")).status, 500));
});

test("health tells life and readiness apart", async () => {
  let ready = { ok: false, reason: "attaching" };
  await serving(
    serveHealth(0, () => ready, LOOPBACK),
    async (port) => {
      const seen = async (path: string) => {
        const response = await get(port, path);
        return [response.status, (await response.text()).trim()];
      };
      assert.deepEqual(await seen("/livez"), [200, "alive"]);
      assert.deepEqual(await seen("/readyz"), [503, "attaching"]);
      ready = { ok: true, reason: "guarding" };
      assert.deepEqual(await seen("/readyz?verbose"), [200, "guarding"]);
      assert.deepEqual((await seen("/"))[0], 404);
    },
  );
});

test("a port in use is told with what to do", async () => {
  await serving(
    serveMetrics(0, () => "", LOOPBACK),
    async (port) => {
      await assert.rejects(
        serveHealth(port, () => ({ ok: true, reason: "" }), LOOPBACK),
        (error) =>
          error instanceof ListenError &&
          error.message === `listen for health on ${LOOPBACK} port ${port}: address already in use` &&
          /choose another/.test(error.hint),
      );
    },
  );
});

test("huge headers and broken requests are refused, and the endpoint lives on", async () => {
  await serving(
    serveMetrics(0, () => "fine", LOOPBACK),
    async (port) => {
      assert.match(await exchange(port, `GET / HTTP/1.1\r\nx: ${"y".repeat(100_000)}\r\n\r\n`), /^HTTP\/1\.1 431 /);
      assert.match(await exchange(port, "\u0000\u0001nonsense\r\n\r\n"), /^HTTP\/1\.1 400 /);
      assert.equal(await (await get(port, "/")).text(), "fine");
    },
  );
});

test("a request that came while this process had no processor is answered", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "http-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const [go, asked] = [join(folder, "go"), join(folder, "asked")];
  const client = `const { existsSync, writeFileSync } = require("fs");
    const [port, go, asked] = process.argv.slice(1);
    const socket = require("net").connect(Number(port), "${LOOPBACK}", () => console.log("connected"));
    const ask = () => socket.write("GET / HTTP/1.1\\r\\n\\r\\n", () => writeFileSync(asked, ""));
    const look = setInterval(() => existsSync(go) && (clearInterval(look), ask()), 20);
    socket.pipe(process.stdout);`;
  await serving(
    serveMetrics(0, () => "fine", LOOPBACK),
    async (port) => {
      const child = spawn(process.execPath, ["-e", client, String(port), go, asked], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const closed = once(child, "close");
      let said = "";
      child.stdout.on("data", (text) => {
        said += text;
      });
      await once(child.stdout, "data");
      await sleep(100); // it is accepted now
      await stat(folder); // what follows stands between two looks at who is late, and no socket is read before the second
      writeFileSync(go, "");
      const sinceMs = performance.now();
      while (performance.now() - sinceMs < 3600 || !existsSync(asked))
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
      await closed;
      assert.match(said, /^connected\nHTTP\/1\.1 200 /);
    },
  );
});

test("a client that never finishes its request is cut off", async () => {
  await serving(
    serveMetrics(0, () => "", LOOPBACK),
    async (port) => {
      const start = performance.now();
      assert.match(await exchange(port, "GET / HTTP/1.1\r\nhost: x\r\n"), /^(HTTP\/1\.1 408 |$)/);
      assert.ok(performance.now() - start < 30_000);
    },
  );
});

/** What strangers may do to a port, each with how many connections. They come from an address of their own, or from the probe's. */
const STRANGERS: readonly (readonly [name: string, count: number, act: (socket: Socket) => void])[] = [
  ["idle", 16, () => {}],
  ["idle", 500, () => {}],
  ["slow", 100, (socket) => void dribble(socket, "GET /livez HTTP/1.1\r\nx: ")],
  ["oversized", 100, (socket) => socket.write(`GET /livez HTTP/1.1\r\nx: ${"y".repeat(300_000)}`)],
  ["asking and not taking the answer", 100, (socket) => socket.pause().write("GET / HTTP/1.1\r\n\r\n")],
  ["answered and staying", 100, (socket) => socket.write("GET /livez HTTP/1.1\r\n\r\n")],
];
const PROBES = 12;
/** A machine may be busy; who is kept out is refused at once, or never answered. */
const PROBE_MS = 20_000;

function dribble(socket: Socket, text: string): void {
  socket.write(text);
  const timer = setInterval(() => socket.write("y"), 20);
  socket.once("close", () => clearInterval(timer));
}

for (const [what, serveOne, asked] of [
  ["health", (port: number) => serveHealth(port, () => ({ ok: true, reason: "guarding" }), LOOPBACK), "alive\n"],
  ["metrics", (port: number) => serveMetrics(port, () => "fine\n".repeat(60_000), LOOPBACK), "fine\n".repeat(60_000)],
] as const) {
  for (const from of what === "health" ? ["127.0.0.2", LOOPBACK] : [LOOPBACK]) {
    for (const [name, count, act] of STRANGERS) {
      test(`${what}: ${PROBES} probes are answered beside ${count} ${name} connections from ${from}`, async () => {
        const strangers = new Set<Socket>();
        const open = (port: number) => {
          const socket = connect({ port, host: LOOPBACK, localAddress: from });
          socket.on("error", () => {}).once("connect", () => act(socket));
          socket.once("close", () => strangers.delete(socket));
          strangers.add(socket);
        };
        await serving(serveOne(0), async (port) => {
          for (let i = 0; i < count; i++) open(port);
          for (let i = 0; i < PROBES; i++) {
            // Those that were cut off come back, as fast as one that asks now and then can bear.
            for (let more = 0; more < 20 && strangers.size < count; more++) open(port);
            const response = await fetch(`http://${LOOPBACK}:${port}/livez`, { signal: AbortSignal.timeout(PROBE_MS) });
            assert.equal(await response.text(), asked);
          }
        });
        for (const socket of strangers) socket.destroy();
      });
    }
  }
}

test("of many connections the newest stay, and of another address all", async () => {
  await serving(
    serveMetrics(0, () => "fine", LOOPBACK),
    async (port) => {
      const open = async (localAddress: string) => {
        const socket = connect({ port, host: LOOPBACK, localAddress }).on("error", () => {});
        await once(socket, "connect");
        return socket;
      };
      const honest = await open("127.0.0.3");
      const many: Socket[] = [];
      for (let i = 0; i < 300; i++) many.push(await open("127.0.0.2"));
      const isOpen = (socket: Socket) => !socket.destroyed;
      const deadline = performance.now() + 60_000;
      while (many.filter(isOpen).length > 63) {
        assert.ok(performance.now() < deadline);
        await new Promise((resolve) => setImmediate(resolve));
      }
      assert.ok(many.slice(-63).every(isOpen));
      honest.write("GET / HTTP/1.1\r\n\r\n");
      assert.match(String((await once(honest, "data"))[0]), /fine$/);
      for (const socket of [honest, ...many]) socket.destroy();
    },
  );
});

test("an answer arrives whole though the request had more than was read", async () => {
  await serving(
    serveMetrics(0, () => "fine", LOOPBACK),
    async (port) => {
      assert.match(
        await exchange(port, `POST / HTTP/1.1\r\n\r\n${"x".repeat(100_000)}`),
        /^HTTP\/1\.1 405 .*allow: GET, HEAD/s,
      );
      assert.match(await exchange(port, "GET / HTTP/1.0\n\n"), /^HTTP\/1\.1 200 OK\r\n.*\r\n\r\nfine$/s);
      assert.match(await exchange(port, "HEAD / HTTP/1.1\r\n\r\n"), /content-length: 4\r\nconnection: close\r\n\r\n$/);
    },
  );
});

test("a request's head of the largest size is read, however it is cut", async () => {
  await serving(
    serveMetrics(0, () => "fine", LOOPBACK),
    async (port) => {
      const start = "GET / HTTP/1.1\r\nx: ";
      const head = (bytes: number) => `${start}${"y".repeat(bytes - start.length)}\r\n\r\n`;
      assert.match(await exchange(port, head(4096)), /^HTTP\/1\.1 200 /);
      assert.match(await exchange(port, head(4097)), /^HTTP\/1\.1 431 /);
      const socket = connect(port, LOOPBACK);
      for (const char of "GET /x HTTP/1.1\r\na: b\r\n\r\n") {
        socket.write(char);
        await new Promise((resolve) => setImmediate(resolve));
      }
      assert.match(String((await once(socket, "data"))[0]), /^HTTP\/1\.1 200 /);
      socket.destroy();
    },
  );
});

test("close ends open connections", async () => {
  const { port, close } = await serveMetrics(0, () => "", LOOPBACK);
  const socket = connect(port, LOOPBACK).on("error", () => {});
  await once(socket, "connect");
  const closed = once(socket, "close");
  await close();
  await closed;
});
