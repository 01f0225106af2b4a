// A detector's agent in a test: its lines, its metrics, its end. Only this process's descendants are judged.
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort, type LogLine, ROOT } from "./agent.js";

const DEADLINE_MS = 120_000;

/** Of its metrics, and of its health. */
export type Ports = readonly [number, number];

export async function freePorts(): Promise<Ports> {
  return [await freePort(), await freePort()];
}

export class DetectorAgent {
  readonly process: ChildProcess;
  readonly lines: LogLine[] = [];
  readonly healthPort: number;
  readonly #detector: string;
  readonly #metricsPort: number;
  #rest = "";
  #stderr = "";

  protected constructor(detector: string, flags: readonly string[], ports: Ports, env = process.env) {
    this.#detector = detector;
    [this.#metricsPort, this.healthPort] = ports;
    const common = ["--scope-pid", String(process.pid), "--whole-lines", "0"];
    const served = ["--serve-metrics-port", String(ports[0]), "--health-port", String(ports[1])];
    this.process = spawn(join(ROOT, "bin/cryptnono"), [detector, ...common, ...served, ...flags], {
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

  get stderr(): string {
    return this.#stderr;
  }

  get hasEnded(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  events(event: string): LogLine[] {
    return this.lines.filter((line) => line.event === event);
  }

  actions(action: string, pid?: number): LogLine[] {
    return this.lines.filter((line) => line.action === action && (pid === undefined || line.pid === pid));
  }

  /**
   * @param series - Its metrics that begin so, behind the detector's name, stand in the error.
   * @throws after a generous time, or when the agent has ended.
   */
  async until(what: string, condition: () => boolean | Promise<boolean>, series?: string): Promise<void> {
    const end = Date.now() + DEADLINE_MS;
    while (!(await condition())) {
      if (this.hasEnded) throw new Error(`the agent ended before ${what}: ${this.#stderr}`);
      if (Date.now() > end) {
        const metrics = series === undefined ? [] : await this.seriesOf(series);
        throw new Error([`waited for: ${what}`, ...metrics].join("\n"));
      }
      await sleep(10);
    }
  }

  /** Until it guards; one that does not is ended. */
  protected async untilGuarding(): Promise<void> {
    try {
      await this.until("it guards", () => this.events("Guarding").length > 0);
    } catch (error) {
      this.process.kill("SIGKILL");
      throw error;
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
    const [line] = await this.seriesOf(`${series} `);
    if (line === undefined) throw new Error(`no series ${series}`);
    return Number(line.slice(line.lastIndexOf(" ")));
  }

  /** Lines of its metrics whose name begins so, behind the detector's. */
  async seriesOf(start: string): Promise<string[]> {
    const response = await fetch(`http://127.0.0.1:${this.#metricsPort}/metrics`);
    const text = await response.text();
    if (!response.ok) throw new Error(`the metrics: ${response.status} ${text}`);
    return text.split("\n").filter((line) => line.startsWith(`cryptnono_${this.#detector}_${start}`));
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    if (!this.hasEnded) this.process.kill(signal);
    return this.ended();
  }
}
