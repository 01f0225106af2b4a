// Under which names a running process may have been started. The kernel keeps only the file it executes; the path that was
// given to execve, which the log shows and allow patterns are written for, must be guessed from the arguments and checked,
// as a process can claim any.
import type { CommandLine } from "@cryptnono/matcher";
import type { ProcFiles } from "../proc/index.js";

/** A command line that the process may have been started with, and the interpreter when its path is a script's. */
export interface HonestLine extends CommandLine {
  readonly interpreter?: Uint8Array;
  /** What the contract's line is made of: `argv[0]`, then the arguments that were given. */
  readonly args: readonly Uint8Array[];
}

/**
 * The names of `pid` that are true: `argv[0]` with a slash; a bare `argv[0]` in the usual folders and beside the executable;
 * a script among the first arguments whose first line names this executable.
 *
 * @param exe - What /proc/PID/exe names.
 */
export async function honestLines(
  pid: number,
  exe: Uint8Array,
  args: readonly Uint8Array[],
  proc: ProcFiles,
): Promise<HonestLine[]> {
  const lines: HonestLine[] = [];
  for (const path of typedPaths(exe, args[0])) {
    if (await proc.isExecutable(pid, absolute(pid, path, proc))) lines.push({ path, args });
  }
  for (const [i, path] of args.slice(1, 1 + MAX_SCRIPT_INDEX).entries()) {
    if (path.includes(SLASH) && (await isScriptOf(pid, absolute(pid, path, proc), proc))) {
      lines.push({ path, args: [args[0]!, ...args.slice(i + 2)], interpreter: exe });
    }
  }
  return lines;
}

/** The kernel puts the interpreter, at most one argument of its own, and the script's path. */
const MAX_SCRIPT_INDEX = 2;
const SLASH = 0x2f;
const DASH = 0x2d;
const FOLDERS = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
/** linux NAME_MAX */
const MAX_NAME_BYTES = 255;

function typedPaths(exe: Uint8Array, argv0: Uint8Array | undefined): Uint8Array[] {
  if (argv0 === undefined || argv0.length === 0) return [];
  if (argv0.includes(SLASH)) return [argv0];
  // A login shell's argv[0] has a dash in front.
  const name = argv0[0] === DASH ? argv0.subarray(1) : argv0;
  if (name.length === 0 || name.length > MAX_NAME_BYTES) return [];
  const beside = Buffer.from(exe.subarray(0, Math.max(0, exe.lastIndexOf(SLASH)))).toString("latin1");
  return [...new Set([beside, ...FOLDERS])].map((folder) => Buffer.concat([Buffer.from(`${folder}/`, "latin1"), name]));
}

function absolute(pid: number, path: Uint8Array, proc: ProcFiles): Uint8Array {
  if (path[0] === SLASH) return path;
  try {
    return Buffer.concat([proc.link(pid, "cwd"), Buffer.from("/"), path]);
  } catch {
    return path;
  }
}

async function isScriptOf(pid: number, script: Uint8Array, proc: ProcFiles): Promise<boolean> {
  const head = await proc.head(pid, script);
  // linux fs/binfmt_script.c: `#!`, blanks, the interpreter's path up to a blank or the line's end.
  const interpreter = /^#![ \t]*([^ \t\n\0]+)/.exec(Buffer.from(head ?? []).toString("latin1"))?.[1];
  return (
    interpreter !== undefined && (await proc.isExecutable(pid, absolute(pid, Buffer.from(interpreter, "latin1"), proc)))
  );
}
