// What connections say first, made byte by byte.
import { randomBytes } from "node:crypto";

export interface HelloOptions {
  /** Bytes of a key share before and behind the name: 1,263 as X25519MLKEM768 has. */
  readonly before?: number;
  readonly behind?: number;
  /** Bytes of handshake in each TLS record; 0: one record. */
  readonly recordBytes?: number;
}

/** A ClientHello (RFC 8446, 4.1.2); without a name, without the extension. */
export function clientHello(name: string | null, options: HelloOptions = {}): Buffer {
  const { before = 0, behind = 0, recordBytes = 0 } = options;
  const u16 = (n: number) => Buffer.from([n >> 8, n & 255]);
  const extension = (type: number, data: Buffer) => Buffer.concat([u16(type), u16(data.length), data]);
  const host = Buffer.from(name ?? "");
  const extensions = Buffer.concat([
    extension(0x2a2a, Buffer.alloc(0)),
    ...(before > 0 ? [extension(51, randomBytes(before))] : []),
    ...(name === null
      ? []
      : [extension(0, Buffer.concat([u16(host.length + 3), Buffer.from([0]), u16(host.length), host]))]),
    extension(43, Buffer.from([2, 3, 4])),
    ...(behind > 0 ? [extension(51, randomBytes(behind))] : []),
  ]);
  const body = Buffer.concat([
    u16(0x0303),
    randomBytes(32),
    Buffer.from([32]),
    randomBytes(32),
    u16(32),
    randomBytes(32),
    Buffer.from([1, 0]),
    u16(extensions.length),
    extensions,
  ]);
  const message = Buffer.concat([Buffer.from([1, 0]), u16(body.length), body]);
  const size = recordBytes > 0 ? recordBytes : message.length;
  const records = [];
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size);
    records.push(Buffer.from([0x16, 3, 1]), u16(part.length), part);
  }
  return Buffer.concat(records);
}

/** A question of DNS for an A record (RFC 1035, 4.1). */
export function dnsQuestion(name: string, type = 1, id = 7): Buffer {
  const labels = name.split(".").filter((label) => label !== "");
  return Buffer.concat([
    Buffer.from([id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
    ...labels.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)])),
    Buffer.from([0, type >> 8, type & 255, 0, 1]),
  ]);
}

/** As it goes over TCP. */
export function dnsOverTcp(message: Buffer): Buffer {
  return Buffer.concat([Buffer.from([message.length >> 8, message.length & 255]), message]);
}

/** A client's text frame (RFC 6455, 5.2). */
export function webSocketFrame(text: string, mask = randomBytes(4)): Buffer {
  const data = Buffer.from(text);
  const head =
    data.length < 126
      ? Buffer.from([0x81, 0x80 | data.length])
      : Buffer.from([0x81, 0xfe, data.length >> 8, data.length & 255]);
  return Buffer.concat([head, mask, data.map((byte, i) => byte ^ mask[i & 3]!)]);
}

export function webSocketUpgrade(host: string): Buffer {
  return Buffer.from(
    [
      "GET /ws HTTP/1.1",
      `Host: ${host}`,
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
      "",
      "",
    ].join("\r\n"),
  );
}

/** A request to a SOCKS 5 proxy, with and without a password (RFC 1928, RFC 1929), with the greeting before it. */
export function socksRequest(name: string, port: number, password?: string): Buffer {
  const greeting = password === undefined ? [5, 1, 0] : [5, 2, 0, 2];
  const login = password === undefined ? [] : [1, 1, 0x75, password.length, ...Buffer.from(password)];
  return Buffer.from([...greeting, ...login, 5, 1, 0, 3, name.length, ...Buffer.from(name), port >> 8, port & 255]);
}
