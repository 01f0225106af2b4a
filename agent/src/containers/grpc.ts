// gRPC over a unix socket, as far as the CRI needs it: unary calls and server streams of uncompressed messages. On node's own
// HTTP/2, since @grpc/grpc-js takes 7 MB more of resident memory and twice the time to load (node 20, 30 pods).
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from "node:http2";
import { connect as connectSocket } from "node:net";
import { fromErrno, pacer, RuntimeError } from "./runtime.js";

/** Status codes that mean something here. @see https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
export const grpcStatus = { ok: 0, deadlineExceeded: 4, notFound: 5, unimplemented: 12, unavailable: 14 } as const;

/** The server's own refusal of a call. */
export class GrpcStatusError extends Error {
  override readonly name = "GrpcStatusError";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The kubelet allows as much; a node of 500 containers answers a list in about 1 MB. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
/** Before each message: a byte that says whether it is compressed, and the length in four. */
const PREFIX_BYTES = 5;

/** One connection, made with the first call and again after it broke. */
export class GrpcChannel {
  readonly #socketPath: string;
  #session: ClientHttp2Session | undefined;
  #isClosed = false;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  /**
   * @param path - `/package.Service/Method`.
   * @throws RuntimeError; its cause is a `GrpcStatusError` when the server said so.
   */
  async unary(path: string, request: Buffer, timeoutMs: number): Promise<Buffer> {
    const call = this.#open(path, request, { "grpc-timeout": `${Math.ceil(timeoutMs)}m` });
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      call.close(constants.NGHTTP2_CANCEL);
    }, timeoutMs);
    let answer: Buffer | undefined;
    try {
      await readCall(call, (message) => {
        answer = message;
      });
    } catch (error) {
      throw isLate ? late(timeoutMs, error) : error;
    } finally {
      clearTimeout(timer);
    }
    if (isLate) throw late(timeoutMs);
    if (answer === undefined) throw new RuntimeError("failed", "call ended without an answer");
    return answer;
  }

  /** Resolves when the server ends the stream. @throws RuntimeError, also when `signal` ends it. */
  async stream(
    path: string,
    request: Buffer,
    onMessage: (message: Buffer) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const call = this.#open(path, request, {});
    const pace = pacer(call);
    const cancel = () => call.close(constants.NGHTTP2_CANCEL);
    signal.addEventListener("abort", cancel, { once: true });
    try {
      await readCall(call, (message) => {
        pace();
        onMessage(message);
      });
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  }

  /** Drop the connection and the calls on it; the next call makes a new one. */
  reset(): void {
    this.#session?.destroy();
    this.#session = undefined;
  }

  /** As `reset`; calls fail from here on. */
  close(): void {
    this.#isClosed = true;
    this.reset();
  }

  #open(path: string, request: Buffer, headers: Record<string, string>): ClientHttp2Stream {
    const call = this.#connected().request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
      ...headers,
    });
    const prefix = Buffer.alloc(PREFIX_BYTES);
    prefix.writeUInt32BE(request.length, 1);
    call.end(Buffer.concat([prefix, request]));
    return call;
  }

  #connected(): ClientHttp2Session {
    if (this.#isClosed) throw new RuntimeError("failed", "closed");
    if (this.#session !== undefined && !this.#session.closed && !this.#session.destroyed) return this.#session;
    const session = connect("http://localhost", {
      createConnection: () => connectSocket(this.#socketPath),
      settings: { enablePush: false },
    });
    // Its calls fail with the same error, which is where something is done about it.
    session.on("error", () => {});
    this.#session = session;
    return session;
  }
}

/** Give each message of the answer to `onMessage`; resolves when the server says that the call went well. */
function readCall(call: ClientHttp2Stream, onMessage: (message: Buffer) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    let failure: RuntimeError | undefined;
    let end: IncomingHttpHeaders | undefined;
    const messages = messageReader(onMessage);
    call.on("response", (headers) => {
      // A call that is refused outright has its status here.
      if (headers["grpc-status"] !== undefined) end = headers;
      else if (headers[":status"] !== 200) fail(new RuntimeError("unsupported", `HTTP ${headers[":status"]}`));
    });
    call.on("trailers", (trailers) => {
      end = trailers;
    });
    call.on("data", (chunk: Buffer) => {
      try {
        messages(chunk);
      } catch (error) {
        fail(new RuntimeError("failed", error instanceof Error ? error.message : String(error), { cause: error }));
      }
    });
    call.on("error", (error) => fail(fromConnection(error)));
    call.on("close", () => {
      const outcome = failure ?? fromEnd(end);
      if (outcome === null) resolve();
      else reject(outcome);
    });

    function fail(error: RuntimeError): void {
      failure ??= error;
      call.close(constants.NGHTTP2_CANCEL);
    }
  });
}

/** Put the chunks of a stream together to messages. */
function messageReader(onMessage: (message: Buffer) => void): (chunk: Buffer) => void {
  let chunks: Buffer[] = [];
  let length = 0;
  let wanted = PREFIX_BYTES;
  let inMessage = false;
  return (chunk) => {
    chunks.push(chunk);
    length += chunk.length;
    while (length >= wanted) {
      const all = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length);
      const part = all.subarray(0, wanted);
      chunks = [all.subarray(wanted)];
      length -= wanted;
      if (inMessage) {
        inMessage = false;
        wanted = PREFIX_BYTES;
        onMessage(part);
        continue;
      }
      if (part[0] !== 0) throw new Error("answer is compressed, which was not asked for");
      wanted = part.readUInt32BE(1);
      inMessage = true;
      if (wanted > MAX_MESSAGE_BYTES) throw new Error(`answer longer than ${MAX_MESSAGE_BYTES} bytes`);
    }
  };
}

function fromEnd(end: IncomingHttpHeaders | undefined): RuntimeError | null {
  if (end === undefined) return new RuntimeError("unreachable", "connection closed");
  const status = Number(end["grpc-status"]);
  if (status === grpcStatus.ok) return null;
  const said = new GrpcStatusError(status, percentDecoded(String(end["grpc-message"] ?? `gRPC status ${status}`)));
  if (status === grpcStatus.deadlineExceeded) return new RuntimeError("timeout", said.message, { cause: said });
  if (status === grpcStatus.unavailable) return new RuntimeError("unreachable", said.message, { cause: said });
  if (status === grpcStatus.unimplemented) return new RuntimeError("unsupported", said.message, { cause: said });
  return new RuntimeError("failed", said.message, { cause: said });
}

function fromConnection(error: Error): RuntimeError {
  // A call that waited for the connection is cancelled, with the connection's own error as its cause.
  const cause = error.cause instanceof Error ? error.cause : error;
  const { code = "" } = cause as NodeJS.ErrnoException;
  // Whatever answers, it is not HTTP/2. A connection that was reset has an error of HTTP/2 too, which says so.
  if (code === "ERR_HTTP2_ERROR") return new RuntimeError("unsupported", "not gRPC", { cause: error });
  return fromErrno(cause) ?? new RuntimeError("unreachable", error.message, { cause: error });
}

function late(timeoutMs: number, cause?: unknown): RuntimeError {
  return new RuntimeError("timeout", `no answer within ${timeoutMs} ms`, { cause });
}

/** @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, Status-Message */
function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
