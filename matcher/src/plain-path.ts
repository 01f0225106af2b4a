// Whether a path says itself which file it names, as bpf/execwhacker/true-path.bpf.h decides it.

const SLASH = 0x2f;
const DOT = 0x2e;

/** Links below these are of the kernel's making, and say nothing. The second is what execveat puts in front. */
const MAGIC = ["/proc/", "/dev/fd/"].map((text) => new TextEncoder().encode(text));

/** Absolute, without empty components, `.` and `..`, and not in /proc or /dev/fd. Links are as their folders' owners made them. */
export function isPlainPath(path: Uint8Array): boolean {
  if (path[0] !== SLASH || MAGIC.some((magic) => magic.every((byte, i) => path[i] === byte))) return false;
  for (let at = 0; at < path.length; at++) {
    if (path[at] !== SLASH) continue;
    const [a = SLASH, b = SLASH, c = SLASH] = path.subarray(at + 1, at + 4);
    if (a === SLASH || (a === DOT && (b === SLASH || (b === DOT && c === SLASH)))) return false;
  }
  return true;
}
