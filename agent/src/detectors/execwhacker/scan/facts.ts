// What a report says of a process that a scan found, in bounded size.
import { type BannedString, counts, fold } from "@cryptnono/matcher";
import { type ProcFiles, type ProcStat, parseStat, ticksToNs } from "../../../proc/index.js";
import type { ProcessFacts } from "../../../types.js";
import { splitArguments } from "./arguments.js";
import type { Window } from "./line.js";
import type { Found } from "./verdict.js";

/** As much of the arguments as the kernel's own events have: EVENT_ARGS_BYTES and EVENT_CONTEXT_BYTES of bpf/execwhacker/execwhacker.h. */
const HEAD_BYTES = 8192;
const CONTEXT_BYTES = 512;

export function factsOf(
  pid: number,
  stat: ProcStat,
  found: Found,
  banned: BannedString,
  proc: ProcFiles,
): ProcessFacts {
  const uid = /^Uid:\s+(\d+)/m.exec(readText(pid, "status", proc))?.[1];
  return {
    pid,
    ppid: stat.ppid,
    uid: Number(uid ?? 0),
    startTimeNs: ticksToNs(stat.startTicks),
    path: found.path,
    ...(found.interpreter === undefined ? {} : { interpreter: found.interpreter }),
    ...argumentsOf(found, banned),
    comm: stat.comm,
    parentComm: parentComm(stat.ppid, proc),
    cgroup: { source: "proc", lines: readText(pid, "cgroup", proc) },
  };
}

type Arguments = Pick<ProcessFacts, "args" | "argsBytes" | "context">;

function argumentsOf({ line: { head, isCut, totalBytes }, window }: Found, banned: BannedString): Arguments {
  if (!isCut && head.length <= HEAD_BYTES) {
    const args = splitArguments(Uint8Array.from(head));
    return { args, argsBytes: args.reduce((sum, { length }) => sum + length + 1, 0) };
  }
  // Copies: reports wait for their container's name, and must not keep what they are cut from.
  const args = splitArguments(Uint8Array.from(head.subarray(0, HEAD_BYTES)), true);
  const at = window === null ? -1 : matchIn(window, banned);
  if (window === null || at < 0 || window.offset + at + banned.value.length <= HEAD_BYTES)
    return { args, argsBytes: totalBytes };
  const from = Math.max(0, at - CONTEXT_BYTES / 4);
  const bytes = Uint8Array.from(window.text.subarray(from, at + banned.value.length + CONTEXT_BYTES));
  return { args, argsBytes: totalBytes, context: { offset: window.offset + from, bytes } };
}

/** An occurrence that counts, else any; -1 for none. */
function matchIn({ text }: Window, banned: BannedString): number {
  const folded = Buffer.from(fold(text).buffer);
  const value = fold(banned.value);
  let any = -1;
  for (let at = folded.indexOf(value); at >= 0; at = folded.indexOf(value, at + 1)) {
    if (counts(text, at, banned)) return at;
    if (any < 0) any = at;
  }
  return any;
}

/** Facts that only adorn the report: without them it is still worth having, above all its kill. */
function readText(pid: number, name: "status" | "cgroup", proc: ProcFiles): string {
  try {
    return Buffer.from(proc.read(pid, name)).toString();
  } catch {
    return "";
  }
}

function parentComm(ppid: number, proc: ProcFiles): Uint8Array {
  try {
    return parseStat(proc.read(ppid, "stat"))?.comm ?? new Uint8Array(0);
  } catch {
    return new Uint8Array(0);
  }
}
