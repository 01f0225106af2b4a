// Starts the detector of what programs compute for a test.
import { type ChildProcess, spawn } from "node:child_process";
import type { Ended, LogLine } from "./agent.js";
import { DetectorAgent, freePorts } from "./detector-agent.js";
import { prog } from "./progs.js";

export class MoneroAgent extends DetectorAgent {
  /** Start one and wait until it guards. */
  static async start(flags: readonly string[] = []): Promise<MoneroAgent> {
    const agent = new MoneroAgent("monero", flags, await freePorts());
    await agent.untilGuarding();
    return agent;
  }

  /** The line of one process, once it is there. */
  async lineOf(action: string, pid: number): Promise<LogLine> {
    await this.until(`${action} of ${pid}`, () => this.actions(action, pid).length > 0);
    return this.actions(action, pid)[0]!;
  }

  async readiness(): Promise<{ readonly status: number; readonly text: string }> {
    const response = await fetch(`http://127.0.0.1:${this.healthPort}/readyz`);
    return { status: response.status, text: await response.text() };
  }
}

/** A program of test/progs that computes until it is killed or ended. */
export class Computing {
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly ended: Promise<Ended>;

  constructor(program: string, args: readonly string[]) {
    const child = spawn(prog(program), [...args], { stdio: ["ignore", "pipe", "ignore"] });
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    this.#child = child;
    this.pid = child.pid!;
    this.ended = new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => resolve({ pid: this.pid, code, signal, stdout: Buffer.concat(chunks) }));
    });
  }

  /** End it, unless it is dead. */
  end(): Promise<Ended> {
    this.#child.kill("SIGTERM");
    return this.ended;
  }
}

/** It went on until it was ended. */
export const lived = ({ signal, stdout }: Ended): boolean => signal === null && stdout.toString() === "lived\n";
