import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
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

test("a client that never finishes its request is cut off", async () => {
  await serving(
    serveMetrics(0, () => "", LOOPBACK),
    async (port) => {
      const start = performance.now();
      assert.match(await exchange(port, "GET / HTTP/1.1\r\nhost: x\r\n"), /^(HTTP\/1\.1 408 |$)/);
      assert.ok(performance.now() - start < 9000);
    },
  );
});

test("connections beyond the limit are closed, and room comes back", async () => {
  await serving(
    serveMetrics(0, () => "fine", LOOPBACK),
    async (port) => {
      const sockets: Socket[] = [];
      for (let i = 0; i < 16; i++) {
        const socket = connect(port, LOOPBACK).on("error", () => {});
        await once(socket, "connect");
        sockets.push(socket);
      }
      // The last of them is known to be accepted once it is answered.
      sockets.at(-1)!.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
      await once(sockets.at(-1)!, "data");
      assert.equal(await exchange(port, "GET / HTTP/1.1\r\nhost: x\r\n\r\n"), "");
      for (const socket of sockets) socket.destroy();
      const deadline = performance.now() + 5000;
      for (;;) {
        const text = await get(port, "/")
          .then((response) => response.text())
          .catch(() => null);
        if (text !== null) {
          assert.equal(text, "fine");
          break;
        }
        assert.ok(performance.now() < deadline);
      }
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
