// Under which names a process runs, for allow patterns: the path of the file that runs, and the path that was given to exec. The
// second the kernel keeps of what it has spared; of others it must be guessed from the arguments and checked, as a process can
// claim any.
import { isPlainPath } from "@cryptnono/matcher";
import type { ProcFiles } from "../../../proc/index.js";

/** The line as allow patterns see it: the path, then the arguments that count. */
export type NamedLine = readonly Uint8Array[];

/** A name that the arguments claim. */
export interface Claim {
  readonly line: NamedLine;
  /** The interpreter that runs it, when it is a script's. */
  readonly interpreter?: Uint8Array;
}

const SLASH = 0x2f;
const DASH = 0x2d;
const FOLDERS = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
/** linux NAME_MAX */
const MAX_NAME_BYTES = 255;
/** linux PATH_MAX, its NUL included. */
const MAX_PATH_BYTES = 4096;
/** The kernel puts the interpreter, at most one argument of its own, and the script's path. */
const MAX_SCRIPT_INDEX = 2;
/** Interpreters may be scripts themselves, five deep at most (linux fs/exec.c `exec_binprm`), each with one argument. */
const MAX_SCRIPT_PREFIX = 12;

/**
 * What the process may have been started as: `argv[0]`, if it is a path; a bare `argv[0]` in the usual folders and beside the
 * executable; a script among the first arguments.
 *
 * @param exe - What /proc/PID/exe names; null when it names nothing.
 */
export function claimsOf(exe: Uint8Array | null, args: readonly Uint8Array[]): Claim[] {
  const claims: Claim[] = [];
  for (const path of typedPaths(exe, args[0])) claims.push({ line: [path, ...args.slice(1)] });
  if (exe !== null) {
    for (const [i, path] of args.slice(1, 1 + MAX_SCRIPT_INDEX).entries()) {
      claims.push({ line: [path, ...args.slice(i + 2)], interpreter: exe });
    }
  }
  return claims.filter(({ line: [path] }) => isPlainPath(path!) && path!.length < MAX_PATH_BYTES);
}

/** The lines of a process whose given path is known: a script's begins behind its own name. */
export function linesUnder(path: Uint8Array, args: readonly Uint8Array[]): NamedLine[] {
  const lines: NamedLine[] = [[path, ...args.slice(1)]];
  const at = args.findIndex((argument, i) => i > 0 && i <= MAX_SCRIPT_PREFIX && Buffer.compare(argument, path) === 0);
  if (at > 0) lines.push([path, ...args.slice(at + 1)]);
  return lines;
}

/** Whether the process really is what it claims; null when that cannot be found out. @throws StuckError */
export async function isTrue(pid: number, { line, interpreter }: Claim, proc: ProcFiles): Promise<boolean | null> {
  const { names, head } = await proc.name(pid, line[0]!, interpreter !== undefined);
  if (interpreter === undefined) return names === "unknown" ? null : names === "same";
  if (names === "none") return false;
  if (head === null) return null;
  // linux fs/binfmt_script.c: `#!`, blanks, the interpreter's path up to a blank or the line's end.
  const named = /^#![ \t]*([^ \t\n\0]+)/.exec(Buffer.from(head).toString("latin1"))?.[1];
  const path = Buffer.from(named ?? "", "latin1");
  if (!isPlainPath(path)) return false;
  const interpreterCheck = await proc.name(pid, path, false);
  return interpreterCheck.names === "unknown" ? null : interpreterCheck.names === "same";
}

function typedPaths(exe: Uint8Array | null, argv0: Uint8Array | undefined): Uint8Array[] {
  if (argv0 === undefined || argv0.length === 0) return [];
  if (argv0.includes(SLASH)) return [argv0];
  // A login shell's argv[0] has a dash in front.
  const name = argv0[0] === DASH ? argv0.subarray(1) : argv0;
  if (name.length === 0 || name.length > MAX_NAME_BYTES) return [];
  const beside = exe === null ? [] : [Buffer.from(exe.subarray(0, exe.lastIndexOf(SLASH))).toString("latin1")];
  return [...new Set([...beside, ...FOLDERS])].map((folder) =>
    Buffer.concat([Buffer.from(`${folder}/`, "latin1"), name]),
  );
}
