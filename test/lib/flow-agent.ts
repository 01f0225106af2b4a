// Starts the network guard for a test, and programs in a network of their own for it to judge.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort, type LogLine, ROOT } from "./agent.js";
import { prog } from "./progs.js";

const DEADLINE_MS = 120_000;

export interface FlowOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** Do not wait until it guards. */
  readonly expectsError?: boolean;
}

export class FlowAgent {
  readonly process: ChildProcess;
  readonly lines: LogLine[] = [];
  readonly #metricsPort: number;
  readonly #healthPort: number;
  #rest = "";
  #stderr = "";

  private constructor(flags: readonly string[], ports: readonly [number, number], { env = process.env }: FlowOptions) {
    [this.#metricsPort, this.#healthPort] = ports;
    const common = ["--scope-pid", String(process.pid), "--whole-lines", "0"];
    const served = ["--serve-metrics-port", String(ports[0]), "--health-port", String(ports[1])];
    this.process = spawn(join(ROOT, "bin/cryptnono"), ["flowkiller", ...common, ...served, ...flags], {
      stdio: ["ignore", "pipe", "pipe"],
      env,
    });
    this.process.stdout!.setEncoding("utf8").on("data", (text: string) => {
      const lines = (this.#rest + text).split("\n");
      this.#rest = lines.pop()!;
      this.lines.push(...lines.map((line) => JSON.parse(line) as LogLine));
    });
    this.process.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
    });
  }

  /** Start one and wait until it guards. Only this process's descendants are judged. */
  static async start(flags: readonly string[], options: FlowOptions = {}): Promise<FlowAgent> {
    const agent = new FlowAgent(flags, [await freePort(), await freePort()], options);
    if (options.expectsError) return agent;
    try {
      await agent.until("it guards", () => agent.events("Guarding").length > 0);
    } catch (error) {
      agent.process.kill("SIGKILL");
      throw error;
    }
    return agent;
  }

  get stderr(): string {
    return this.#stderr;
  }

  get hasEnded(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  events(event: string): LogLine[] {
    return this.lines.filter((line) => line.event === event);
  }

  actions(action: string): LogLine[] {
    return this.lines.filter((line) => line.action === action);
  }

  /** @throws after a generous time, or when the agent has ended. */
  async until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
    const end = Date.now() + DEADLINE_MS;
    while (!(await condition())) {
      if (this.hasEnded) throw new Error(`the agent ended before ${what}: ${this.#stderr}`);
      if (Date.now() > end) throw new Error(`waited for: ${what}`);
      await sleep(10);
    }
  }

  /** Its exit status. */
  async ended(): Promise<number | null> {
    const end = Date.now() + DEADLINE_MS;
    while (!this.hasEnded) {
      if (Date.now() > end) throw new Error("the agent does not end");
      await sleep(10);
    }
    return this.process.exitCode;
  }

  async metric(series: string): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${this.#metricsPort}/metrics`)).text();
    const line = text.split("\n").find((one) => one.startsWith(`cryptnono_flowkiller_${series} `));
    if (line === undefined) throw new Error(`no series ${series}`);
    return Number(line.slice(line.lastIndexOf(" ")));
  }

  async readiness(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.#healthPort}/readyz`)).text();
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    if (!this.hasEnded) this.process.kill(signal);
    return this.ended();
  }
}

/** A folder of the test's own with lists in it. */
export class Lists {
  readonly directory = mkdtempSync(join(tmpdir(), "cn-lists-"));

  write(name: string, text: string): string {
    const file = join(this.directory, name);
    writeFileSync(file, text);
    return file;
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export interface NetworkRun {
  /** What the script printed. */
  readonly lines: readonly string[];
  /** Packets that left, by the address that they went to. */
  readonly packets: ReadonlyMap<string, number>;
  readonly stderr: string;
}

/** Run a shell script in a network of its own, in which every address is the machine's. */
export function inNetwork(script: string, env: NodeJS.ProcessEnv = process.env): Promise<NetworkRun> {
  return new Promise((resolve, reject) => {
    const child = spawn(prog("any-net"), ["sh", "-c", script], { stdio: ["ignore", "pipe", "pipe"], env });
    let [out, err] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      err += text;
    });
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 99 || code === 98) return reject(new Error(`any-net: ${err}`));
      const packets = new Map(
        [...err.matchAll(/^packet (\S+) (\d+)$/gm)].map(([, address, count]) => [address!, Number(count)]),
      );
      resolve({ lines: out.split("\n").filter((line) => line !== ""), packets, stderr: err });
    });
  });
}

/** A line of script that reaches for an address and tells its exit status after what it said: `tcp 192.0.2.1 refused 0`. */
export function reach(way: string, address: string, port = 9): string {
  return `echo ${way} ${address} $(${prog("reach")} ${way} ${address} ${port}; echo $?)`;
}

/** 128 + SIGKILL, as a shell tells it. */
export const KILLED = "137";
