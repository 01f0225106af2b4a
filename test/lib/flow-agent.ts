// Starts the network guard for a test, and programs in a network of their own for it to judge.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DetectorAgent, freePorts } from "./detector-agent.js";
import { prog } from "./progs.js";

export interface FlowOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** Do not wait until it guards. */
  readonly expectsError?: boolean;
}

export class FlowAgent extends DetectorAgent {
  /** Start one and wait until it guards. */
  static async start(flags: readonly string[], options: FlowOptions = {}): Promise<FlowAgent> {
    const agent = new FlowAgent("flowkiller", flags, await freePorts(), options.env);
    if (!options.expectsError) await agent.untilGuarding();
    return agent;
  }

  async readiness(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.healthPort}/readyz`)).text();
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
