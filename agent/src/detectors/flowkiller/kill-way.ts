// Which way this kernel lets a program of ours kill: tried by loading what is needed, as versions and configurations differ.
import { NativeError, Sensor } from "@cryptnono/native";
import type { SensorFactory } from "../../sensor/index.js";

/** `enum kill_way` of bpf/flowkiller/flowkiller.h, in words. */
export type KillWay = "in-hook" | "by-printk" | "by-agent" | "at-state";

export const KILL_WAYS: Readonly<Record<KillWay, string>> = {
  "in-hook": "KILL_IN_HOOK",
  "by-printk": "KILL_BY_PRINTK",
  "by-agent": "KILL_BY_AGENT",
  "at-state": "KILL_AT_STATE",
};

/** For people: what happens to a process, and when. */
export const WAY_WORDS: Readonly<Record<KillWay, string>> = {
  "in-hook": "refused before the first packet and killed in the hook",
  "by-printk": "refused before the first packet and killed by a tracepoint in its own context",
  "by-agent": "refused before the first packet and killed by the agent",
  "at-state": "killed after the first packet: this kernel has no cgroup hooks (CONFIG_CGROUP_BPF)",
};

/** Programs that are loaded alone, each to see whether it may be. */
export const TRIALS = ["try_signal", "try_errno", "try_hook"] as const;

/** Every program of the object. */
export const HOOKS = ["connect4", "connect6", "sendmsg4", "sendmsg6"] as const;
const OTHERS = ["agent_exit", "printk_kill", "watch_answer", "state"] as const;
export const PROGRAMS: readonly string[] = [...HOOKS, ...OTHERS, ...TRIALS];

/** What this kernel lets the programs do. */
export interface KernelAbility {
  readonly way: KillWay;
  /** A refusal may have another error than EPERM. */
  readonly hasErrno: boolean;
}

/** Where nothing loads for want of a capability the answer is of no use, and the error comes with the real load. */
export function tryKernel(object: Uint8Array, native: Pick<SensorFactory, "open"> = Sensor): KernelAbility {
  const loads = (programs: readonly string[]) => refusalOf(object, programs, native) === null;
  // Newer kernels have both.
  if (loads(["try_signal", "try_errno"])) return { way: "in-hook", hasErrno: true };
  const hasErrno = loads(["try_errno"]);
  if (loads(["try_signal"])) return { way: "in-hook", hasErrno };
  const refusal = refusalOf(object, ["try_hook"], native);
  if (refusal === null) return { way: loads(["printk_kill"]) ? "by-printk" : "by-agent", hasErrno };
  // Without CONFIG_CGROUP_BPF there is no such kind of program.
  return { way: refusal === "EINVAL" ? "at-state" : "by-agent", hasErrno: false };
}

/** As small as they can be: what is tried needs no room. */
const SMALL = {
  ...{ kill_events: 4096, other_events: 4096, tallies: 64, doomed: 64, windows: 64, pod_windows: 64, destinations: 64 },
  ...{ pod_budgets: 64, spoken: 64, unreachable: 64, attempts: 64, exempt: 64, told_pods: 64, summed: 64 },
};

/** The errno's name; null when the kernel takes them. */
function refusalOf(
  object: Uint8Array,
  programs: readonly string[],
  native: Pick<SensorFactory, "open">,
): string | null {
  const skip = PROGRAMS.filter((other) => !programs.includes(other));
  const sensor = native.open({ object, skip, maxEntries: SMALL });
  try {
    sensor.map("control");
    return null;
  } catch (error) {
    if (error instanceof NativeError) return error.code;
    throw error;
  } finally {
    sensor.close();
  }
}
