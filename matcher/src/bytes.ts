// Two things that are done with arguments' bytes in more than one place.

/** Arguments joined by NUL, as the kernel has them, without the last NUL. */
export function joinArguments(args: readonly Uint8Array[]): Uint8Array {
  const length = args.reduce((sum, argument) => sum + argument.length, 0) + Math.max(0, args.length - 1);
  const joined = new Uint8Array(length);
  let at = 0;
  for (const argument of args) {
    joined.set(argument, at);
    at += argument.length + 1;
  }
  return joined;
}

/** ASCII capitals to small letters, and nothing else: white space stays what it is, unlike in `fold`. */
export function lowerCase(bytes: Uint8Array): Uint8Array {
  const lower = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    lower[i] = byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
  }
  return lower;
}
