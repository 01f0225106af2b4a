// Addresses, networks and ports as lists write them, to bytes.
import { isIPv6 } from "node:net";

/** A network, and a port of it where not all are meant. */
export interface Network {
  /** Sixteen bytes; an IPv4 address stands behind ::ffff:. No bit is set behind the prefix. */
  readonly address: Uint8Array;
  /** Of the sixteen bytes: 96 and more for IPv4. */
  readonly bits: number;
  /** 0: all. */
  readonly port: number;
}

/** What is wrong with a line, for people. */
export class AddressError extends Error {
  override readonly name = "AddressError";
  readonly expected: string;
  readonly got: string;
  constructor(expected: string, got: string) {
    super(`expected ${expected}, got ${got}`);
    this.expected = expected;
    this.got = got;
  }
}

const FORM = /^(?:\[([^\]]*)\]|([^[\]]*?))(?:(?<=\]|^[^:]*):(\d{1,5}))?$/;

/**
 * One entry: `192.0.2.1`, `192.0.2.0/24`, `192.0.2.1:3333`, `2001:db8::/32`, `[2001:db8::1]:3333`.
 *
 * @throws AddressError
 */
export function parseNetwork(text: string): Network {
  const plain = plainV4(text);
  if (plain !== null) return { address: plain, bits: 128, port: 0 };
  const [, bracketed, bare, portText] = FORM.exec(text) ?? [];
  const whole = bracketed ?? bare;
  if (whole === undefined || whole === "") throw new AddressError(EXPECTED, kindOf(text));
  const port = portText === undefined ? 0 : Number(portText);
  if (portText !== undefined && (port < 1 || port > 65535)) throw new AddressError("a port from 1 to 65535", portText);
  const slash = whole.indexOf("/");
  const addressText = slash < 0 ? whole : whole.slice(0, slash);
  if (bracketed !== undefined && !addressText.includes(":"))
    throw new AddressError("an IPv6 address in brackets", "another");
  const parsed = parseAddress(addressText);
  if (parsed === null) throw new AddressError(EXPECTED, kindOf(text));
  const most = addressText.includes(":") ? 128 : 32;
  const bits = slash < 0 ? most : prefixOf(whole.slice(slash + 1), most);
  const all = most === 32 ? bits + 96 : bits;
  return { address: masked(parsed, all), bits: all, port };
}

/** @returns sixteen bytes, or null. */
export function parseAddress(text: string): Uint8Array | null {
  return text.includes(":") ? parseV6(text) : plainV4(text);
}

/** It is an IPv4 address behind ::ffff:. */
export function isV4(address: Uint8Array): boolean {
  return address[10] === 0xff && address[11] === 0xff && address.subarray(0, 10).every((byte) => byte === 0);
}

/** RFC 6052's prefix for NAT64, 64:ff9b::/96. */
const NAT64 = Uint8Array.of(0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0);

/** What an address leads to: mapped and NAT64 addresses as the IPv4 address behind ::ffff:, as the kernel's part does it. */
export function unwrapped(address: Uint8Array): Uint8Array {
  if (!NAT64.every((byte, i) => address[i] === byte)) return address;
  const inner = address.slice();
  inner.fill(0, 0, 10);
  inner.fill(0xff, 10, 12);
  return inner;
}

/** An address for people. */
export function showAddress(address: Uint8Array): string {
  if (isV4(address)) return address.subarray(12).join(".");
  const groups = Array.from({ length: 8 }, (_, i) => ((address[2 * i]! << 8) | address[2 * i + 1]!).toString(16));
  let best = { at: -1, length: 1 };
  for (let at = 0; at < 8; at++) {
    let length = 0;
    while (groups[at + length] === "0") length++;
    if (length > best.length) best = { at, length };
  }
  if (best.at < 0) return groups.join(":");
  return `${groups.slice(0, best.at).join(":")}::${groups.slice(best.at + best.length).join(":")}`;
}

/** A destination for people: `192.0.2.1:80`, `[2001:db8::1]:80`. */
export function showDestination(address: Uint8Array, port: number): string {
  const text = showAddress(address);
  return text.includes(":") ? `[${text}]:${port}` : `${text}:${port}`;
}

export function showNetwork({ address, bits, port }: Network): string {
  const v4 = isV4(address) && bits >= 96;
  const text = `${showAddress(address)}${bits === 128 ? "" : `/${v4 ? bits - 96 : bits}`}`;
  if (port === 0) return text;
  return v4 ? `${text}:${port}` : `[${text}]:${port}`;
}

const EXPECTED = "an address or a network, with a port if not all are meant";

function prefixOf(text: string, most: number): number {
  const bits = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
  if (bits >= 0 && bits <= most) return bits;
  throw new AddressError(`a prefix of 0 to ${most} bits`, text === "" ? "nothing" : "another one");
}

/** What nearly every line of a long list is: four numbers with dots between, and nothing else. */
function plainV4(text: string): Uint8Array | null {
  if (text.length < 7 || text.length > 15) return null;
  const address = new Uint8Array(16);
  let [part, value, digits] = [0, 0, 0];
  for (let i = 0; i <= text.length; i++) {
    const code = i === text.length ? DOT : text.charCodeAt(i);
    if (code === DOT) {
      if (digits === 0 || value > 255 || part > 3) return null;
      address[12 + part++] = value;
      [value, digits] = [0, 0];
    } else {
      // A leading zero is octal to some readers and not to others.
      if (code < 0x30 || code > 0x39 || (digits > 0 && value === 0)) return null;
      value = value * 10 + code - 0x30;
      digits++;
    }
  }
  if (part !== 4) return null;
  address[10] = address[11] = 0xff;
  return address;
}

const DOT = 0x2e;

function parseV6(text: string): Uint8Array | null {
  // A zone is the machine's own, and no part of an address.
  if (!isIPv6(text) || text.includes("%")) return null;
  let groups = text;
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (dotted !== null) {
    const v4 = plainV4(dotted[2]!);
    if (v4 === null) return null;
    const hex = (at: number) => ((v4[at]! << 8) | v4[at + 1]!).toString(16);
    groups = `${dotted[1]}${hex(12)}:${hex(14)}`;
  }
  const [head = "", tail] = groups.split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const address = new Uint8Array(16);
  const put = (group: string, at: number) => {
    const value = Number.parseInt(group, 16);
    address[at] = value >> 8;
    address[at + 1] = value & 0xff;
  };
  for (const [i, group] of before.entries()) put(group, 2 * i);
  for (const [i, group] of after.entries()) put(group, 16 - 2 * (after.length - i));
  return address;
}

/** The bits behind the prefix cleared. */
/** The address lies in the network, whose port says nothing here. */
export function isWithin(address: Uint8Array, network: Pick<Network, "address" | "bits">): boolean {
  return Buffer.compare(network.address, masked(address, network.bits)) === 0;
}

export function masked(address: Uint8Array, bits: number): Uint8Array {
  const masked = address.slice();
  const whole = bits >> 3;
  if (whole < 16) masked[whole]! &= 0xff00 >> (bits & 7);
  masked.fill(0, whole + 1);
  return masked;
}

/** Lists of addresses may be secret, and a line may be anything: its kind is told, not its text. */
function kindOf(text: string): string {
  if (text === "") return "nothing";
  if (/\s/.test(text)) return "text with blanks";
  if (/^[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,}\.?$/i.test(text)) return "a name";
  if (/^[\d./:]+$/.test(text)) return "numbers that are none";
  return "other text";
}
