// The bytes of /proc/PID/cmdline to arguments.

/**
 * More arguments than this stay together as one, NULs inside: a view of each of a million empty arguments would take a hundred
 * times their bytes. Searching joins arguments by NUL again, so it sees no difference.
 */
const MAX_ARGUMENTS = 16_384;
/** Empty arguments at the end are real up to here; beyond, they are the padding of a process that wrote over its arguments. */
const MAX_TRAILING_EMPTY = 64;
const NUL = 0;

/**
 * Split the argument area. The kernel ends each argument with a NUL; a process that wrote over its own may leave none, or
 * many.
 *
 * @param isCut - It goes on behind `area`: nothing is known of its end.
 * @returns Views of `area`.
 */
export function splitArguments(area: Uint8Array, isCut = false): Uint8Array[] {
  const stop = isCut ? area.length : endOf(area);
  if (stop === 0 && (area.length === 0 || area.length > MAX_TRAILING_EMPTY)) return [];
  const args: Uint8Array[] = [];
  let from = 0;
  while (args.length < MAX_ARGUMENTS - 1) {
    const at = area.indexOf(NUL, from);
    if (at < 0 || at >= stop) break;
    args.push(area.subarray(from, at));
    from = at + 1;
  }
  args.push(area.subarray(from, stop));
  return args;
}

/** Where the last argument of an area ends. */
export function endOf(area: Uint8Array): number {
  let end = area.length;
  while (end > 0 && area[end - 1] === NUL) end--;
  const trailing = area.length - end;
  // The first NUL after the last argument ends it; each further one ends an empty argument.
  return trailing === 0 || trailing - 1 > MAX_TRAILING_EMPTY ? end : area.length - 1;
}
