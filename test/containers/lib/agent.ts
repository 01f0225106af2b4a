// Runs the agent as the chart does, and reads its log.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type Scratch, until } from "./scratch.js";

const project = fileURLToPath(new URL("../../../../", import.meta.url));
const program = join(project, "bin/cryptnono");

export type LogLine = Readonly<Record<string, unknown>>;

export interface Agent {
  /** All lines so far. */
  readonly lines: readonly LogLine[];
  /** Wait until as many lines fit. */
  waitFor(
    what: string,
    fits: (line: LogLine) => boolean,
    count?: number,
    timeoutMs?: number,
  ): Promise<readonly LogLine[]>;
  /** End it and wait for its last line. */
  stop(): Promise<void>;
}

/** The sentence to skip with when the agent is not built, else false. */
export function missingAgent(): string | false {
  const parts = ["build/agent/cryptnono.mjs", "build/bpf/execwhacker.bpf.o", "build/native/cryptnono.node"];
  const missing = parts.filter((part) => !existsSync(join(project, part)));
  return missing.length === 0 ? false : `needs ${missing.join(", ")} (make build)`;
}

/**
 * Start the agent; resolves when it guards.
 *
 * @param banned - Written to a file: a command line that held it would be killed.
 */
export async function startAgent(
  scratch: Scratch,
  banned: string,
  endpoints: { readonly cri?: string; readonly docker?: string },
  flags: readonly string[] = [],
): Promise<Agent> {
  const config = join(scratch.directory, "banned.json");
  writeFileSync(config, JSON.stringify({ bannedCommandStrings: [banned] }));
  const none = join(scratch.directory, "none.sock");
  // Each kill has a line here, however many there are in one pod.
  const always = ["--config", config, "--scan-existing", "0", "--lookup-container", "--whole-lines", "0"];
  const child = spawn(program, ["execwhacker", ...always, ...flags], {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      CONTAINER_RUNTIME_ENDPOINT: `unix://${endpoints.cri ?? none}`,
      DOCKER_HOST: `unix://${endpoints.docker ?? none}`,
    },
  });
  scratch.defer(() => stop(child));
  let errors = "";
  child.stderr.on("data", (chunk) => {
    errors += chunk;
  });
  const lines: LogLine[] = [];
  createInterface(child.stdout).on("line", (line) => lines.push(JSON.parse(line)));
  const agent: Agent = {
    lines,
    async waitFor(what, fits, count = 1, timeoutMs = 120_000) {
      let fitting: readonly LogLine[] = [];
      await until(
        what,
        () => {
          fitting = lines.filter(fits);
          if (fitting.length >= count) return true;
          if (child.exitCode === null && child.signalCode === null) return null;
          throw new Error(`wait for ${what}: the agent ended`);
        },
        timeoutMs,
      ).catch((error) => {
        throw new Error(`${error.message}: ${fitting.length} of ${count}\n${errors}`);
      });
      return fitting;
    },
    stop: () => stop(child),
  };
  await agent.waitFor("the agent to guard", (line) => line["event"] === "Guarding");
  return agent;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, "close");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await closed;
  clearTimeout(timer);
}
