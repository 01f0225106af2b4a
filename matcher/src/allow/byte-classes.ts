// Byte classes: bytes that nothing tells apart share one column of a transition table.

export interface ByteClasses {
  /** 256 entries, byte to class. A capital's is its small letter's. */
  readonly classOf: Uint8Array;
  /** Number of classes: at most 230, the bytes without the capitals. */
  readonly count: number;
  /** One byte of each class. */
  readonly representatives: readonly number[];
}

/** The classes of bytes with the same key. Capitals are not asked for: matching is without case. */
export function byteClassesFrom(keyOf: (byte: number) => string | number): ByteClasses {
  const numbers = new Map<string | number, number>();
  const representatives: number[] = [];
  const classOf = new Uint8Array(256);
  for (let byte = 0; byte < 256; byte++) {
    if (isCapital(byte)) continue;
    const key = keyOf(byte);
    const known = numbers.get(key);
    classOf[byte] = known ?? representatives.length;
    if (known !== undefined) continue;
    numbers.set(key, representatives.length);
    representatives.push(byte);
  }
  for (let byte = 0; byte < 256; byte++) if (isCapital(byte)) classOf[byte] = classOf[byte + 0x20]!;
  return { classOf, count: representatives.length, representatives };
}

/** The coarsest classes that keep the members and the others of each set apart. */
export function byteClasses(sets: Iterable<Uint8Array>): ByteClasses {
  const memberships = new Array<string>(256).fill("");
  let number = 0;
  for (const set of sets) {
    for (let byte = 0; byte < 256; byte++) if (set[byte] === 1) memberships[byte] += `,${number}`;
    number++;
  }
  return byteClassesFrom((byte) => memberships[byte]!);
}

/** The coarsest classes that keep apart what either of two keeps apart. */
export function commonClasses(a: ByteClasses, b: ByteClasses): ByteClasses {
  return byteClassesFrom((byte) => a.classOf[byte]! * 256 + b.classOf[byte]!);
}

function isCapital(byte: number): boolean {
  return byte >= 0x41 && byte <= 0x5a;
}
