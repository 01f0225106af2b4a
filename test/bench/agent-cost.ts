// The agent itself: how long it takes until it guards and until a new list is in force, and the memory it keeps.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { ROOT, randomString } from "../lib/agent.js";
import { execLoop } from "./exec-loop.js";
import type { Result } from "./result.js";
import { median } from "./statistics.js";
import { bannedStrings } from "./strings.js";

const STARTS = 7;
const SIZES = [
  [6100, 300],
  [100_000, 1000],
] as const;
const KILLS = 10_000;
const MEMORY_GOAL_MIB = 64;

/** An agent that judges only this process's descendants. */
class BenchAgent {
  readonly process: ChildProcess;
  readonly startedMs = performance.now();
  kills = 0;
  readonly #waiting = new Map<string, (ms: number) => void>();
  #rest = "";

  constructor(config: string, flags: readonly string[] = []) {
    this.process = spawn(
      `${ROOT}bin/cryptnono`,
      ["execwhacker", "--config", config, "--scope-pid", String(process.pid), "--scan-existing", "0", ...flags],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    this.process.stdout!.setEncoding("utf8").on("data", (text: string) => this.#read(text));
  }

  /** When the line with this event came. */
  event(name: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(name, resolve);
      this.process.once("exit", () => reject(new Error(`the agent ended before «${name}»`)));
    });
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.process.once("close", resolve));
    this.process.kill("SIGTERM");
    await ended;
  }

  /** Resident, and its share of what is shared, in MiB. */
  memory(): { readonly rss: number; readonly pss: number } {
    const rollup = readFileSync(`/proc/${this.process.pid}/smaps_rollup`, "utf8");
    const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(rollup)?.[1]);
    return { rss: kib("Rss") / 1024, pss: kib("Pss") / 1024 };
  }

  #read(text: string): void {
    const nowMs = performance.now();
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop()!;
    for (const line of lines) {
      if (line.includes('"action":"killed"')) this.kills += 1;
      for (const [name, resolve] of this.#waiting) {
        if (!line.includes(`"event":"${name}"`)) continue;
        this.#waiting.delete(name);
        resolve(nowMs);
      }
    }
  }
}

export async function measureAgent(): Promise<Result[]> {
  const directory = mkdtempSync(join(tmpdir(), "cryptnono-bench-agent-"));
  try {
    const banned = randomString();
    const configs = new Map<number, string>();
    for (const [size] of SIZES) {
      const file = join(directory, `${size}.json`);
      writeFileSync(file, configText(size, banned));
      configs.set(size, file);
    }
    return [
      ...compileCost(configs),
      ...(await startAndReload(configs, banned)),
      ...(await memory(configs.get(6100)!, banned)),
      ...(await memory(configs.get(100_000)!, banned, 0)),
    ];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function configText(size: number, extra: string): string {
  return JSON.stringify({ bannedCommandStrings: [...bannedStrings(size - 1), extra] });
}

/** Each in a process of its own: the agent compiles once, with code that has not run yet. */
function compileCost(configs: ReadonlyMap<number, string>): Result[] {
  return [...configs].flatMap(([size, file]) => {
    const runs = Array.from({ length: 5 }, () => {
      const output = execFileSync(process.execPath, [
        fileURLToPath(new URL("./compile-once.js", import.meta.url)),
        file,
      ]);
      return JSON.parse(output.toString()) as { readonly ms: number; readonly bytes: number };
    });
    const times = runs.map(({ ms }) => ms);
    const name = `tables of ${size.toLocaleString("en-US")} strings`;
    return [
      { name: `${name}: compile`, median: median(times), best: Math.min(...times), unit: "ms" },
      { name: `${name}: size`, median: runs[0]!.bytes / 2 ** 20, unit: "MiB" },
    ];
  });
}

async function startAndReload(configs: ReadonlyMap<number, string>, banned: string): Promise<Result[]> {
  const starts = new Map<number, number[]>(SIZES.map(([size]) => [size, []]));
  const reloads = new Map<number, number[]>(SIZES.map(([size]) => [size, []]));
  for (let turn = 0; turn < STARTS; turn++) {
    for (const [size] of SIZES) {
      const agent = new BenchAgent(configs.get(size)!);
      starts.get(size)!.push((await agent.event("Guarding")) - agent.startedMs);
      if (turn < 3) {
        await sleep(300);
        writeFileSync(configs.get(size)!, configText(size, `${banned}${turn}`));
        const reloaded = agent.event("Config reloaded");
        const sentMs = performance.now();
        agent.process.kill("SIGHUP");
        reloads.get(size)!.push((await reloaded) - sentMs);
        writeFileSync(configs.get(size)!, configText(size, banned));
      }
      await agent.stop();
    }
  }
  return SIZES.flatMap(([size, goal]) => {
    const started = starts.get(size)!;
    const reloaded = reloads.get(size)!;
    const strings = `${size.toLocaleString("en-US")} strings`;
    return [
      {
        name: `from start to guarding, ${strings}`,
        median: median(started),
        best: Math.min(...started),
        unit: "ms",
        goal,
      },
      { name: `reload, ${strings}`, median: median(reloaded), best: Math.min(...reloaded), unit: "ms" },
    ];
  });
}

/** After the start has settled, and after `kills` kills. */
async function memory(config: string, banned: string, kills = KILLS): Promise<Result[]> {
  const results: Result[] = [];
  const strings = config.includes("100000") ? "100,000 strings" : "6,100 strings";
  for (const flags of [[], ["--lookup-container"]]) {
    const agent = new BenchAgent(config, flags);
    await agent.event("Guarding");
    await sleep(2500);
    const shown = `${strings}${flags.length > 0 ? ", --lookup-container" : ""}`;
    const say = (when: string) => {
      const { rss, pss } = agent.memory();
      results.push(
        { name: `memory ${when}, ${shown}: RSS`, median: rss, unit: "MiB", goal: MEMORY_GOAL_MIB },
        { name: `memory ${when}, ${shown}: PSS`, median: pss, unit: "MiB" },
      );
    };
    say("after start");
    if (kills > 0) {
      for (let left = kills; left > 0; left -= 500) {
        const { killed } = execLoop(500, ["/bin/true", "true", banned]);
        if (killed !== 500) throw new Error(`${killed} of 500 were killed`);
        // Let the log's reader (this process) have its turn.
        await sleep(1);
      }
      const until = Date.now() + 20_000;
      while (agent.kills < kills && Date.now() < until) await sleep(20);
      say(`after ${agent.kills.toLocaleString("en-US")} kills`);
    }
    await agent.stop();
  }
  return results;
}
