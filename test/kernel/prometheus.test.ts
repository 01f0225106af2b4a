// The dashboard's queries and the rules, by a real Prometheus that scrapes a real agent: what is misspelt there shows nothing.
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { caseNumber } from "@cryptnono/agent/report/case-number";
import { ROOT, randomString, run, TestAgent } from "../lib/agent.js";

const isThere = spawnSync("prometheus", ["--version"]).error === undefined;
const skip = isThere ? false : "no prometheus: run tools/install-test-tools";
const FILES = join(ROOT, "helm-charts/cryptnono/files");

describe("a Prometheus that scrapes the agent", { skip }, () => {
  let agent: TestAgent;
  let prometheus: ChildProcess;
  let dir: string;
  let api: string;

  before(async () => {
    const banned = randomString();
    agent = await TestAgent.start(
      {
        bannedCommandStrings: [banned],
        allowedCommandPatterns: [`/bin/echo 'allowed ${banned}'$`],
      },
      ["--node-name", "node-7"],
    );
    dir = mkdtempSync(join(tmpdir(), "cryptnono-prometheus-"));
    const port = await freePort();
    api = `http://127.0.0.1:${port}/api/v1`;
    const config = {
      global: { scrape_interval: "1s", evaluation_interval: "1s" },
      rule_files: [join(FILES, "rules.yaml")],
      scrape_configs: [{ job_name: "cryptnono", static_configs: [{ targets: [`127.0.0.1:${agent.metricsPort}`] }] }],
    };
    writeFileSync(join(dir, "prometheus.json"), JSON.stringify(config));
    const args = [
      `--config.file=${dir}/prometheus.json`,
      `--storage.tsdb.path=${dir}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--enable-feature=exemplar-storage",
    ];
    prometheus = spawn("prometheus", args, { stdio: "ignore" });
    await agent.waitFor(async () => (await values("cryptnono_execwhacker_ready")).length > 0, "the first scrape");
    await run("/bin/echo", [`hello ${banned}`]);
    await run("/bin/echo", [`allowed ${banned}`]);
  });
  after(async () => {
    prometheus?.kill("SIGKILL");
    await agent?.stop();
    if (dir !== undefined) rmSync(dir, { recursive: true, force: true });
  });

  const values = async (query: string): Promise<string[]> => {
    const answer = await fetch(`${api}/query?${new URLSearchParams({ query })}`).catch(() => null);
    if (answer === null || answer.status === 503) return [];
    const { status, error, data } = (await answer.json()) as Answer;
    assert.equal(status, "success", `${query}: ${error}`);
    return data!.result.map(({ value }) => value![1]);
  };

  test("each of the dashboard's queries returns data, and the kill shows", async () => {
    const { panels } = JSON.parse(readFileSync(join(FILES, "dashboard.json"), "utf8")) as { panels: Panel[] };
    const queries = panels.flatMap(({ targets = [] }) =>
      targets.map(({ expr }) => expr.replaceAll("$__rate_interval", "1m")),
    );
    assert.ok(queries.length >= 20, `${queries.length} queries`);
    for (const query of queries) await agent.waitFor(async () => (await values(query)).length > 0, query);
    const kills = queries.find(
      (query) => query.includes("sum by (detector)") && query.includes("processes_killed_total"),
    )!;
    await agent.waitFor(async () => (await values(kills)).some((value) => Number(value) > 0), "a rate above 0");
  });

  test("the rules load, and each of them can be evaluated", async () => {
    const rules = async () => {
      const { data } = (await (await fetch(`${api}/rules`)).json()) as {
        data: { groups: { rules: { name: string; health: string; lastError?: string }[] }[] };
      };
      return data.groups.flatMap((group) => group.rules);
    };
    await agent.waitFor(
      async () => (await rules()).every(({ health }) => health !== "unknown"),
      "an evaluation of all",
    );
    const all = await rules();
    assert.ok(all.length >= 15);
    assert.deepEqual(
      all.filter(({ health }) => health !== "ok"),
      [],
    );
  });

  test("a kill is kept as an exemplar, by which its case is found", async () => {
    const query = "cryptnono_execwhacker_processes_killed_total";
    const exemplars = async () => {
      const { data } = (await (
        await fetch(`${api}/query_exemplars?${new URLSearchParams({ query, start: "0", end: "9999999999" })}`)
      ).json()) as { data: { exemplars: { labels: Record<string, string>; value: string }[] }[] };
      return data.flatMap((series) => series.exemplars);
    };
    await agent.waitFor(async () => (await exemplars()).length > 0, "an exemplar");
    const line = agent.lines.find(({ action }) => action === "killed")!;
    assert.deepEqual(
      (await exemplars()).map(({ labels, value }) => [labels, Number(value)]),
      [[{ case: caseNumber("node-7", line.pid!, line["start_time"] as string) }, 1]],
    );
  });

  test("promtool finds no fault in the agent's metrics", async () => {
    const text = await (await fetch(`http://127.0.0.1:${agent.metricsPort}/metrics`)).text();
    const { status, stderr, stdout } = spawnSync("promtool", ["check", "metrics"], { input: text, encoding: "utf8" });
    assert.equal(status, 0, stdout + stderr);
  });
});

interface Panel {
  readonly targets?: readonly { readonly expr: string }[];
}

interface Answer {
  readonly status: string;
  readonly error?: string;
  readonly data?: { readonly result: readonly { readonly value?: readonly [number, string] }[] };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
