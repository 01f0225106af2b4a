// What is asked of Prometheus, and what becomes of its answers.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { DeployerError } from "../../errors.js";
import { trialByPrometheus } from "./prometheus.js";
import { reasonsAgainst } from "./trial.js";

const NOW_MS = 1_764_150_000_000;
const tried = { list: "encrypted-02", revision: "2026-11-26.1" };
const queries: string[] = [];
let answers: (query: string) => readonly (readonly [labels: Record<string, string>, value: string])[];
let url: string;
const server = createServer((request, response) => {
  let body = "";
  request.on("data", (part: Buffer) => {
    body += part.toString();
  });
  request.on("end", () => {
    const query = new URLSearchParams(body).get("query")!;
    queries.push(query);
    if (request.url !== "/prom/api/v1/query") return void response.writeHead(404).end("{}");
    const result = answers(query).map(([metric, value]) => ({ metric, value: [NOW_MS / 1000, value] }));
    response.end(JSON.stringify({ status: "success", data: { resultType: "vector", result } }));
  });
});
before(async () => {
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/prom`;
});
after(() => server.close());

test("hours since the first agent compared it, execs and containers of all agents", async () => {
  answers = (query) => {
    if (query.startsWith("min(")) return [[{}, String(NOW_MS / 1000 - 25 * 3600)]];
    if (query.startsWith("sum by"))
      return [
        [{ difference: "would-kill" }, "3"],
        [{ difference: "unknown" }, "1"],
      ];
    return query.includes("compared_total") ? [[{}, "123456.7"]] : [[{}, "0"]];
  };
  const trial = await trialByPrometheus(url, tried, "cryptnono", NOW_MS);
  assert.deepEqual(trial, { hours: 25, execs: 123456.7, wouldKill: 3, wouldLive: 0, unknown: 1, refused: 0 });
  assert.deepEqual(reasonsAgainst(trial, { hours: 24, execs: 100_000, mostPods: 4 }), []);
  assert.match(reasonsAgainst(trial, { hours: 24, execs: 100_000, mostPods: 3 })[0]!, /^in 4 pods/);
  const of = `candidate=~"(.*[+])?(encrypted-02[.]candidate|encrypted-02)([+].*)?",revision=~"(.*[+])?(2026-11-26[.]1)([+].*)?"`;
  const loaded = `cryptnono_execwhacker_candidate_loaded_timestamp_seconds{${of}} > 0`;
  assert.equal(queries[0], `min(min_over_time((${loaded})[30d:10m])) or min(${loaded})`);
  assert.equal(queries[1], `sum(increase(cryptnono_execwhacker_candidate_compared_total{${of}}[26h]))`);
});

test("what does not know the candidate, and what is no Prometheus, is an error", async () => {
  answers = () => [];
  await assert.rejects(trialByPrometheus(url, tried, "cryptnono", NOW_MS), /does not know encrypted-02 of revision/);
  await assert.rejects(trialByPrometheus(`${url}/x`, tried, "cryptnono", NOW_MS), /it answers 404/);
  await assert.rejects(trialByPrometheus("no address", tried, "cryptnono", NOW_MS), DeployerError);
});
