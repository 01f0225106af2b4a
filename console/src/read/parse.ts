// One line to what it says. The only place where a log's words are checked: nothing behind it checks them again.
import type { Action, Notice, Sighting, Source } from "../types.js";
import { ACTIONS } from "../types.js";
import { userOfPod } from "./user.js";
import { walletIn } from "./wallet.js";

export type Parsed =
  | { readonly kind: "sighting"; readonly sighting: Sighting }
  | { readonly kind: "notice"; readonly notice: Notice }
  /** Not an agent's line. */
  | { readonly kind: "foreign" };

/** Longest text of one key that is kept, in UTF-16 units: the agents' own bound for a command line. */
const MAX_TEXT = 16_384;
const MAX_NAME = 1024;

type Words = Readonly<Record<string, unknown>>;

const FOREIGN: Parsed = { kind: "foreign" };

export function parseLine(text: string, source: Source): Parsed {
  if (!text.startsWith("{")) return FOREIGN;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return FOREIGN;
  }
  const line = wordsOf(value);
  if (line === null) return FOREIGN;
  const at = Date.parse(nameOf(line["timestamp"]) ?? "");
  const event = nameOf(line["event"]);
  if (!Number.isFinite(at) || at < 0 || at > MAX_TIME || event === null) return FOREIGN;
  const said = nameOf(line["action"]);
  const action = said === null ? null : actionOf(said.replace(/-summary$/, ""), line["candidate"] === true);
  // A look-up that failed is told once more in the process's own line, which lacks the names.
  if (action === null) return { kind: "notice", notice: noticeOf(line, at, event, source) };
  return { kind: "sighting", sighting: sightingOf(line, text, at, action, said!.endsWith("-summary"), source) };
}

/** Year 9999. */
const MAX_TIME = 253_402_300_799_000;

function actionOf(word: string, isTried: boolean): Action | null {
  // No rule in force wanted it, so it is not what would-kill is elsewhere.
  if (isTried && word === "would-kill") return "candidate";
  return ACTIONS.find((action) => action === word) ?? null;
}

function sightingOf(
  line: Words,
  text: string,
  at: number,
  action: Action,
  isSummary: boolean,
  source: Source,
): Sighting {
  // flowkiller nests what execwhacker has beside the rest.
  const container = wordsOf(line["container"]) ?? line;
  const labels = wordsOf(container["labels"]) ?? {};
  const envs = wordsOf(container["envs"]) ?? wordsOf(line["envs"]) ?? {};
  const inner = wordsOf(line["inner"]) ?? {};
  const innerEnvs = wordsOf(inner["envs"]) ?? {};
  const pod = nameOf(labels["io.kubernetes.pod.name"]);
  const cmdline = cmdlineOf(line["cmdline"]);
  return {
    at,
    node: source.node,
    pid: isSummary ? null : numberOf(line["pid"]),
    startTime: isSummary ? null : nameOf(line["start_time"]),
    action,
    count: isSummary ? Math.max(1, numberOf(line["count"]) ?? 1) : 1,
    detector: detectorOf(line, source),
    cmdline,
    matched: textOf(line["matched"]),
    rule: nameOf(line["rule"]) ?? nameOf(line["banned-ip"]),
    namespace: nameOf(labels["io.kubernetes.pod.namespace"]),
    pod,
    container: nameOf(labels["io.kubernetes.container.name"]),
    containerId: nameOf(line["container_id"]) ?? nameOf(container["container_id"]),
    image: nameOf(container["image"]),
    user: pod === null ? null : userOfPod(pod),
    repository: firstOf(REPOSITORY_NAMES, envs, innerEnvs),
    address: firstOf(ADDRESS_NAMES, envs, innerEnvs),
    // The agent's own word for it comes first, in small letters as the others are.
    wallet: nameOf(line["wallet"])?.toLowerCase() ?? walletIn(cmdline),
    line: text,
  };
}

/** Variables by which BinderHub tells a pod of its repository, and mybinder.org of the client. */
const REPOSITORY_NAMES = ["BINDER_REPO_URL", "BINDER_REF_URL", "BINDER_REQUEST"];
const ADDRESS_NAMES = ["BINDER_CLIENT_IP", "CLIENT_IP"];

function firstOf(names: readonly string[], ...from: readonly Words[]): string | null {
  for (const words of from) {
    for (const name of names) {
      const found = nameOf(words[name]);
      if (found !== null && found !== "") return found;
    }
  }
  return null;
}

function noticeOf(line: Words, at: number, event: string, source: Source): Notice {
  const { timestamp: _, event: __, level, ...fields } = line;
  return {
    at,
    node: source.node,
    detector: detectorOf(line, source),
    level: nameOf(level) ?? "info",
    event,
    fields,
  };
}

/** `source` names the program: `execwhacker.bpf`; the scan's name is the contract's. */
function detectorOf(line: Words, source: Source): string {
  const from = nameOf(line["source"]);
  if (from === "psutil.process_iter") return "execwhacker";
  const program = /^([a-z0-9-]{1,32})\.bpf$/.exec(from ?? "")?.[1];
  if (program !== undefined) return program;
  if ("banned-ip" in line || "addresses" in line) return "flowkiller";
  return source.detector ?? "unknown";
}

function cmdlineOf(value: unknown): string {
  if (!Array.isArray(value)) return textOf(value) ?? "";
  const words = value
    .filter((word) => typeof word === "string")
    .map((word) => (PLAIN.test(word) ? word : quoted(word)));
  return cut(words.join(" "), MAX_TEXT);
}

const PLAIN = /^[\w@%+=:,./-]+$/;
const quoted = (word: string) => `'${word.replaceAll("'", `'"'"'`)}'`;

function wordsOf(value: unknown): Words | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Words) : null;
}

const nameOf = (value: unknown) => (typeof value === "string" ? cut(value, MAX_NAME) : null);
const textOf = (value: unknown) => (typeof value === "string" ? cut(value, MAX_TEXT) : null);
const numberOf = (value: unknown) => (Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : null);

/** The database's texts end at a NUL, and a lone half of a pair could not be written as UTF-8. */
function cut(text: string, max: number): string {
  return (text.length <= max ? text : text.slice(0, max)).replaceAll("\0", "\ufffd").toWellFormed();
}
