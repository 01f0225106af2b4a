// Processes that execute one command line as fast as they can, for as long as a test lets them.
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { randomString } from "./agent.js";
import { numbersOf, packWords, prog } from "./progs.js";

export interface LoopEnd {
  /** How many of its processes died of SIGKILL. */
  readonly killed: number;
  /** How many ended otherwise. */
  readonly other: number;
}

/** They end with the test, after ten minutes, or when stopped. */
export class ExecLoops {
  readonly #directory: string;
  readonly #ends: (() => Promise<LoopEnd>)[] = [];

  /** @param directory - Where the command lines are put down. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** @param words - The path, then `argv[0]` and on. */
  async start(count: number, words: readonly string[]): Promise<void> {
    const file = join(this.#directory, randomString("words"));
    writeFileSync(file, packWords(words));
    for (let i = 0; i < count; i++) {
      const child = spawn(prog("exec-on"), [file], { stdio: ["pipe", "pipe", "pipe"], timeout: 600_000 });
      let text = "";
      child.stderr.on("data", (bytes: Buffer) => {
        text += bytes.toString();
      });
      const begun = new Promise<void>((resolve) => {
        child.stdout.on("data", (bytes: Buffer) => {
          text += bytes.toString();
          resolve();
        });
      });
      const closed = new Promise<string>((resolve) =>
        child.once("close", (code, signal) => resolve(`${code ?? signal}`)),
      );
      this.#ends.push(async () => {
        child.stdin.end();
        const status = await closed;
        if (status !== "0") throw new Error(`a loop ended with ${status}: ${text}`);
        return numbersOf(text) as unknown as LoopEnd;
      });
      const early = await Promise.race([begun, closed]);
      if (early !== undefined) throw new Error(`a loop ended with ${early} before it began: ${text}`);
    }
  }

  /** @returns what became of each loop's processes. */
  stop(): Promise<LoopEnd[]> {
    return Promise.all(this.#ends.splice(0).map((end) => end()));
  }
}
