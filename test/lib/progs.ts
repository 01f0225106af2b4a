// The programs of test/progs: built when they are first asked for, and run with a command line that does not stand on their
// own.
import { execFileSync, spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Ended, ROOT } from "./agent.js";

const SOURCES = join(ROOT, "test/progs");
const BUILT = join(ROOT, "build/progs");

/** Path of a built program. `name-32` is an assembler program for the 32-bit calls of an x86-64 machine. */
export function prog(name: string): string {
  const built = join(BUILT, name);
  const is32 = name.endsWith("-32");
  const source = join(SOURCES, readdirSync(SOURCES).find((file) => sourceOf(file, name, is32))!);
  const headers = readdirSync(SOURCES).filter((file) => file.endsWith(".h"));
  const inputs = [source, ...headers.map((file) => join(SOURCES, file))];
  if (existsSync(built) && inputs.every((file) => statSync(file).mtimeMs < statSync(built).mtimeMs)) return built;
  mkdirSync(BUILT, { recursive: true });
  const fresh = `${built}.${process.pid}`;
  if (is32) {
    execFileSync("gcc", ["-E", "-undef", "-D__i386__", "-o", `${fresh}.s`, source]);
    execFileSync("as", ["--32", "-o", `${fresh}.o`, `${fresh}.s`]);
    execFileSync("ld", ["-m", "elf_i386", "-o", fresh, `${fresh}.o`]);
    for (const left of [`${fresh}.s`, `${fresh}.o`]) rmSync(left);
  } else {
    const how = source.endsWith(".S")
      ? ["-nostdlib", "-static"]
      : ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-pthread"];
    execFileSync("gcc", [...how, "-o", fresh, source]);
  }
  renameSync(fresh, built);
  return built;
}

function sourceOf(file: string, name: string, is32: boolean): boolean {
  return is32
    ? file === `${name}.S` || file === `${name.slice(0, -3)}.S`
    : file === `${name}.c` || file === `${name}.S`;
}

/** A folder of the test's own, below the system's, and what it makes of victims in it. */
export class Workshop {
  readonly directory = mkdtempSync(join(tmpdir(), "cn-"));

  /** A copy of the program that prints «ran» by its first instructions. `path` is below the folder. */
  victim(path: string, of = "first-instruction"): string {
    const file = join(this.directory, path);
    mkdirSync(join(file, ".."), { recursive: true });
    copyFileSync(prog(of), file);
    return file;
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export type Word = string | Uint8Array;

export interface Launched extends Ended {
  readonly stderr: string;
  /** Of a program that starts a child: the child's process id and wait status. */
  readonly child: { readonly pid: number; readonly status: number } | null;
}

/**
 * Run `program` of test/progs and give it `words`: the path, then `argv[0]` and on.
 *
 * @param args - The program's own arguments; no banned string may stand there.
 */
export function launch(
  program: string,
  words: readonly Word[],
  args: readonly string[] = [],
  options: { readonly cwd?: string } = {},
): Promise<Launched> {
  return new Promise((resolve, reject) => {
    const child = spawn(prog(program), [...args], { ...options, stdio: ["pipe", "pipe", "pipe"] });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
    child.once("error", reject);
    child.stdin.once("error", reject);
    child.stdin.end(packWords(words));
    child.once("close", (code, signal) => {
      const stderr = Buffer.concat(err).toString();
      const told = /child (\d+) status (\d+)/.exec(stderr);
      resolve({
        pid: child.pid!,
        code,
        signal,
        stdout: Buffer.concat(out),
        stderr,
        child: told === null ? null : { pid: Number(told[1]), status: Number(told[2]) },
      });
    });
  });
}

/** Each word with a NUL behind it. */
export function packWords(words: readonly Word[]): Buffer {
  return Buffer.concat(words.flatMap((word) => [Buffer.from(word as string), Buffer.of(0)]));
}

/** The numbers that a program told, by the word in front of each: `killed 10 ended 0`. */
export function numbersOf(text: string): Readonly<Record<string, number>> {
  return Object.fromEntries([...text.matchAll(/([a-z]+) (\d+)/g)].map(([, name, number]) => [name!, Number(number)]));
}
