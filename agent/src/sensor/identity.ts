// `struct identity` of bpf/lib/identity.h, read: who a process is, as any detector's record may carry it.
import { type Layout, structLayout } from "@cryptnono/native";
import type { CgroupIdentity } from "../types.js";

export interface Identity {
  /** Thread group id in the initial pid namespace. */
  readonly pid: number;
  readonly ppid: number;
  readonly uid: number;
  /** Of the process, in nanoseconds since boot. */
  readonly startTimeNs: bigint;
  readonly cgroup: CgroupIdentity;
  /** Of the default hierarchy. */
  readonly cgroupId: bigint;
  /** Inode number. */
  readonly pidNamespace: number;
  readonly comm: Uint8Array;
  readonly parentComm: Uint8Array;
  /** As far as they were captured; the last one may be cut. Empty when the page was not in memory. */
  readonly args: readonly Uint8Array[];
  /** Of the whole area, with its last NUL; more than what `args` holds means it was cut. */
  readonly argsBytes: number;
}

/**
 * A decoder of the structure at an offset of a record. Odd content is data.
 *
 * @returns a function that throws RangeError when the record ends within the structure.
 */
export function identityDecoder(layout: Layout): (record: Uint8Array, offset: number) => Identity {
  const { size, offsets: at, sizes } = structLayout(layout, "identity");
  return (record, offset) => {
    const bytes = record.subarray(offset, offset + size);
    if (bytes.length < size) throw new RangeError(`record of ${record.length} bytes ends within an identity`);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const u32 = (field: string) => view.getUint32(at[field]!, true);
    const text = (field: string) => untilNul(bytes.subarray(at[field]!, at[field]! + sizes[field]!));
    const part = (field: string) => {
      const length = Math.min(view.getUint16(at[`${field}_bytes`]!, true), sizes[field]!);
      return bytes.subarray(at[field]!, at[field]! + length);
    };
    const paths = [part("cgroup"), part("cgroup_v1")].map(cgroupOf).filter((path) => path !== "");
    return {
      pid: u32("pid"),
      ppid: u32("ppid"),
      uid: u32("uid"),
      startTimeNs: view.getBigUint64(at["start_time_ns"]!, true),
      cgroup: { source: "kernel", paths },
      cgroupId: view.getBigUint64(at["cgroup_id"]!, true),
      pidNamespace: u32("pid_namespace"),
      comm: text("comm"),
      parentComm: text("parent_comm"),
      args: splitArguments(part("args")),
      argsBytes: u32("args_total_bytes") + 1,
    };
  };
}

/** Arguments, without the NULs between them; the area comes without its last one. */
export function splitArguments(area: Uint8Array): Uint8Array[] {
  const args: Uint8Array[] = [];
  if (area.length === 0) return args;
  for (let from = 0; from <= area.length; ) {
    const nul = area.indexOf(0, from);
    const end = nul < 0 ? area.length : nul;
    args.push(area.subarray(from, end));
    from = end + 1;
  }
  return args;
}

/** The text before the first NUL. */
export function untilNul(bytes: Uint8Array): Uint8Array {
  const nul = bytes.indexOf(0);
  return nul < 0 ? bytes : bytes.subarray(0, nul);
}

/** Names from the root down, each ended by NUL, to a path. It has no `/` in front when the root was not reached. */
export function cgroupOf(names: Uint8Array): string {
  if (names.length === 0) return "";
  const [outermost, ...rest] = Buffer.from(names).toString("utf8").split("\0").slice(0, -1);
  return outermost === "" ? rest.join("/") : ["", outermost, ...rest].join("/");
}
