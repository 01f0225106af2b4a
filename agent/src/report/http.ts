// The metrics and health endpoints. Whoever can reach them may be slow, many or hostile: all is bounded.
import type { Server, ServerResponse } from "node:http";
import { CONTENT_TYPE } from "./exposition.js";

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

/** Serve `text()` on every path of `port`. */
export function serveMetrics(port: number, text: () => string, host = ""): Promise<Endpoint> {
  return serve("metrics", port, host, (_path, response) => {
    const body = text();
    response.writeHead(200, { "content-type": CONTENT_TYPE }).end(body);
  });
}

/** Serve `/livez` (the event loop turns) and `/readyz` (what `ready` says) on `port`. */
export function serveHealth(port: number, ready: () => Readiness, host = ""): Promise<Endpoint> {
  return serve("health", port, host, (path, response) => {
    const { ok, reason } = path === "/livez" ? { ok: true, reason: "alive" } : ready();
    const known = path === "/livez" || path === "/readyz";
    response.writeHead(!known ? 404 : ok ? 200 : 503, { "content-type": "text/plain; charset=utf-8" });
    response.end(known ? `${reason}\n` : "known paths: /livez, /readyz\n");
  });
}

const CAUSES: Readonly<Record<string, readonly [why: string, hint: string]>> = {
  EADDRINUSE: ["address already in use", "another program, or a second cryptnono, has the port: choose another one"],
  EACCES: ["permission denied", "ports below 1024 need root or CAP_NET_BIND_SERVICE"],
  EADDRNOTAVAIL: ["address not available", "no interface of this machine has the address"],
};

/** A scraper needs one connection; a few for kubelet, people and retries. */
const MAX_CONNECTIONS = 16;
const MAX_HEADER_BYTES = 4096;
/** For a request's head, for a whole request, and for a client that neither sends nor takes. */
const HEADERS_MS = 3000;
const REQUEST_MS = 5000;
const IDLE_MS = 10_000;

async function serve(
  what: string,
  port: number,
  host: string,
  answer: (path: string, response: ServerResponse) => void,
): Promise<Endpoint> {
  // Loaded here: without endpoints the agent does without its 3 MB.
  const { createServer } = await import("node:http");
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_MS,
      requestTimeout: REQUEST_MS,
      connectionsCheckingInterval: 1000,
      keepAliveTimeout: IDLE_MS,
    },
    (request, response) => {
      if (request.method !== "GET" && request.method !== "HEAD") {
        response.writeHead(405, { allow: "GET, HEAD", connection: "close" }).end();
        return;
      }
      try {
        answer((request.url ?? "").replace(/[?#].*$/s, ""), response);
      } catch {
        // A scrape must not end the guard; whoever scrapes sees that something is wrong.
        response.writeHead(500).end();
      }
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.setTimeout(IDLE_MS);
  await listen(server, what, port, host);
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, what: string, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(new ListenError(what, port, host, error)));
    server.listen({ port, ...(host === "" ? {} : { host }) }, () => {
      // After this only accept fails, when descriptors run out: the endpoint suffers, the guard does not.
      server.removeAllListeners("error").on("error", () => {});
      resolve();
    });
  });
}
