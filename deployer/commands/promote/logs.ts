// How a candidate fared, by the agents' logs: the lines that say what is compared and how much was, and those of processes.
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { DeployerError } from "../../errors.js";
import { namesOf, type Trial, type Tried } from "./trial.js";

type Fields = Readonly<Record<string, unknown>>;

const HOUR_MS = 3_600_000;

/** @throws DeployerError for a file that cannot be read, or logs that do not know the candidate. */
export async function trialByLogs(files: readonly string[], tried: Tried): Promise<Trial> {
  const tally = new Tally(tried);
  for (const file of files) {
    const input = file === "-" ? process.stdin : createReadStream(file);
    try {
      for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
        const fields = fieldsOf(line);
        if (fields !== null) tally.add(fields);
      }
    } catch (cause) {
      throw new DeployerError(`read ${file}: ${(cause as Error).message}`, { cause });
    }
  }
  const trial = tally.result();
  if (trial !== null) return trial;
  throw new DeployerError(`read the logs: none says that ${tried.list} of revision ${tried.revision} was compared`, {
    hint: "deploy the candidate, and give the logs of all agents since then",
  });
}

function fieldsOf(line: string): Fields | null {
  if (!line.startsWith("{")) return null;
  try {
    return JSON.parse(line) as Fields;
  } catch {
    return null;
  }
}

type Difference = "wouldKill" | "wouldLive" | "unknown";
const DIFFERENCES: readonly Difference[] = ["wouldKill", "wouldLive", "unknown"];
const REFUSED = "Candidate refused";

/** Agents' lines are told apart by nothing: all count together. */
class Tally {
  readonly #tried: Tried;
  #execs = 0;
  #sinceMs = Number.POSITIVE_INFINITY;
  #untilMs = Number.NEGATIVE_INFINITY;
  #refusedMs = Number.NEGATIVE_INFINITY;
  /** By difference: pods, each with the time when a process of it was seen last. */
  readonly #pods = new Map(DIFFERENCES.map((difference) => [difference, new Map<string, number>()]));
  /** What the lines about all have counted. */
  readonly #counted = new Map(DIFFERENCES.map((difference) => [difference, 0]));

  constructor(tried: Tried) {
    this.#tried = tried;
  }

  add(fields: Fields): void {
    const atMs = Date.parse(String(fields["timestamp"]));
    if (Number.isNaN(atMs)) return;
    const isCompared = this.#isCompared(fields);
    if (isCompared || this.#isBegin(fields)) {
      this.#sinceMs = Math.min(this.#sinceMs, atMs);
      this.#untilMs = Math.max(this.#untilMs, atMs);
    }
    if (String(fields["event"]).startsWith(REFUSED)) this.#refusedMs = Math.max(this.#refusedMs, atMs);
    if (isCompared) {
      this.#execs += numberOf(fields["execs"]);
      for (const [difference, key] of [
        ["wouldKill", "would_kill"],
        ["wouldLive", "would_live"],
        ["unknown", "unknown"],
      ] as const)
        this.#counted.set(difference, this.#counted.get(difference)! + numberOf(fields[key]));
    }
    const difference = differenceOf(fields);
    if (difference === null) return;
    const pods = this.#pods.get(difference)!;
    pods.set(podOf(fields), Math.max(atMs, pods.get(podOf(fields)) ?? 0));
  }

  /** @returns null where no line knows the candidate. */
  result(): Trial | null {
    if (!Number.isFinite(this.#sinceMs)) return null;
    return {
      hours: (this.#untilMs - this.#sinceMs) / HOUR_MS,
      execs: this.#execs,
      wouldKill: this.#podsOf("wouldKill"),
      wouldLive: this.#podsOf("wouldLive"),
      unknown: this.#podsOf("unknown"),
      refused: this.#refusedMs > this.#untilMs ? 1 : 0,
    };
  }

  /** What an earlier candidate did is not this one's; and what was only counted was in some pod. */
  #podsOf(difference: Difference): number {
    const pods = [...this.#pods.get(difference)!.values()].filter((atMs) => atMs >= this.#sinceMs).length;
    return Math.max(pods, Math.min(1, this.#counted.get(difference)!));
  }

  /** An agent begins to compare it. */
  #isBegin({ candidates }: Fields): boolean {
    return (
      Array.isArray(candidates) &&
      candidates.some(
        (one: Fields) => namesOf(this.#tried).includes(String(one["list"])) && one["revision"] === this.#tried.revision,
      )
    );
  }

  #isCompared({ event, candidate, revision, execs }: Fields): boolean {
    if (event !== "Candidate compared" || execs === undefined) return false;
    const revisions = String(revision).split("+");
    return String(candidate)
      .split("+")
      .some((name, i) => namesOf(this.#tried).includes(name) && revisions[i] === this.#tried.revision);
  }
}

function differenceOf({ action, candidate, unknown }: Fields): Difference | null {
  if (candidate !== true || typeof action !== "string") return null;
  const what = action.replace(/-summary$/, "");
  if (what === "would-kill") return "wouldKill";
  if (what !== "would-live") return null;
  return unknown === true ? "unknown" : "wouldLive";
}

/** Without a pod's name it is a container's, or a cgroup's. */
function podOf({ labels, container_id: id, cgroup }: Fields): string {
  const named = (typeof labels === "object" && labels !== null ? labels : {}) as Fields;
  const pod = named["io.kubernetes.pod.name"];
  return typeof pod === "string"
    ? `${String(named["io.kubernetes.pod.namespace"])}/${pod}`
    : String(id ?? cgroup ?? "host");
}

function numberOf(value: unknown): number {
  return typeof value === "number" ? value : 0;
}
