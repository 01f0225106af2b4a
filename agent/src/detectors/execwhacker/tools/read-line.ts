// A command line as people have it, to what is judged: its words, a line of the agent's log, or a running process.
import { Buffer } from "node:buffer";
import {
  type CommandLine,
  isPlainPath,
  OpenQuoteError,
  type Place,
  type ShellWords,
  shellSplit,
} from "@cryptnono/matcher";
import { UsageError } from "../../../errors.js";
import { type ProcFiles, placeOf } from "../../../proc/index.js";
import { splitArguments as splitArea } from "../../../sensor/index.js";
import type { PodFacts } from "../narrow/scope.js";
import { splitArguments } from "../scan/arguments.js";
import { claimsOf, isTrue } from "../scan/names.js";
import { readEnvironmentOf } from "./read-environment.js";

/** What is judged, and what is known of it besides. */
export interface AskedLine {
  readonly line: CommandLine;
  /** As allow patterns see it: once for each name that it has. */
  readonly names: readonly (readonly Uint8Array[])[];
  /** What the asker should know of how it was taken. */
  readonly notes: readonly string[];
  /** Variables, with a NUL between two, as far as they are known. */
  readonly environment?: Uint8Array;
  /** Where the process is; in a container when that is not known. */
  readonly place?: Place;
  /** The pod that it is in, as far as that is known. */
  readonly pod?: PodFacts;
  /** The log has a part of it only. */
  readonly isCut?: boolean;
  /** What the log says became of it. */
  readonly logged?: Logged;
}

/** The log's word on a process, as far as it is there. */
export interface Logged {
  readonly action: string;
  readonly rule?: string;
  readonly matched?: string;
  readonly mode?: string;
  readonly allowedBy?: string;
  readonly allowedRule?: string;
}

/** What is typed; or, where a NUL stands in it, what /proc/PID/cmdline says; or a line of the log. @throws UsageError */
export function readTyped(text: Uint8Array): AskedLine {
  const logged = fromLog(text);
  if (logged !== null) return logged;
  const { words, acts } = splitWords(text);
  const note = "a shell would act on it, here it is taken as it stands";
  return ofWords(words, acts.length === 0 ? [] : [`without quotes there: ${acts.join(", ")}; ${note}`]);
}

/**
 * A line of a file: of the log, or a command line. A quote that is not closed is a character.
 *
 * @returns null for a line of the log that has no command line.
 */
export function readRecorded(text: Uint8Array): AskedLine | null {
  const fields = logFields(text);
  if (fields !== null) return typeof fields["cmdline"] === "string" ? ofFields(fields) : null;
  return ofWords(text.includes(NUL) ? splitWords(text).words : shellSplit(text, "plain").words);
}

/** Words as a shell splits them; or, where a NUL stands in it, as /proc/PID/cmdline separates them. @throws UsageError */
export function splitWords(text: Uint8Array): ShellWords {
  if (text.includes(NUL)) return { words: splitArea(text.at(-1) === 0 ? text.subarray(0, -1) : text), acts: [] };
  try {
    return shellSplit(text);
  } catch (error) {
    if (!(error instanceof OpenQuoteError)) throw error;
    throw new UsageError(error.message, "close it, or write \\' for an apostrophe");
  }
}

function ofWords(words: readonly Uint8Array[], notes: readonly string[] = []): AskedLine {
  const path = words[0] ?? new Uint8Array(0);
  return { line: { path, args: words }, names: [[path, ...words.slice(1)]], notes };
}

const BRACE = 0x7b;
const NUL = 0;

/**
 * A line of the agent's log as the process that it tells of; null for other text. The log's command line is in small letters, which
 * changes no verdict.
 *
 * @throws UsageError for a line of the log that has no command line.
 */
export function fromLog(text: Uint8Array): AskedLine | null {
  const fields = logFields(text);
  if (fields === null) return null;
  if (typeof fields["cmdline"] !== "string") {
    throw new UsageError(
      "read the log line: it has no cmdline",
      "give the line of one process: a summary tells of many",
    );
  }
  return ofFields(fields);
}

function ofFields(fields: Fields): AskedLine {
  const { words } = shellSplit(exact(fields, "cmdline")!, "plain");
  const path = words[0] ?? new Uint8Array(0);
  const argv0 = exact(fields, "argv0") ?? path;
  const exe = exact(fields, "exe");
  const rest = words.slice(1);
  const truncated = fields["truncated"] as Readonly<Record<string, unknown>> | undefined;
  const isCut = truncated?.["cmdline"] !== undefined;
  const notes = isCut ? ["the log has a part of the line only: what is left out is not judged"] : [];
  // Where the path given says nothing, patterns see the file that ran.
  const names = [[path, ...rest]];
  if (exe !== undefined && !isPlainPath(path)) names.push([exe, ...rest]);
  const environment = environmentLogged(fields);
  if (environment.environment !== undefined)
    notes.push("of the environment the log has the match alone: that is judged");
  return {
    ...{ line: { path, args: [argv0, ...rest] }, names, notes, isCut },
    ...environment,
    ...placeLogged(fields),
    ...podLogged(fields),
    ...loggedOf(fields),
  };
}

/** The match, in a variable of its name. One that stood as a part of a longer word cannot be told from one that stands. */
function environmentLogged(fields: Fields): Pick<AskedLine, "environment"> {
  if (fields["matched_in"] !== "environment" || fields["allowedby"] === "is-substring") return {};
  const match = exact(fields, "wallet") ?? exact(fields, "matched");
  if (match === undefined) return {};
  const name = typeof fields["variable"] === "string" ? fields["variable"] : "";
  // Of several strings each has one.
  const text = Buffer.from(match).toString("latin1").split(" + ");
  return { environment: Buffer.from(text.map((part) => `${name}=${part}`).join("\0"), "latin1") };
}

/** The first pid namespace's inode number (linux include/uapi/linux/nsfs.h, PID_NS_INIT_INO), which is the node's. */
const FIRST_PID_NAMESPACE = 0xeffffffc;

/** A line of exec has its pid namespace; of a container without one of its own, and of a scan, the look-up knows. */
function placeLogged(fields: Fields): { readonly place?: Place } {
  const { pid_namespace: namespace, container_type: type, container_id: id } = fields;
  if (type !== undefined || id !== undefined) return { place: "containers" };
  if (typeof namespace !== "number") return {};
  return { place: namespace === FIRST_PID_NAMESPACE ? "host" : "containers" };
}

/** By the kubelet's labels of the container; of the pod's own the log has none. */
function podLogged({ labels, container_type: type }: Fields): { readonly pod?: PodFacts } {
  if (type !== "cri" || typeof labels !== "object" || labels === null) return {};
  const { [NAMESPACE]: namespace, [POD]: pod } = labels as Fields;
  if (typeof namespace !== "string" || typeof pod !== "string") return {};
  return { pod: { namespace, pod, labels: null } };
}

const NAMESPACE = "io.kubernetes.pod.namespace";
const POD = "io.kubernetes.pod.name";

function loggedOf(fields: Fields): { readonly logged?: Logged } {
  const { action } = fields;
  // What a candidate would do did not become of it.
  if (typeof action !== "string" || fields["candidate"] === true) return {};
  const words = LOGGED_KEYS.flatMap(([key, name]) => (typeof fields[key] === "string" ? [[name, fields[key]]] : []));
  return { logged: { action, ...(Object.fromEntries(words) as Omit<Logged, "action">) } };
}

const LOGGED_KEYS = [
  ["rule", "rule"],
  ["matched", "matched"],
  ["mode", "mode"],
  ["allowedby", "allowedBy"],
  ["allowed_rule", "allowedRule"],
] as const;

type Fields = Readonly<Record<string, unknown>>;

function logFields(text: Uint8Array): Fields | null {
  const trimmed = Buffer.from(text).toString().trim();
  if (trimmed.charCodeAt(0) !== BRACE) return null;
  try {
    const parsed: unknown = JSON.parse(trimmed);
    return typeof parsed === "object" && parsed !== null ? (parsed as Fields) : null;
  } catch {
    return null;
  }
}

/** The exact bytes follow where text could not hold them. */
function exact(fields: Fields, key: string): Uint8Array | undefined {
  const base64 = fields[`${key}_base64`];
  if (typeof base64 === "string") return Buffer.from(base64, "base64");
  const text = fields[key];
  return typeof text === "string" ? Buffer.from(text) : undefined;
}

/** As far as a line is read here. */
const MAX_AREA_BYTES = 262_144;

/**
 * A running process, judged as the scan judges one of which the kernel remembers nothing.
 *
 * @param withEnvironment - That is judged too.
 * @throws UsageError
 */
export async function readProcess(pid: number, proc: ProcFiles, withEnvironment = false): Promise<AskedLine> {
  try {
    const area = await proc.area(pid, 0, MAX_AREA_BYTES, 0n);
    const isCut = area.length > area.bytes.length;
    const args = splitArguments(area.bytes, isCut);
    const exe = proc.exe(pid);
    const names = [[exe, ...args.slice(1)]];
    for (const claim of claimsOf(exe, args)) if ((await isTrue(pid, claim, proc)) === true) names.push([...claim.line]);
    const notes = [
      "its file's own path and its arguments as they are now are judged: at exec the path that was given counted",
    ];
    if (isCut) notes.push(`${area.length} bytes of arguments, of which the first ${area.bytes.length} are judged`);
    const environment = withEnvironment ? { environment: await readEnvironmentOf(pid, proc) } : {};
    return { line: { path: exe, args }, names, notes, place: placeOf(pid, proc), ...environment };
  } catch (error) {
    const { code } = error as { readonly code?: unknown };
    if (typeof code !== "string") throw error;
    throw new UsageError(
      `read process ${pid}: ${code}`,
      "it is gone, a kernel thread, or not yours to read: try as root",
    );
  }
}
