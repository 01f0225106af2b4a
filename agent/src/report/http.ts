// The metrics and health endpoints: one short answer a connection. Whoever can reach a port may be slow, many or hostile, and
// the kubelet's probes come through the same door: what strangers hold open is bounded, and gives way to who comes later.
import type { Server, Socket } from "node:net";
import { CONTENT_TYPES, type Form, formFor } from "./exposition.js";

export interface Endpoint {
  /** The port that was bound, which differs from the one asked for when that was 0. */
  readonly port: number;
  close(): Promise<void>;
}

export interface Readiness {
  readonly ok: boolean;
  /** One sentence for `kubectl describe`. */
  readonly reason: string;
}

/** The address cannot be listened on. */
export class ListenError extends Error {
  readonly code: string;
  readonly hint: string;

  constructor(what: string, port: number, host: string, cause: NodeJS.ErrnoException) {
    const [why, hint] = CAUSES[cause.code ?? ""] ?? [cause.code ?? "unknown error", "check the address and the port"];
    super(`listen for ${what} on ${host === "" ? "" : `${host} `}port ${port}: ${why}`, { cause });
    this.name = "ListenError";
    this.code = cause.code ?? "";
    this.hint = hint;
  }
}

/**
 * Serve `text()` on every path of `port`.
 *
 * @param open - The same as OpenMetrics, for who asks for it.
 */
export function serveMetrics(port: number, text: () => string, host = "", open?: () => string): Promise<Endpoint> {
  return serve("metrics", port, host, (_, accept) => {
    const form: Form = open === undefined ? "text" : formFor(accept);
    return { status: 200, type: CONTENT_TYPES[form], body: form === "open" ? open!() : text() };
  });
}

/**
 * Serve `/livez` (the event loop turns), `/readyz` (what `ready` says) and `/selftest` on `port`.
 *
 * @param ask - What `/selftest` answers, as JSON. Whoever reaches the port may ask.
 */
export function serveHealth(
  port: number,
  ready: () => Readiness,
  host = "",
  ask?: () => Promise<unknown>,
): Promise<Endpoint> {
  return serve("health", port, host, (path) => {
    if (path === "/livez") return plain(200, "alive");
    if (path === "/selftest" && ask !== undefined)
      return ask().then((body) => ({ status: 200, type: "application/json", body: `${JSON.stringify(body)}\n` }));
    if (path !== "/readyz") return plain(404, `known paths: /livez, /readyz${ask === undefined ? "" : ", /selftest"}`);
    const { ok, reason } = ready();
    return plain(ok ? 200 : 503, reason);
  });
}

const CAUSES: Readonly<Record<string, readonly [why: string, hint: string]>> = {
  EADDRINUSE: ["address already in use", "another program, or a second cryptnono, has the port: choose another one"],
  EACCES: ["permission denied", "ports below 1024 need root or CAP_NET_BIND_SERVICE"],
  EADDRNOTAVAIL: ["address not available", "no interface of this machine has the address"],
};

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
  400: "Bad Request",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

function plain(status: number, line = REASONS[status]!): Answer {
  return { status, type: "text/plain; charset=utf-8", body: `${line}\n` };
}

/** Probes and scrapes last some milliseconds, and there are few of them: more than this is someone else's. */
const MAX_CONNECTIONS = 64;
/** Prometheus sends some 500 bytes, the kubelet 150. */
const MAX_HEAD_BYTES = 4096;
/** For a request's head to arrive; and for a connection in all, a client that does not take its answer included. */
const HEAD_MS = 3000;
const CONNECTION_MS = 10_000;
const SWEEP_MS = 500;
/** What is read and thrown away after the answer: a close with bytes unread would reset the connection, and the answer with it. */
const MAX_REST_BYTES = 256 * 1024;
/** Waiting to be accepted; more would wait longer than a probe does. The kernel has its own bound, net.core.somaxconn. */
const BACKLOG = 1024;

/** What stands behind a path; some of it takes a moment. */
type Answers = (path: string, accept: string) => Answer | Promise<Answer>;

async function serve(what: string, port: number, host: string, answers: Answers): Promise<Endpoint> {
  // Loaded here: without endpoints the agent does without. Not node:http, which costs 3 MB and keeps connections of its own.
  const { createServer } = await import("node:net");
  const connections = new Connections();
  const server = createServer((socket) => {
    connections.add(socket);
    readHead(socket, (head) => {
      connections.asked(socket);
      const { answer, isHead } = respond(head, answers);
      if (!(answer instanceof Promise)) send(socket, { answer, isHead });
      else
        answer
          .catch(() => plain(500))
          .then((made) => {
            if (!socket.destroyed) send(socket, { answer: made, isHead });
          });
    });
  });
  await listen(server, what, port, host);
  // What arrived while this process had no processor is read first: the client is not late then.
  const sweep = setInterval(() => setImmediate(() => connections.sweep()), SWEEP_MS).unref();
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : port,
    close: () =>
      new Promise((resolve) => {
        clearInterval(sweep);
        server.close(() => resolve());
        connections.closeAll();
      }),
  };
}

function listen(server: Server, what: string, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(new ListenError(what, port, host, error)));
    server.listen({ port, backlog: BACKLOG, ...(host === "" ? {} : { host }) }, () => {
      // After this only accept fails, when descriptors run out: the endpoint suffers, the guard does not.
      server.removeAllListeners("error").on("error", () => {});
      resolve();
    });
  });
}

/** Call `onHead` once, with the bytes up to the empty line, or with what there is when that is too much. */
function readHead(socket: Socket, onHead: (head: string) => void): void {
  let head = "";
  let restBytes = 0;
  let isDone = false;
  socket.on("error", () => {}); // it closes next
  socket.on("data", (bytes) => {
    if (isDone) {
      restBytes += bytes.length;
      if (restBytes > MAX_REST_BYTES) socket.resetAndDestroy();
      return;
    }
    head += bytes.toString("latin1", 0, MAX_HEAD_BYTES + END_BYTES);
    isDone = END.test(head) || head.length >= MAX_HEAD_BYTES + END_BYTES;
    if (isDone) onHead(head);
  });
}

const END = /\r?\n\r?\n/;
const END_BYTES = 4;

function respond(
  head: string,
  answers: Answers,
): { readonly answer: Answer | Promise<Answer>; readonly isHead: boolean } {
  const end = END.exec(head)?.index ?? Infinity;
  if (end > MAX_HEAD_BYTES) return { answer: plain(431), isHead: false };
  const [, method, target] = /^([A-Z]+) (\S+) HTTP\/1\.[01]\r?\n/.exec(head) ?? [];
  if (method === undefined) return { answer: plain(400), isHead: false };
  if (method !== "GET" && method !== "HEAD") return { answer: plain(405), isHead: false };
  try {
    const accept = /^accept:[ \t]*(.*?)\r?$/im.exec(head)?.[1] ?? "";
    return { answer: answers(target!.replace(/[?#].*$/s, ""), accept), isHead: method === "HEAD" };
  } catch {
    // A scrape must not end the guard; whoever scrapes sees that something is wrong.
    return { answer: plain(500), isHead: method === "HEAD" };
  }
}

function send(socket: Socket, { answer, isHead }: { readonly answer: Answer; readonly isHead: boolean }): void {
  if (socket.writableEnded) return; // its time was up
  const { status, type, body } = answer;
  const head = [
    `HTTP/1.1 ${status} ${REASONS[status]}`,
    `content-type: ${type}`,
    `content-length: ${Buffer.byteLength(body)}`,
    ...(status === 405 ? ["allow: GET, HEAD"] : []),
    "connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${isHead ? "" : body}`);
}

/**
 * The open connections. Beyond the limit the oldest goes, of the address that has the most: a stranger's own first, and
 * a probe, which asks as soon as it is connected, last.
 */
class Connections {
  /** By address, in the order of their coming, each with its time. */
  readonly #byAddress = new Map<string, Map<Socket, number>>();
  /** Those whose question is known: only the answer is waited for. */
  readonly #asked = new WeakSet<Socket>();
  #count = 0;
  #isTrimming = false;

  add(socket: Socket): void {
    const address = socket.remoteAddress ?? "";
    const ofAddress = this.#byAddress.get(address) ?? new Map<Socket, number>();
    this.#byAddress.set(address, ofAddress.set(socket, performance.now()));
    this.#count++;
    socket.once("close", () => {
      this.#count--;
      ofAddress.delete(socket);
      if (ofAddress.size === 0 && this.#byAddress.get(address) === ofAddress) this.#byAddress.delete(address);
    });
    if (this.#count > MAX_CONNECTIONS && !this.#isTrimming) this.#trimLater();
  }

  asked(socket: Socket): void {
    this.#asked.add(socket);
  }

  /** End what has had its time. */
  sweep(nowMs = performance.now()): void {
    for (const ofAddress of this.#byAddress.values()) {
      for (const [socket, sinceMs] of ofAddress) {
        if (nowMs - sinceMs > CONNECTION_MS) socket.resetAndDestroy();
        else if (nowMs - sinceMs > HEAD_MS && !this.#asked.has(socket))
          send(socket, { answer: plain(408), isHead: false });
      }
    }
  }

  closeAll(): void {
    for (const ofAddress of this.#byAddress.values()) for (const socket of ofAddress.keys()) socket.destroy();
  }

  /** Many may be accepted in one turn, a probe among them: what it sends is read in the next, and answered before it could go. */
  #trimLater(): void {
    this.#isTrimming = true;
    const newest = performance.now();
    setImmediate(() =>
      setImmediate(() => {
        this.#isTrimming = false;
        this.#trim(newest);
        if (this.#count > MAX_CONNECTIONS) this.#trimLater();
      }),
    );
  }

  #trim(newestMs: number): void {
    for (let over = this.#count - MAX_CONNECTIONS; over > 0; over--) {
      let most: Map<Socket, number> | undefined;
      for (const ofAddress of this.#byAddress.values()) if (ofAddress.size > (most?.size ?? 0)) most = ofAddress;
      const [socket, sinceMs] = most?.entries().next().value ?? [];
      if (most === undefined || socket === undefined || sinceMs! > newestMs) return;
      most.delete(socket); // it counts until it is closed, which is in this turn
      // Reset: a close would leave the kernel with a connection to look after for a minute.
      socket.resetAndDestroy();
    }
  }
}
