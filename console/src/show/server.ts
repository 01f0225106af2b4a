// The web server: who may ask, within which bounds, and which page answers. What is not a page here is not served: no path
// leads to a file.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AccessRule, checkAccess, FormKeys, RateLimit } from "./access.js";
import type { Assets } from "./assets.js";
import { Html } from "./html.js";

/** What is asked of a page. */
export interface Asked {
  readonly path: string;
  readonly params: URLSearchParams;
  /** What a form brought. Null for GET. */
  readonly form: URLSearchParams | null;
  /** For the page's own forms. */
  readonly formKey: string;
  /** By the token, the proxy's word, or `local`. */
  readonly who: string;
}

export type Answer =
  | Html
  | { readonly status: number; readonly body: Html }
  | { readonly type: string; readonly body: string; readonly file?: string }
  | { readonly redirect: string };

export type Page = (asked: Asked) => Answer | null | Promise<Answer | null>;

export interface ServerOptions {
  readonly access: AccessRule;
  /** By the first word of the path. */
  readonly pages: Readonly<Record<string, Page>>;
  readonly assets: Assets;
  /** Called for `/live`: writes events until the client goes. */
  readonly live: (response: ServerResponse) => void;
  /** The page of a failure. */
  readonly failure: (status: number, why: string) => Html;
  readonly warn: (message: string) => void;
  readonly now?: () => number;
}

/** What a form may bring: a command line of some length. */
const MAX_FORM_BYTES = 256 * 1024;
const MAX_PATH = 8192;
const MAX_CONNECTIONS = 256;
/** Only to read paths against: `//host/path` must not name another. */
const ORIGIN = "http://console";

const HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; " +
    "frame-ancestors 'none'; base-uri 'none'",
  "x-content-type-options": "nosniff",
  // Not no-referrer, with which a browser hides where our own form comes from.
  "referrer-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-store",
};

export function createWebServer(options: ServerOptions): Server {
  const { access, pages, assets, live, failure, warn, now = Date.now } = options;
  const forms = new FormKeys();
  const requests = new RateLimit(120, 40);
  const failures = new RateLimit(10, 0.2);
  const server = createServer(
    { maxHeaderSize: 16_384, requestTimeout: 20_000, headersTimeout: 10_000 },
    (request, response) => {
      answer(request, response).catch((error: unknown) => {
        warn(`answer ${request.method}: ${error instanceof Error ? error.stack : error}`);
        if (response.headersSent) response.destroy();
        else sendHtml(response, 500, failure(500, "a fault of the console: its log says more"));
      });
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  return server;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    const fail = (status: number, why: string) => sendHtml(response, status, failure(status, why));
    const peer = request.socket.remoteAddress ?? "";
    if (!requests.allows(peer, now())) return fail(429, "too many requests: wait a moment");
    if ((request.url?.length ?? 0) > MAX_PATH) return fail(414, "the address is too long");
    const target = request.url ?? "";
    if (!target.startsWith("/") || !URL.canParse(target, ORIGIN)) return fail(400, "the address can't be read");
    const url = new URL(target, ORIGIN);
    const granted = checkAccess(request, access);
    if (!granted.ok) {
      if (!failures.allows(peer, now())) return fail(429, "too many wrong tokens: wait a minute");
      if (granted.status === 401) response.setHeader("www-authenticate", 'Basic realm="cryptnono", charset="UTF-8"');
      return fail(granted.status, granted.why);
    }
    const isGet = request.method === "GET" || request.method === "HEAD";
    if (!isGet && request.method !== "POST") {
      response.setHeader("allow", "GET, HEAD, POST");
      return fail(405, "GET and POST are known here");
    }
    const { who } = granted;
    const asset = assets[url.pathname];
    if (isGet && asset !== undefined) return sendAsset(request, response, asset);
    if (isGet && url.pathname === "/live") return live(response);
    const page = Object.hasOwn(pages, first(url.pathname)) ? pages[first(url.pathname)]! : null;
    if (page === null) return fail(404, "there is no such page");
    let form: URLSearchParams | null = null;
    if (!isGet) {
      if (!/^application\/x-www-form-urlencoded\b/.test(request.headers["content-type"] ?? ""))
        return fail(415, "a form is expected");
      const body = await readBody(request);
      if (body === null) {
        response.setHeader("connection", "close");
        return fail(413, `a form may have ${MAX_FORM_BYTES} bytes`);
      }
      form = new URLSearchParams(body);
      if (!forms.isOurs(request, who, form.get("key")))
        return fail(403, "this form is not of this page: load it again");
    }
    const answered = await page({ path: url.pathname, params: url.searchParams, form, formKey: forms.of(who), who });
    if (answered === null) return fail(404, "there is no such page");
    if (answered instanceof Html) return sendHtml(response, 200, answered);
    if ("redirect" in answered) {
      response.writeHead(303, { location: answered.redirect }).end();
      return;
    }
    if ("status" in answered) return sendHtml(response, answered.status, answered.body);
    const { type, body, file } = answered;
    if (file !== undefined) response.setHeader("content-disposition", `attachment; filename="${file}"`);
    response.writeHead(200, { "content-type": type }).end(body);
  }
}

const first = (path: string) => path.split("/")[1] ?? "";

function sendHtml(response: ServerResponse, status: number, page: Html): void {
  if (response.writableEnded) return;
  response.writeHead(status, { "content-type": "text/html; charset=utf-8" }).end(page.text);
}

function sendAsset(request: IncomingMessage, response: ServerResponse, asset: Assets[string]): void {
  // Asked for each time, and not sent again: a new version of the console has new files under the same names.
  response.setHeader("cache-control", "no-cache");
  response.setHeader("etag", asset.etag);
  if (request.headers["if-none-match"] === asset.etag) {
    response.writeHead(304).end();
    return;
  }
  const isGzip = /\bgzip\b/.test(String(request.headers["accept-encoding"] ?? ""));
  if (isGzip) response.setHeader("content-encoding", "gzip");
  response
    .writeHead(200, { "content-type": asset.type, vary: "accept-encoding" })
    .end(isGzip ? asset.gzip : asset.bytes);
}

/** @returns null when it is too long. */
async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_FORM_BYTES) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
