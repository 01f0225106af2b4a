import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { GrpcChannel, GrpcStatusError } from "./grpc.js";
import { RuntimeError } from "./runtime.js";

// The agreement with gRPC's own library is tested in cri.test.ts; here are answers that it would not give.

/** Only what never answers may end by its time: the machine may be busy with other things. */
const PATIENT_MS = 60_000;

const OK = { "grpc-status": "0" };

describe("a gRPC call", () => {
  it("is a POST with one message and its deadline", async (context) => {
    let headers = {};
    const { channel } = await serve(context, (stream, requestHeaders) => {
      headers = { ...requestHeaders };
      stream.on("data", (chunk: Buffer) => assert.deepEqual(chunk, frame("ask")));
      answer(stream, [frame("tell")], OK);
    });
    assert.equal(String(await channel.unary("/a.B/C", Buffer.from("ask"), PATIENT_MS)), "tell");
    const expected = {
      ":method": "POST",
      ":path": "/a.B/C",
      "content-type": "application/grpc",
      te: "trailers",
      "grpc-timeout": "60000m",
    };
    assert.deepEqual({ ...headers, ...expected }, headers);
  });

  it("reads messages wherever the chunks are cut", async (context) => {
    const whole = Buffer.concat([frame("one"), frame(""), frame("three".repeat(1000))]);
    for (const size of [1, 3, 5, 6, 4096]) {
      const chunks = Array.from({ length: Math.ceil(whole.length / size) }, (_, index) =>
        whole.subarray(index * size, (index + 1) * size),
      );
      const { channel } = await serve(context, (stream) => answer(stream, chunks, OK));
      const seen: string[] = [];
      await channel.stream(
        "/a.B/C",
        Buffer.alloc(0),
        (message) => seen.push(String(message)),
        new AbortController().signal,
      );
      assert.deepEqual(seen, ["one", "", "three".repeat(1000)]);
    }
  });

  const failures: readonly (readonly [
    title: string,
    act: (stream: ServerHttp2Stream) => void,
    kind: string,
    message: string,
  ])[] = [
    [
      "a refusal with a status, before any message",
      (stream) =>
        stream.respond({ ":status": 200, "grpc-status": "12", "grpc-message": "unknown service" }, { endStream: true }),
      "unsupported",
      "unknown service",
    ],
    [
      "a refusal after a message",
      (stream) => answer(stream, [frame("x")], { "grpc-status": "13", "grpc-message": "broken %E2%80%A6 %" }),
      "failed",
      "broken %E2%80%A6 %",
    ],
    [
      "a message that is percent-encoded",
      (stream) => answer(stream, [], { "grpc-status": "14", "grpc-message": "gone %E2%80%A6" }),
      "unreachable",
      "gone …",
    ],
    ["success without a message", (stream) => answer(stream, [], OK), "failed", "call ended without an answer"],
    [
      "a server that is no gRPC server",
      (stream) => stream.respond({ ":status": 404 }, { endStream: true }),
      "unsupported",
      "HTTP 404",
    ],
    [
      "a compressed message",
      (stream) => answer(stream, [Buffer.from([1, 0, 0, 0, 1, 0])], OK),
      "failed",
      "answer is compressed, which was not asked for",
    ],
    [
      "a message without end",
      (stream) => answer(stream, [Buffer.from([0, 0xff, 0xff, 0xff, 0xff])], OK),
      "failed",
      "answer longer than 16777216 bytes",
    ],
    [
      "a stream that is cut",
      (stream) => stream.close(2),
      "unreachable",
      "Stream closed with error code NGHTTP2_INTERNAL_ERROR",
    ],
    ["a connection that is cut", (stream) => stream.session?.destroy(), "unreachable", "connection closed"],
    ["silence", () => {}, "timeout", "no answer within 300 ms"],
  ];
  for (const [title, act, kind, message] of failures) {
    it(`fails with ${title}`, async (context) => {
      const { channel } = await serve(context, act);
      await assert.rejects(channel.unary("/a.B/C", Buffer.alloc(0), kind === "timeout" ? 300 : PATIENT_MS), (error) => {
        assert.ok(error instanceof RuntimeError);
        assert.deepEqual([error.kind, error.message], [kind, message]);
        return true;
      });
    });
  }

  it("names the server's status as the cause", async (context) => {
    const { channel } = await serve(context, (stream) => answer(stream, [], { "grpc-status": "5" }));
    await assert.rejects(channel.unary("/a.B/C", Buffer.alloc(0), PATIENT_MS), (error) => {
      const { cause } = error as RuntimeError;
      return cause instanceof GrpcStatusError && cause.status === 5;
    });
  });

  it("makes a new connection after one that the server closed", async (context) => {
    const { channel, sessions } = await serve(context, (stream) => answer(stream, [frame("x")], OK));
    await channel.unary("/a.B/C", Buffer.alloc(0), PATIENT_MS);
    await channel.unary("/a.B/C", Buffer.alloc(0), PATIENT_MS);
    assert.equal(sessions.size, 1);
    const [session] = sessions;
    session?.close();
    if (session !== undefined) await once(session, "close");
    assert.equal(String(await channel.unary("/a.B/C", Buffer.alloc(0), PATIENT_MS)), "x");
    assert.equal(sessions.size, 2);
  });

  it("reads a stream that floods no faster than its pace of 1,000 messages a second", async (context) => {
    const { channel } = await serve(context, (stream) => answer(stream, Array(400).fill(frame("x".repeat(1000))), OK));
    let count = 0;
    const startMs = performance.now();
    await channel.stream("/a.B/C", Buffer.alloc(0), () => (count += 1), new AbortController().signal);
    assert.equal(count, 400);
    assert.ok(performance.now() - startMs > 200);
  });
});

function frame(text: string): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(Buffer.byteLength(text), 1);
  return Buffer.concat([prefix, Buffer.from(text)]);
}

/** Send the chunks one by one, then the trailers. */
function answer(stream: ServerHttp2Stream, chunks: readonly Buffer[], trailers: Record<string, string>): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers(trailers));
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
}

async function serve(
  context: TestContext,
  act: (stream: ServerHttp2Stream, headers: object) => void,
): Promise<{ channel: GrpcChannel; sessions: Set<ServerHttp2Session> }> {
  const directory = mkdtempSync(join(tmpdir(), "cn-"));
  const socketPath = join(directory, "g.sock");
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer();
  server.on("session", (session) => void sessions.add(session));
  server.on("stream", (stream, headers) => {
    stream.on("error", () => {});
    act(stream, headers);
  });
  server.listen(socketPath);
  await once(server, "listening");
  const channel = new GrpcChannel(socketPath);
  context.after(() => {
    channel.close();
    for (const session of sessions) session.destroy();
    server.close();
    rmSync(directory, { recursive: true });
  });
  return { channel, sessions };
}
