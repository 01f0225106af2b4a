// One record of an event ring to what the rest of the agent understands. Odd content is data: whatever a process puts into
// its arguments decodes.
import { type Layout, structLayout } from "@cryptnono/native";
import { cgroupOf, splitArguments, untilNul } from "../../sensor/index.js";
import type { ProcessFacts } from "../../types.js";
import { variableName } from "./environment/index.js";
import type { InEnvironment } from "./types.js";

/** A record that is shorter than its own header says; the kernel program and this file disagree. */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
}

export type Verdict =
  | "killed"
  | "kill-failed"
  | "would-kill"
  | "spared-substring"
  | "spared-pattern"
  | "spared-scope"
  | "let-go"
  | "candidate"
  | "observed"
  /** The agent is to say whether what stands there counts in its container. */
  | "asked";

export interface ExecMatch {
  readonly stringId: number;
  /** In the path and the arguments behind `argv[0]`, joined by NUL; undefined when the match is in `argv[0]`. */
  readonly offset: number | undefined;
  /** The text as it stands there, not folded; empty if that part was not captured. */
  readonly bytes: Uint8Array;
  /** It stands in the environment; of that nothing else is told. */
  readonly environment?: InEnvironment;
}

/** `struct exec_event` of bpf/execwhacker/execwhacker.h, read. */
export interface ExecRecord {
  readonly verdict: Verdict;
  readonly process: ProcessFacts;
  /** From the program's entry to after its signal. */
  readonly latencyNs: bigint;
  /** The string that was found, by its number in the list of `generation`; null when none was. */
  readonly match: ExecMatch | null;
  /** `spared-pattern`: by its number in the list of `generation`. */
  readonly patternId: number;
  readonly generation: number;
  /** The cgroup that it is counted for, see `struct tally_key`. */
  readonly group: bigint;
  /** `kill-failed`: a positive errno. */
  readonly errno: number;
  readonly unreadable: boolean;
  readonly overLong: boolean;
  /** Someone else wrote to the arguments in the middle of exec. */
  readonly changed: boolean;
  /** The key of `narrow_cgroups`; 0: it was not looked up. */
  readonly narrowCgroup: bigint;
  /** Nobody could say which narrow scopes hold in the container. */
  readonly unjudged: boolean;
}

/** What is read of the border: `struct exec_event`, and the numbers of verdicts and flags. */
interface Border {
  readonly size: number;
  readonly at: Readonly<Record<string, number>>;
  readonly verdicts: ReadonlyMap<number, Verdict>;
  readonly flags: Readonly<Record<string, number>>;
}

/**
 * A decoder of records: the struct, then its six parts one after the other, in the host's byte order.
 *
 * @returns a function that throws DecodeError only when the record is shorter than its header says.
 */
export function execDecoder(layout: Layout): (record: Uint8Array) => ExecRecord {
  const { size, offsets: at } = structLayout(layout, "exec_event");
  const numbers = layout.enums["verdict"] ?? {};
  const verdicts = new Map(Object.entries(VERDICTS).map(([name, verdict]) => [numbers[name]!, verdict]));
  const border = { size, at, verdicts, flags: layout.enums["event_flags"] ?? {} };
  return (record) => decode(record, border);
}

function decode(record: Uint8Array, { size, at, verdicts, flags: known }: Border): ExecRecord {
  if (record.length < size) throw new DecodeError(`record of ${record.length} bytes has no whole header`);
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
  const u32 = (field: string) => view.getUint32(at[field]!, true);
  const u64 = (field: string) => view.getBigUint64(at[field]!, true);
  let offset = size;
  const part = (field: string) => {
    const end = offset + view.getUint16(at[field]!, true);
    if (end > record.length) throw new DecodeError(`record of ${record.length} bytes ends within ${field}`);
    const bytes = record.subarray(offset, end);
    offset = end;
    return bytes;
  };
  const cgroup = part("cgroup_bytes");
  const cgroupV1 = part("cgroup_v1_bytes");
  const path = part("path_bytes");
  const exe = part("exe_bytes");
  const area = part("args_bytes");
  const context = part("context_bytes");
  const flags = u32("flags");
  const has = (flag: string) => (flags & known[flag]!) !== 0;
  const argsBytes = u32("args_total_bytes");
  const isInEnvironment = u32("match_in_path") === IN_ENVIRONMENT;
  const process: ProcessFacts = {
    pid: u32("pid"),
    ppid: u32("ppid"),
    uid: u32("uid"),
    startTimeNs: u64("start_time_ns"),
    path,
    ...(has("EVENT_SCRIPT") ? { interpreter: exe } : exe.length > 0 ? { exe } : {}),
    ...(has("EVENT_ARGV0_KEPT") ? { keepsArgv0: true } : {}),
    args: splitArguments(area),
    argsBytes: argsBytes + 1,
    ...(context.length > 0 && !isInEnvironment ? { context: { offset: u32("context_offset"), bytes: context } } : {}),
    comm: untilNul(record.subarray(at["comm"]!, at["comm"]! + 16)),
    parentComm: untilNul(record.subarray(at["parent_comm"]!, at["parent_comm"]! + 16)),
    cgroup: { source: "kernel", paths: [cgroupOf(cgroup), cgroupOf(cgroupV1)].filter((text) => text !== "") },
    pidNamespace: u32("pid_namespace"),
    cgroupId: u64("cgroup_id"),
  };
  return {
    verdict: verdictOf(u32("verdict"), verdicts),
    process,
    latencyNs: u64("latency_ns"),
    match: has("EVENT_NO_STRING")
      ? null
      : isInEnvironment
        ? { stringId: u32("string_id"), offset: undefined, ...fromEnvironment(context, u32("context_offset")) }
        : {
            stringId: u32("string_id"),
            offset: offsetInLine(u32("match_offset"), u32("match_in_path"), path, area),
            bytes: matchedBytes(view, at, path, exe, area, context),
          },
    patternId: u32("pattern_id"),
    generation: u32("generation"),
    group: u64("group"),
    errno: -view.getInt32(at["signal_result"]!, true),
    unreadable: has("EVENT_UNREADABLE"),
    overLong: has("EVENT_OVER_LONG"),
    changed: has("EVENT_CHANGED"),
    narrowCgroup: u64("narrow_cgroup"),
    unjudged: has("EVENT_UNJUDGED"),
  };
}

const VERDICTS: Readonly<Record<string, Verdict>> = {
  VERDICT_KILLED: "killed",
  VERDICT_KILL_FAILED: "kill-failed",
  VERDICT_WOULD_KILL: "would-kill",
  VERDICT_SPARED_SUBSTRING: "spared-substring",
  VERDICT_SPARED_PATTERN: "spared-pattern",
  VERDICT_SPARED_SCOPE: "spared-scope",
  VERDICT_LET_GO: "let-go",
  VERDICT_CANDIDATE: "candidate",
  VERDICT_OBSERVED: "observed",
  VERDICT_ASKED: "asked",
};

function verdictOf(number: number, verdicts: Border["verdicts"]): Verdict {
  const verdict = verdicts.get(number);
  if (verdict === undefined) throw new DecodeError(`verdict ${number} is unknown`);
  return verdict;
}

/** `match_in_path`: the match stands in the path that was given, or in the true one. */
const IN_PATH = 1;
const IN_TRUE_PATH = 2;
/** Or in the environment: the context is a variable's name, a NUL, and the match. */
const IN_ENVIRONMENT = 3;

function fromEnvironment(context: Uint8Array, nameBytes: number): Pick<ExecMatch, "bytes" | "environment"> {
  const variable = variableName(context.subarray(0, nameBytes));
  return { bytes: context.subarray(nameBytes + 1), environment: variable === null ? {} : { variable } };
}

function offsetInLine(offset: number, inPath: number, path: Uint8Array, area: Uint8Array): number | undefined {
  if (inPath === IN_TRUE_PATH) return undefined;
  if (inPath === IN_PATH) return offset;
  const argv0Bytes = area.indexOf(0);
  return argv0Bytes < 0 || offset < argv0Bytes ? undefined : path.length + offset - argv0Bytes;
}

/** The matched text as it stands in the record; empty if its place was not captured. */
function matchedBytes(
  view: DataView,
  at: Border["at"],
  path: Uint8Array,
  exe: Uint8Array,
  area: Uint8Array,
  context: Uint8Array,
): Uint8Array {
  const from = view.getUint32(at["match_offset"]!, true);
  const length = view.getUint32(at["string_bytes"]!, true);
  const inPath = view.getUint32(at["match_in_path"]!, true);
  if (inPath === IN_TRUE_PATH)
    return from + length <= exe.length ? exe.subarray(from, from + length) : new Uint8Array(0);
  if (inPath === IN_PATH) {
    const rest = area.indexOf(0);
    const text = rest < 0 ? path : Buffer.concat([path, area.subarray(rest)]);
    return text.subarray(from, from + length);
  }
  if (from + length <= area.length) return area.subarray(from, from + length);
  const start = from - view.getUint32(at["context_offset"]!, true);
  return start >= 0 && start + length <= context.length ? context.subarray(start, start + length) : new Uint8Array(0);
}
