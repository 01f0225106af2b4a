// The names of the BPF object, and what of it this kernel has.
import { readFileSync } from "node:fs";
import { arch } from "node:os";
import type { SensorParts } from "../../sensor/index.js";

export const OBJECT = "monero.bpf.o";
export const EVENTS = "events";
export const EXECS = "execs";
export const LOOKS = "looks";
export const MARKS = "marks";
export const PROCESSES = "processes";
export const SETTINGS = "settings_slots";

const EXEC_PROGRAM = "execed";
const SWITCH_PROGRAMS = ["switched_out", "switched_in"];
const TRACEPOINTS = ["btf_trace_x86_fpu_regs_deactivated", "btf_trace_x86_fpu_regs_activated"];

/** @param seesRounding - See {@link roundingObstacle}. @param tellsExecs - Whether the agent is told of each program that begins. */
export function moneroSensor(seesRounding: boolean, tellsExecs: boolean): SensorParts {
  // What comes back is signalled: attached before what finds it.
  const execs = tellsExecs ? [EXEC_PROGRAM] : [];
  const programs = ["agent_exit", ...execs, ...(seesRounding ? SWITCH_PROGRAMS.toReversed() : [])];
  return {
    detector: "monero",
    programs: programs.map((program) => ({ program })),
    mainProgram: programs.at(-1)!,
    skip: [...(seesRounding ? [] : SWITCH_PROGRAMS), ...(tellsExecs ? [] : [EXEC_PROGRAM])],
    constants: {},
    maxEntries: tellsExecs ? {} : { [LOOKS]: 1, [MARKS]: 1 },
    // Both, whatever is told: an agent that tells other things takes over from this one.
    rings: [EVENTS, EXECS],
    kept: [PROCESSES, LOOKS, MARKS],
  };
}

/** Why rounding and registers cannot be seen on this machine, or null. @param readBtf - The kernel's types. */
export function roundingObstacle(
  readBtf: () => Uint8Array = () => readFileSync("/sys/kernel/btf/vmlinux"),
  machine = arch(),
): string | null {
  if (machine !== "x64") return `no tracepoint tells the floating point state on ${machine}, only on x86-64`;
  let btf: Buffer;
  try {
    btf = Buffer.from(readBtf());
  } catch {
    return "this kernel has no BTF (CONFIG_DEBUG_INFO_BTF)";
  }
  const missing = TRACEPOINTS.find((name) => !btf.includes(`\0${name}\0`));
  return missing === undefined ? null : `this kernel has no tracepoint x86_fpu:${missing.slice("btf_trace_".length)}`;
}
