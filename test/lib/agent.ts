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

/** Bytes, as Latin-1, that a terminal shows and does not obey. */
const PLAIN = /^[^\x00-\x1f\x7f]*$/;

/** Between looks at what the test holds itself, and between questions that the agent has to answer. */
const LOOK_EVERY_MS = 5;
const ASK_EVERY_MS = 25;

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
  /** The lines again, so that a wait among the thousands of a flood does not read them all each time. */
  readonly #byAction = new Map<string, LogLine[]>();
  readonly #byEvent = new Map<string, LogLine[]>();
  readonly #byPid = new Map<number, LogLine[]>();
  readonly #kills: LogLine[] = [];
  #markers = 0;
  /** How many lines of a process id were handed out. */
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
        const guards = () => agent.events("Guarding").length > 0;
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
    for (;;) {
      const held = condition();
      if (await held) return;
      if (this.#badLine !== null) throw new Error(this.#badLine);
      if (this.hasEnded)
        throw new Error(`the agent ended with ${this.process.exitCode} before ${what}: ${this.#stderr}`);
      if (Date.now() > until) throw new Error(`waited ${deadlineMs} ms for ${what}`);
      await sleep(typeof held === "boolean" ? LOOK_EVERY_MS : ASK_EVERY_MS);
    }
  }

  get hasEnded(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  /** Lines with an action, of one process if given. */
  actions(action: string, pid?: number): readonly LogLine[] {
    if (pid !== undefined) return (this.#byPid.get(pid) ?? []).filter((line) => line.action === action);
    return this.#byAction.get(action) ?? [];
  }

  events(event: string): readonly LogLine[] {
    return this.#byEvent.get(event) ?? [];
  }

  /** Of the events that begin so: their numbers stand behind. */
  eventsLike(beginning: string): readonly LogLine[] {
    return [...this.#byEvent].flatMap(([event, lines]) => (event.startsWith(beginning) ? lines : []));
  }

  /** The lines of one process, once there are any. Each is handed out once: process ids come again after some seconds. */
  async linesOf(pid: number): Promise<LogLine[]> {
    const handedOut = this.#handedOut.get(pid) ?? 0;
    const all = () => this.#byPid.get(pid) ?? [];
    await this.waitFor(() => all().length > handedOut, `a line of process ${pid}`);
    this.#handedOut.set(pid, all().length);
    return all().slice(handedOut);
  }

  /** Wait until everything that the kernel has killed so far is in the log: events of kills keep their order. */
  async settle(): Promise<void> {
    const before = this.#markers;
    await run("/bin/true", [this.#marker]);
    await this.waitFor(() => this.#markers > before, "the last line");
  }

  /** Kill lines but those of {@link settle}. */
  kills(): readonly LogLine[] {
    return this.#kills;
  }

  /** The value of a metric, its series' labels as they stand: `processes_killed_total{source="execwhacker.bpf"}`. */
  async metric(series: string): Promise<number> {
    const response = await fetch(`http://127.0.0.1:${this.metricsPort}/metrics`);
    const text = await response.text();
    if (!response.ok) throw new Error(`the metrics: ${response.status} ${text}`);
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
    const isPlain = PLAIN.test(line.toString("latin1")) && isUtf8(line);
    if (!isPlain || line.length > MAX_LINE_BYTES)
      this.#badLine = `a log line of ${line.length} bytes that begins ${JSON.stringify(line.subarray(0, 200).toString())}`;
    this.rawLines.push(line);
    const parsed = JSON.parse(line.toString()) as LogLine;
    this.lines.push(parsed);
    const { action, event, pid } = parsed;
    if (action !== undefined) addTo(this.#byAction, action, parsed);
    if (event !== undefined) addTo(this.#byEvent, event, parsed);
    if (pid !== undefined) addTo(this.#byPid, pid, parsed);
    if (parsed["matched"] === this.#marker) this.#markers++;
    else if (action === "killed") this.#kills.push(parsed);
  }
}

function addTo<K>(index: Map<K, LogLine[]>, key: K, line: LogLine): void {
  const lines = index.get(key);
  if (lines === undefined) index.set(key, [line]);
  else lines.push(line);
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
