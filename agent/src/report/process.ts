// Who a process is, in the keys that the lines of all detectors have.
import type { ProcessFacts } from "../types.js";
import type { TimeOf } from "./clock.js";
import type { Fields } from "./fields.js";
import { cgroupPath } from "./log.js";

type Who = Pick<ProcessFacts, "comm" | "ppid" | "parentComm" | "uid" | "startTimeNs" | "cgroup">;

export function addProcess(fields: Fields, who: Who, timeOf: TimeOf): void {
  fields.bytes("comm", who.comm);
  fields.set("ppid", who.ppid);
  fields.bytes("parent", who.parentComm);
  fields.set("uid", who.uid);
  fields.set("start_time", timeOf(who.startTimeNs));
  fields.text("cgroup", cgroupPath(who.cgroup));
}
