// Who a process is, read from /proc as the kernel's records have it.
import { type ProcFiles, type ProcStat, parseStat, ticksToNs } from "../../../proc/index.js";
import type { Identity } from "../../../sensor/index.js";
import { splitArguments } from "../../../sensor/index.js";

/** As much of the arguments as the kernel's records have (bpf/lib/identity.h, IDENTITY_ARGS_BYTES). */
const ARGS_BYTES = 2048;

/** @throws the errors of /proc: the process may be gone, or not answer. */
export async function whoIs(pid: number, stat: ProcStat, proc: ProcFiles): Promise<Identity> {
  const area = await proc.area(pid, 0, ARGS_BYTES, 0n);
  const text = (name: "status" | "cgroup") => Buffer.from(proc.read(pid, name)).toString();
  const uid = /^Uid:\s+(\d+)/m.exec(text("status"))?.[1];
  const shown = area.bytes.subarray(0, ARGS_BYTES);
  return {
    pid,
    ppid: stat.ppid,
    uid: Number(uid ?? 0),
    startTimeNs: ticksToNs(stat.startTicks),
    cgroup: { source: "proc", lines: text("cgroup") },
    cgroupId: 0n,
    pidNamespace: 0,
    comm: Uint8Array.from(stat.comm),
    parentComm: parentComm(stat.ppid, proc),
    args: splitArguments(Uint8Array.from(shown.at(-1) === 0 ? shown.subarray(0, -1) : shown)),
    argsBytes: area.length,
  };
}

function parentComm(ppid: number, proc: ProcFiles): Uint8Array {
  try {
    return Uint8Array.from(parseStat(proc.read(ppid, "stat"))?.comm ?? []);
  } catch {
    return new Uint8Array(0);
  }
}
