// Shell quoting of a command line, byte by byte, as Python's `shlex.join` does it: what the log shows and what allow
// patterns are matched against.

/**
 * 256 entries: 1 for the bytes that need no quotes, ASCII letters, digits and `_@%+=:,./-`.
 * @see https://docs.python.org/3/library/shlex.html#shlex.quote
 */
export const SHELL_SAFE: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[\w@%+=:,./-]/.test(String.fromCharCode(byte)) ? 1 : 0,
);

const APOSTROPHE = 0x27;
const SPACE = 0x20;
/** How an apostrophe is written inside quotes: close them, quote it by `"`, open them again. */
const ESCAPED_APOSTROPHE = new TextEncoder().encode(`'"'"'`);

/**
 * One argument, quoted where the shell would need it.
 *
 * @param bytes - The argument in any encoding or none. Bytes beyond ASCII are quoted, never changed.
 * @returns `bytes` itself when it is not empty and all of {@link SHELL_SAFE}; else a copy between apostrophes.
 */
export function quoteArgument(bytes: Uint8Array): Uint8Array {
  return isSafe(bytes) ? bytes : quoteLine([bytes]);
}

/** Arguments quoted by {@link quoteArgument} and joined by one space. No arguments give no bytes. */
export function quoteLine(args: readonly Uint8Array[]): Uint8Array {
  const line = new Uint8Array(args.reduce((sum, argument) => sum + quotedLength(argument) + 1, 0));
  let end = 0;
  for (const argument of args) {
    if (end > 0) line[end++] = SPACE;
    end = isSafe(argument) ? putBytes(line, end, argument) : putQuoted(line, end, argument);
  }
  return line.subarray(0, end);
}

function isSafe(bytes: Uint8Array): boolean {
  // Loops by index here and below: by iterator they take five times as long, and a flood has 8 KiB of them in each line.
  for (let i = 0; i < bytes.length; i++) if (SHELL_SAFE[bytes[i]!] === 0) return false;
  return bytes.length > 0;
}

function quotedLength(bytes: Uint8Array): number {
  let length = bytes.length + 2;
  for (let i = 0; i < bytes.length; i++) if (bytes[i] === APOSTROPHE) length += ESCAPED_APOSTROPHE.length - 1;
  return length;
}

function putBytes(line: Uint8Array, at: number, bytes: Uint8Array): number {
  line.set(bytes, at);
  return at + bytes.length;
}

function putQuoted(line: Uint8Array, at: number, bytes: Uint8Array): number {
  let end = at;
  line[end++] = APOSTROPHE;
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] === APOSTROPHE)
      for (let j = 0; j < ESCAPED_APOSTROPHE.length; j++) line[end++] = ESCAPED_APOSTROPHE[j]!;
    else line[end++] = bytes[i]!;
  }
  line[end++] = APOSTROPHE;
  return end;
}
