// Starts the real agent for a test: its own config, random strings, and a scope, so that it can hit nothing but the test.
import { isUtf8 } from "node:buffer";
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

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
  readonly bannedCommandStrings: readonly (string | Readonly<Record<string, unknown>>)[];
  readonly allowedCommandPatterns?: readonly (string | AllowedPattern)[];
  readonly wallets?: readonly (string | Readonly<Record<string, string | boolean>>)[];
  readonly mode?: "enforce" | "audit";
  readonly scope?: unknown;
  readonly candidate?: boolean;
  readonly replaces?: string;
  readonly revision?: string;
}

interface AllowedPattern {
  readonly pattern: string;
  readonly for: "all" | readonly string[];
}

export interface StartOptions {
  /** More config files, beside the first. */
  readonly more?: readonly ConfigFile[];
  /** Instead of a file of the test's own; `config` is not written then. */
  readonly configFile?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** The checkout that it is started from; this one when left out. */
  readonly root?: string;
  /** It leads a process group of its own. */
  readonly detached?: boolean;
  /** false: nothing is read from the agent's standard output before {@link TestAgent.read}. */
  readonly read?: boolean;
}

/** Longest log line: container runtimes split lines at 16 KiB. */
const MAX_LINE_BYTES = 16_384;

/** An emulated machine beside other loads verifies the programs in a minute. */
const START_MS = 180_000;

/** A running agent. */
export class TestAgent {
  readonly process: ChildProcess;
  readonly configFile: string;
  /** Lines as they came, parsed. */
  readonly lines: LogLine[] = [];
  /** The same lines' bytes. */
  readonly rawLines: Buffer[] = [];
  /** How many lines there were when a process id was last asked for. */
  readonly #handedOut = new Map<number, number>();
  /** A banned string that the config has besides the test's own, for {@link settle}. */
  readonly #marker = randomString("marker");
  readonly #directory: string;
  readonly metricsPort: number;
  readonly healthPort: number;
  #rest = Buffer.alloc(0);
  #stderr = "";
  #badLine: string | null = null;

  private constructor(
    config: ConfigFile,
    flags: readonly string[],
    ports: readonly [number, number],
    { more = [], configFile, env = process.env, root = ROOT, detached = false, read = true }: StartOptions,
  ) {
    [this.metricsPort, this.healthPort] = ports;
    this.#directory = mkdtempSync(join(tmpdir(), "cryptnono-test-"));
    this.configFile = configFile ?? join(this.#directory, "config.json");
    if (configFile === undefined) this.write(config);
    const others = more.map((content, i) => {
      const file = join(this.#directory, `more-${i + 1}.json`);
      writeFileSync(file, JSON.stringify(content));
      return file;
    });
    this.process = spawn(
      join(root, "bin/cryptnono"),
      [
        "execwhacker",
        ...[this.configFile, ...others].flatMap((file) => ["--config", file]),
        "--scope-pid",
        String(process.pid),
        "--scan-existing",
        "0",
        "--whole-lines",
        "0",
        "--serve-metrics-port",
        String(this.metricsPort),
        "--health-port",
        String(this.healthPort),
        ...flags,
      ],
      { stdio: ["ignore", "pipe", "pipe"], env, detached },
    );
    if (read) this.read();
    this.process.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
    });
  }

  /** Start an agent and wait until it guards. Only this process's descendants are judged. */
  static async start(
    config: ConfigFile,
    flags: readonly string[] = [],
    options: StartOptions = {},
  ): Promise<TestAgent> {
    const agent = new TestAgent(config, flags, [await freePort(), await freePort()], options);
    try {
      if (options.read === false) await agent.untilReady();
      else {
        const guards = () => agent.lines.some(({ event }) => event === "Guarding");
        await agent.waitFor(guards, "the agent to guard", START_MS);
      }
    } catch (error) {
      agent.process.kill("SIGKILL");
      throw new Error(`${String(error)}; standard error: ${agent.#stderr}`);
    }
    return agent;
  }

  write(config: ConfigFile): void {
    const bannedCommandStrings = [...config.bannedCommandStrings, this.#marker];
    writeFileSync(this.configFile, JSON.stringify({ ...config, bannedCommandStrings }));
  }

  /** Begin to read its standard output. */
  read(): void {
    this.process.stdout!.on("data", (bytes: Buffer) => this.#read(bytes));
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Poll until `condition` holds. @throws after `deadlineMs`, or when the agent has ended. */
  async waitFor(condition: () => boolean | Promise<boolean>, what: string, deadlineMs = 60_000): Promise<void> {
    const until = Date.now() + deadlineMs;
    while (!(await condition())) {
      if (this.#badLine !== null) throw new Error(this.#badLine);
      if (this.hasEnded)
        throw new Error(`the agent ended with ${this.process.exitCode} before ${what}: ${this.#stderr}`);
      if (Date.now() > until) throw new Error(`waited ${deadlineMs} ms for ${what}`);
      await sleep(5);
    }
  }

  get hasEnded(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  /** Lines with an action, of one process if given. */
  actions(action: string, pid?: number): LogLine[] {
    return this.lines.filter((line) => line.action === action && (pid === undefined || line.pid === pid));
  }

  /** The lines of one process, once there are any. Each is handed out once: process ids come again after some seconds. */
  async linesOf(pid: number): Promise<LogLine[]> {
    const fresh = () => this.lines.slice(this.#handedOut.get(pid) ?? 0).filter((line) => line.pid === pid);
    await this.waitFor(() => fresh().length > 0, `a line of process ${pid}`);
    const lines = fresh();
    this.#handedOut.set(pid, this.lines.length);
    return lines;
  }

  /** Wait until everything that the kernel has killed so far is in the log: events of kills keep their order. */
  async settle(): Promise<void> {
    const isMarker = (line: LogLine) => line["matched"] === this.#marker;
    const before = this.lines.filter(isMarker).length;
    await run("/bin/true", [this.#marker]);
    await this.waitFor(() => this.lines.filter(isMarker).length > before, "the last line");
  }

  /** Kill lines but those of {@link settle}. */
  kills(): LogLine[] {
    return this.actions("killed").filter((line) => line["matched"] !== this.#marker);
  }

  /** The value of a metric, its series' labels as they stand: `processes_killed_total{source="execwhacker.bpf"}`. */
  async metric(series: string): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${this.metricsPort}/metrics`)).text();
    const line = text.split("\n").find((candidate) => candidate.startsWith(`cryptnono_execwhacker_${series} `));
    if (line === undefined) throw new Error(`no series ${series}`);
    return Number(line.slice(line.lastIndexOf(" ")));
  }

  /** The status of /readyz; 0 when nobody answers. */
  async readiness(): Promise<{ status: number; text: string }> {
    try {
      const response = await fetch(`http://127.0.0.1:${this.healthPort}/readyz`);
      return { status: response.status, text: await response.text() };
    } catch {
      return { status: 0, text: "" };
    }
  }

  untilReady(): Promise<void> {
    return this.waitFor(async () => (await this.readiness()).status === 200, "readiness");
  }

  /** SIGTERM, or another signal, then all that it still has to say. @returns its exit status. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    if (!this.hasEnded) {
      const ended = new Promise((resolve) => this.process.once("close", resolve));
      if (this.process.stdout!.listenerCount("data") === 0) this.process.stdout!.resume();
      this.process.kill(signal);
      if (signal !== "SIGKILL") this.process.kill("SIGCONT"); // it may be stopped
      await ended;
    }
    rmSync(this.#directory, { recursive: true, force: true });
    if (this.#badLine !== null) throw new Error(this.#badLine);
    return this.process.exitCode;
  }

  #read(bytes: Buffer): void {
    let from = 0;
    const text = Buffer.concat([this.#rest, bytes]);
    for (let end = text.indexOf(0x0a); end >= 0; end = text.indexOf(0x0a, from)) {
      this.#keep(text.subarray(from, end));
      from = end + 1;
    }
    this.#rest = text.subarray(from);
  }

  /** Whatever a process did, a line is JSON, is not long, and holds nothing that a terminal would obey. */
  #keep(line: Buffer): void {
    const isPlain = line.every((byte) => byte >= 0x20 && byte !== 0x7f) && isUtf8(line);
    if (!isPlain || line.length > MAX_LINE_BYTES)
      this.#badLine = `a log line of ${line.length} bytes that begins ${JSON.stringify(line.subarray(0, 200).toString())}`;
    this.rawLines.push(line);
    this.lines.push(JSON.parse(line.toString()) as LogLine);
  }
}

/** A port that nobody listens on at this moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
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
