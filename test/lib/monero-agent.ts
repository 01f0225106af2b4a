// Starts the detector of what programs compute for a test; only this process's descendants are judged.
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort, type LogLine, ROOT } from "./agent.js";

const DEADLINE_MS = 60_000;

export class MoneroAgent {
  readonly process: ChildProcess;
  readonly lines: LogLine[] = [];
  readonly #metricsPort: number;
  readonly healthPort: number;
  #rest = "";
  #stderr = "";

  private constructor(flags: readonly string[], ports: readonly [number, number]) {
    [this.#metricsPort, this.healthPort] = ports;
    const common = ["--scope-pid", String(process.pid), "--whole-lines", "0"];
    const served = ["--serve-metrics-port", String(ports[0]), "--health-port", String(ports[1])];
    this.process = spawn(join(ROOT, "bin/cryptnono"), ["monero", ...common, ...served, ...flags], {
      stdio: ["ignore", "pipe", "pipe"],
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

  /** Start one and wait until it guards. */
  static async start(flags: readonly string[] = []): Promise<MoneroAgent> {
    const agent = new MoneroAgent(flags, [await freePort(), await freePort()]);
    try {
      await agent.until("it guards", () => agent.lines.some(({ event }) => event === "Guarding"));
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

  actions(action: string, pid?: number): LogLine[] {
    return this.lines.filter((line) => line.action === action && (pid === undefined || line.pid === pid));
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

  /** The line of one process, once it is there. */
  async lineOf(action: string, pid: number): Promise<LogLine> {
    await this.until(`${action} of ${pid}`, () => this.actions(action, pid).length > 0);
    return this.actions(action, pid)[0]!;
  }

  async metric(series: string): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${this.#metricsPort}/metrics`)).text();
    const line = text.split("\n").find((one) => one.startsWith(`cryptnono_monero_${series} `));
    if (line === undefined) throw new Error(`no series ${series}`);
    return Number(line.slice(line.lastIndexOf(" ")));
  }

  async readiness(): Promise<{ readonly status: number; readonly text: string }> {
    const response = await fetch(`http://127.0.0.1:${this.healthPort}/readyz`);
    return { status: response.status, text: await response.text() };
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    if (!this.hasEnded) this.process.kill(signal);
    const end = Date.now() + DEADLINE_MS;
    while (!this.hasEnded) {
      if (Date.now() > end) throw new Error("the agent does not end");
      await sleep(10);
    }
    return this.process.exitCode;
  }
}
