// How a candidate fared, by the agents' metrics in Prometheus, over its HTTP API.
import { DeployerError } from "../../errors.js";
import { namesOf, type Trial, type Tried } from "./trial.js";

/** Prometheus' own default is two minutes. */
const TIMEOUT_MS = 120_000;
/** As far back as is asked when it was first compared. */
const MOST_DAYS = 30;

interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/**
 * @param url - Prometheus' own, without `/api`.
 * @param prefix - Of the metrics' names.
 * @throws DeployerError when it does not answer, or does not know the candidate.
 */
export async function trialByPrometheus(url: string, tried: Tried, prefix: string, nowMs = Date.now()): Promise<Trial> {
  const name = (rest: string) => `${prefix}_execwhacker_${rest}`;
  const of = `candidate=~"${among(namesOf(tried))}",revision=~"${among([tried.revision])}"`;
  const loaded = `${name("candidate_loaded_timestamp_seconds")}{${of}} > 0`;
  // Of the last ten minutes the first half knows nothing.
  const [since] = await ask(url, `min(min_over_time((${loaded})[${MOST_DAYS}d:10m])) or min(${loaded})`);
  if (since === undefined) {
    throw new DeployerError(`ask Prometheus: it does not know ${tried.list} of revision ${tried.revision}`, {
      hint: "deploy the candidate, and have the agents scraped: metrics.enabled",
    });
  }
  const hours = (nowMs / 1000 - since.value) / 3600;
  const range = `${Math.min(MOST_DAYS * 24, Math.ceil(hours) + 1)}h`;
  const [execs] = await ask(url, `sum(increase(${name("candidate_compared_total")}{${of}}[${range}]))`);
  const containers = await ask(
    url,
    `sum by (difference) (max_over_time(${name("candidate_containers")}{${of}}[${range}]))`,
  );
  const [refused] = await ask(url, `sum(${name("candidate_refused")})`);
  const count = (difference: string) =>
    containers.find(({ labels }) => labels["difference"] === difference)?.value ?? 0;
  return {
    hours,
    execs: execs?.value ?? 0,
    wouldKill: count("would-kill"),
    wouldLive: count("would-live"),
    unknown: count("unknown"),
    refused: refused?.value ?? 0,
  };
}

/** One of the words, by itself or with others and a plus between two. */
function among(words: readonly string[]): string {
  const quoted = words.map((word) => word.replace(/[^\w-]/g, "[$&]")).join("|");
  return `(.*[+])?(${quoted})([+].*)?`;
}

async function ask(url: string, query: string): Promise<readonly Sample[]> {
  const token = process.env["PROMETHEUS_TOKEN"];
  let answer: unknown;
  try {
    const response = await fetch(new URL("api/v1/query", url.endsWith("/") ? url : `${url}/`), {
      method: "POST",
      body: new URLSearchParams({ query }),
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    answer = await response.json().catch(() => null);
    if (!response.ok) throw new Error(`it answers ${response.status}${errorOf(answer)}`);
  } catch (cause) {
    const { message, cause: inner } = cause as Error & { readonly cause?: { readonly code?: string } };
    throw new DeployerError(`ask Prometheus: ${inner?.code ?? message}`, {
      cause,
      hint: "--prometheus takes its address, as http://127.0.0.1:9090; PROMETHEUS_TOKEN a bearer token",
    });
  }
  return samplesOf(answer);
}

function errorOf(answer: unknown): string {
  const { error } = (answer ?? {}) as { readonly error?: unknown };
  return typeof error === "string" ? `: ${error}` : "";
}

/** @throws DeployerError for what is no vector. */
function samplesOf(answer: unknown): Sample[] {
  const { data } = (answer ?? {}) as { readonly data?: { readonly resultType?: string; readonly result?: unknown } };
  if (data?.resultType !== "vector" || !Array.isArray(data.result))
    throw new DeployerError("ask Prometheus: the answer is none of Prometheus' query API");
  return data.result.map((one: { readonly metric?: Record<string, string>; readonly value?: readonly unknown[] }) => ({
    labels: one.metric ?? {},
    value: Number(one.value?.[1]),
  }));
}
