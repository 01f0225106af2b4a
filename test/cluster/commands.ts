// kubectl and helm as child processes. Banned strings must never be in their arguments, where a detector on this very
// node would find them: they go in on standard input.
import { spawn } from "node:child_process";

export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

/** Run a program to its end, at most two minutes long, whatever its exit code. Rejects only when it cannot be started. */
export function tryRun(command: readonly string[], stdin = ""): Promise<Ran> {
  const [file = "", ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ["pipe", "pipe", "pipe"], timeout: 120_000, killSignal: "SIGKILL" });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ stdout, stderr, code }));
    // A program that ends before it has read its input is no failure of ours.
    child.stdin.on("error", () => {});
    child.stdin.end(stdin);
  });
}

/** Standard output of a program. Rejects with its standard error when it exits with anything but 0. */
export async function run(command: readonly string[], stdin = ""): Promise<string> {
  const { stdout, stderr, code } = await tryRun(command, stdin);
  if (code !== 0) throw new Error(`${command.slice(0, 4).join(" ")} ...: exit ${code}: ${stderr.trim()}`);
  return stdout;
}

/** A command as an operator types it, split at spaces: `sh("kubectl -n support get pod")`. */
export function typed(line: string): Promise<string> {
  return run(line.split(/\s+/));
}

/** What `kubectl get ... -o json` says. */
export async function kubectlJson<T>(...args: readonly string[]): Promise<T> {
  return JSON.parse(await run(["kubectl", ...args, "-o", "json"])) as T;
}

/** Ask until the answer is neither undefined nor false. Rejects, naming `what`, after `seconds`. */
export async function until<T>(
  what: string,
  seconds: number,
  ask: () => Promise<T | undefined | false>,
  everyMs = 200,
): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > deadline) throw new Error(`not within ${seconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
