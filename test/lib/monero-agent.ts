// Starts the detector of what programs compute for a test.
import type { LogLine } from "./agent.js";
import { DetectorAgent, freePorts } from "./detector-agent.js";

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
