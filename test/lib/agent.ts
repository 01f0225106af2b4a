// Starts the real agent for a test: its own config, random strings, and a scope, so that it can hit nothing but the test.
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export const ROOT = new URL("../../..", import.meta.url).pathname;

/** A string that stands on no command line but the test's: the test detector bans it, and only for this run. */
export function randomString(prefix = "cn"): string {
  return `${prefix}${randomBytes(12).toString("hex")}`;
}

export type LogLine = Readonly<Record<string, unknown>> & {
  readonly action?: string;
  readonly pid?: number;
  readonly cmdline?: string;
  readonly event?: string;
};

export interface ConfigFile {
  readonly bannedCommandStrings: readonly (string | Readonly<Record<string, string>>)[];
  readonly allowedCommandPatterns?: readonly string[];
  readonly mode?: "enforce" | "audit";
}

/** A running agent. */
export class TestAgent {
  readonly process: ChildProcess;
  readonly configFile: string;
  /** Lines as they came, parsed. */
  readonly lines: LogLine[] = [];
  readonly #directory: string;
  #rest = "";
  #stderr = "";

  private constructor(config: ConfigFile, flags: readonly string[]) {
    this.#directory = mkdtempSync(join(tmpdir(), "cryptnono-test-"));
    this.configFile = join(this.#directory, "config.json");
    this.write(config);
    this.process = spawn(
      join(ROOT, "bin/cryptnono"),
      [
        "execwhacker",
        "--config",
        this.configFile,
        "--scope-pid",
        String(process.pid),
        "--scan-existing",
        "0",
        ...flags,
      ],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    this.process.stdout!.setEncoding("utf8").on("data", (text: string) => this.#read(text));
    this.process.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
    });
  }

  /** Start an agent and wait until it guards. Only this process's descendants are judged. */
  static async start(config: ConfigFile, flags: readonly string[] = []): Promise<TestAgent> {
    const agent = new TestAgent(config, flags);
    try {
      await agent.waitFor(() => agent.lines.some(({ event }) => event === "Guarding"), "the agent to guard");
    } catch (error) {
      agent.process.kill("SIGKILL");
      throw new Error(`${String(error)}; standard error: ${agent.#stderr}`);
    }
    return agent;
  }

  write(config: ConfigFile): void {
    writeFileSync(this.configFile, JSON.stringify(config));
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Poll until `condition` holds. @throws after `deadlineMs`, or when the agent has ended. */
  async waitFor(condition: () => boolean, what: string, deadlineMs = 20_000): Promise<void> {
    const until = Date.now() + deadlineMs;
    while (!condition()) {
      if (this.process.exitCode !== null)
        throw new Error(`the agent ended with ${this.process.exitCode} before ${what}`);
      if (Date.now() > until) throw new Error(`waited ${deadlineMs} ms for ${what}`);
      await sleep(5);
    }
  }

  /** Lines with an action, of one process if given. */
  actions(action: string, pid?: number): LogLine[] {
    return this.lines.filter((line) => line.action === action && (pid === undefined || line.pid === pid));
  }

  /** SIGTERM, then all that it still has to say. @returns its exit status. */
  async stop(): Promise<number | null> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const ended = new Promise((resolve) => this.process.once("close", resolve));
      this.process.kill("SIGTERM");
      await ended;
    }
    rmSync(this.#directory, { recursive: true, force: true });
    return this.process.exitCode;
  }

  #read(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop()!;
    for (const line of lines) this.lines.push(JSON.parse(line) as LogLine);
  }
}

/** How a child ended, and what it printed. */
export interface Ended {
  readonly pid: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
}

/** Run a program to its end. `argv0` as with spawn. */
export function run(
  file: string,
  args: readonly string[],
  options: { readonly argv0?: string; readonly env?: NodeJS.ProcessEnv; readonly cwd?: string } = {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, [...args], { ...options, stdio: ["ignore", "pipe", "ignore"] });
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ pid: child.pid!, code, signal, stdout: Buffer.concat(chunks) }));
  });
}
