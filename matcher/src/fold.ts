// Case folding, byte by byte: what the kernel does to a command line and what the compiler does to a banned string.

/**
 * 256 entries, byte to byte. ASCII capitals become small letters; NUL and the white space bytes 9 to 13 become a space,
 * so that a string with a space also matches over an argument's end, a tab or a newline. Other bytes stay as they are:
 * folding beyond ASCII would need an encoding, and arguments have none.
 */
export const FOLD: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte >= 0x41 && byte <= 0x5a) return byte + 0x20;
  if (byte === 0 || (byte >= 9 && byte <= 13)) return 0x20;
  return byte;
});

/** 256 entries: 1 for the bytes that make an occurrence part of a longer word (ASCII letters, digits, `_`). */
export const WORD: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[A-Za-z0-9_]/.test(String.fromCharCode(byte)) ? 1 : 0,
);

/** A folded copy of `bytes`. */
export function fold(bytes: Uint8Array): Uint8Array {
  const folded = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) folded[i] = FOLD[bytes[i]!]!;
  return folded;
}
