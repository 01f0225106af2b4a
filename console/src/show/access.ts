// Who may ask: a local client alone, or one who has the token, or one whom a trusted proxy names. And how often.
import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { BlockList, isIP } from "node:net";

export type AccessRule =
  /** No secret: the socket is on a loopback address, and pages of other sites are told apart by the name they ask for. */
  | { readonly kind: "local" }
  | { readonly kind: "token"; readonly token: () => string }
  /** A proxy at one of `from` has asked who it is, and says so in `header`. */
  | { readonly kind: "proxy"; readonly header: string; readonly from: BlockList };

export type Access =
  | { readonly ok: true; readonly who: string }
  | { readonly ok: false; readonly status: 401 | 403 | 421; readonly why: string };

export function checkAccess(request: IncomingMessage, rule: AccessRule): Access {
  if (rule.kind === "local") {
    // A page that has its name lead here by DNS would be let in by the browser, but for its name.
    const host = (request.headers.host ?? "").replace(/:\d+$/, "");
    const isLocal = ["localhost", "127.0.0.1", "[::1]"].includes(host);
    return isLocal ? { ok: true, who: "local" } : { ok: false, status: 421, why: "ask for localhost or 127.0.0.1" };
  }
  if (rule.kind === "proxy") {
    const name = request.headers[rule.header];
    const peer = request.socket.remoteAddress ?? "";
    const isTrusted = rule.from.check(
      peer.replace(/^::ffff:/, ""),
      isIP(peer) === 6 && !peer.startsWith("::ffff:") ? "ipv6" : "ipv4",
    );
    if (!isTrusted || typeof name !== "string" || name === "")
      return { ok: false, status: 403, why: "only the proxy may ask, and must name a user" };
    return { ok: true, who: name.slice(0, 128) };
  }
  const given = tokenOf(request.headers.authorization ?? "");
  if (given !== null && same(given, rule.token())) return { ok: true, who: "token" };
  return { ok: false, status: 401, why: "give the token as a bearer token, or as the password of any user" };
}

/** A browser sends no bearer token by itself, but a password once it was asked for. */
function tokenOf(header: string): string | null {
  const bearer = /^Bearer ([\x21-\x7e]+)$/i.exec(header)?.[1];
  if (bearer !== undefined) return bearer;
  const basic = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(header)?.[1];
  if (basic === undefined) return null;
  const text = Buffer.from(basic, "base64").toString();
  return text.includes(":") ? text.slice(text.indexOf(":") + 1) : null;
}

/** In a time that tells nothing of where they differ. */
function same(a: string, b: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return b !== "" && timingSafeEqual(digest(a), digest(b));
}

/** Networks in CIDR form. @throws an error that names the wrong one. */
export function networks(list: readonly string[]): BlockList {
  const block = new BlockList();
  for (const text of list) {
    const [address = "", bits] = text.split("/");
    const family = isIP(address);
    const length = bits === undefined ? (family === 6 ? 128 : 32) : Number(bits);
    if (family === 0 || !Number.isInteger(length) || length < 0 || length > (family === 6 ? 128 : 32))
      throw new Error(`${text}: expected an address or a network, as 10.0.0.0/8`);
    block.addSubnet(address, length, family === 6 ? "ipv6" : "ipv4");
  }
  return block;
}

/** What a form must bring back, so that no other site's page can send it. New with each start of the console. */
export class FormKeys {
  readonly #key = randomBytes(32);

  of(who: string): string {
    return createHmac("sha256", this.#key).update(who).digest("base64url");
  }

  /** Sent by our own page, by what the browser says of it and by the key in the form. */
  isOurs(request: IncomingMessage, who: string, given: string | null): boolean {
    const site = request.headers["sec-fetch-site"];
    if (site !== undefined && site !== "same-origin" && site !== "none") return false;
    const origin = request.headers.origin;
    if (origin !== undefined && origin.replace(/^https?:\/\//, "") !== request.headers.host) return false;
    return given !== null && same(given, this.of(who));
  }
}

/** Requests of one address: so many at once, so many a second. */
export class RateLimit {
  readonly #left = new Map<string, { tokens: number; at: number }>();

  readonly burst: number;
  readonly perSecond: number;

  constructor(burst: number, perSecond: number) {
    this.burst = burst;
    this.perSecond = perSecond;
  }

  allows(address: string, nowMs: number): boolean {
    const { tokens, at } = this.#left.get(address) ?? { tokens: this.burst, at: nowMs };
    const now = Math.min(this.burst, tokens + ((nowMs - at) / 1000) * this.perSecond);
    this.#left.delete(address);
    this.#left.set(address, { tokens: Math.max(0, now - 1), at: nowMs });
    // The ones that were quiet longest are forgotten, who have their tokens back by then.
    if (this.#left.size > 4096) this.#left.delete(this.#left.keys().next().value!);
    return now >= 1;
  }
}
