// The protobuf wire format as far as the runtimes' few messages need it: varints and length-delimited fields.
// Own code, since the general library (protobufjs 7.6, node 20) takes 9 MB of resident memory and 40 ms to load.

/** A message that breaks the wire format. */
export class WireError extends Error {
  override readonly name = "WireError";
}

/** What a field holds: a number for wire type 0, bytes for wire type 2. */
export type FieldValue = number | Buffer;

/**
 * Read a message's fields in the order they stand. Fields of the fixed-width wire types are skipped: no message read here
 * has one.
 *
 * @param visit - Called with the field's number and value. A varint above 2^53 loses its low bits: none that is used is
 *   that large.
 * @throws WireError when the bytes end within a field or hold a wire type that proto3 does not have.
 * @see https://protobuf.dev/programming-guides/encoding/
 */
export function readFields(bytes: Buffer, visit: (field: number, value: FieldValue) => void): void {
  let at = 0;
  while (at < bytes.length) {
    const key = varint();
    const field = Math.floor(key / 8);
    const wireType = key % 8;
    if (wireType === 0) visit(field, varint());
    else if (wireType === 1) skip(8);
    else if (wireType === 2) {
      const length = varint();
      skip(length);
      visit(field, bytes.subarray(at - length, at));
    } else if (wireType === 5) skip(4);
    else throw new WireError(`read message: wire type ${wireType} at byte ${at} is not of proto3`);
  }

  function varint(): number {
    let value = 0;
    // Ten bytes hold 64 bits.
    for (let index = 0; index < 10; index++) {
      const byte = bytes[at++];
      if (byte === undefined) throw new WireError("read message: ends within a number");
      value += (byte & 0x7f) * 2 ** (7 * index);
      if (byte < 0x80) return value;
    }
    throw new WireError("read message: number longer than 10 bytes");
  }

  function skip(length: number): void {
    at += length;
    if (at > bytes.length) throw new WireError("read message: ends within a field");
  }
}

/** A length-delimited value as text; a number in its place, which a broken peer may send, is no text. */
export function text(value: FieldValue): string {
  return typeof value === "number" ? "" : value.toString("utf8");
}

/** A length-delimited value as a message's bytes. */
export function message(value: FieldValue): Buffer {
  return typeof value === "number" ? Buffer.alloc(0) : value;
}

/** One entry of a `map<string, string>`: a message of its own with the key as field 1 and the value as field 2. */
export function mapEntry(value: FieldValue): readonly [key: string, value: string] {
  let key = "";
  let content = "";
  readFields(message(value), (field, inner) => {
    if (field === 1) key = text(inner);
    if (field === 2) content = text(inner);
  });
  return [key, content];
}

/** Write one field. Proto3 leaves out what has its default value, so empty text writes nothing. */
export function stringField(field: number, value: string): Buffer {
  return value === "" ? Buffer.alloc(0) : lengthDelimited(field, Buffer.from(value, "utf8"));
}

/** Write a message as a field. An empty message is written: its presence means something. */
export function messageField(field: number, ...parts: readonly Buffer[]): Buffer {
  return lengthDelimited(field, Buffer.concat(parts));
}

/** Write a number: bool, enum, or an integer of at most 53 bits that is not negative. */
export function varintField(field: number, value: number): Buffer {
  return value === 0 ? Buffer.alloc(0) : Buffer.concat([varintBytes(field * 8), varintBytes(value)]);
}

function lengthDelimited(field: number, content: Buffer): Buffer {
  return Buffer.concat([varintBytes(field * 8 + 2), varintBytes(content.length), content]);
}

function varintBytes(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}
