// The names of execwhacker's BPF object, and how its tables come into force.
import { release } from "node:os";
import type { Tables } from "@cryptnono/matcher";
import type { SlotContents } from "@cryptnono/native";
import type { MoreParts, SensorParts } from "../../sensor/index.js";
import type { Beside } from "./beside.js";
import type { EnvironmentTables } from "./environment/index.js";
import { SPARED } from "./exec-memory.js";
import { SUMMED, TALLIES, TOLD_GROUPS } from "./tallies.js";
import { walletTable } from "./wallets/index.js";

/** Kills have a ring of their own, so that no flood of other events can take their room. */
export const KILL_RING = "kill_events";
export const OTHER_RING = "other_events";

/** The program that decides: before Linux 6.18, which schedules no second look, a form without it. */
export function guardProgram(kernelRelease = release()): string {
  return hasSecondLook(kernelRelease) ? "guard_exec" : "guard_exec_once";
}

/** For tests and benchmarks. */
export const TEST_PROGRAM = "judge_buffer";
export const WALLETS_TEST_PROGRAM = "judge_wallets";
export const ENVIRONMENT_TEST_PROGRAM = "judge_environment";

/** What looks beside the guard, each in a state of its own; only loaded where there is something to look for. */
const WALLETS = "guard_wallets";
const ENVIRONMENT = "guard_environment";

/** Copies of it, each with a state of its own in these maps, and what notices that all of them were skipped. */
const COPIES = ["guard_exec_2", "guard_exec_3"];
const AFTER_COPIES = "guard_skipped";
const MAPS_BY_COPY = ["searches", "kept_texts", "event_buffers", "true_paths", "spared_buffers", "wallet_states"];

/**
 * Programs that take a hash of the arguments while nobody else can reach them (bpf/execwhacker/copied.bpf.h): two tracepoints from
 * Linux 6.10 on, a traced function before, which not every kernel lets be traced.
 */
const COPIED = {
  byTracepoints: ["args_prepared", "args_copied"],
  byFunction: ["args_committing"],
} as const;

/**
 * @param ringBytes - 0: the object's own.
 * @param beside - What is looked for beside strings on command lines.
 */
export function execwhackerSensor(
  ringBytes: Readonly<Record<string, number>> = {},
  kernelRelease = release(),
  { wallets = false, environment = false }: Partial<Beside> = {},
): SensorParts {
  const others = [...COPIES, AFTER_COPIES];
  const isPreempted = isTracingPreempted(kernelRelease);
  const hasTracepoints = isAtLeast(kernelRelease, 6, 10);
  const copied = hasTracepoints ? COPIED.byTracepoints : COPIED.byFunction;
  const copies = isPreempted ? 1 + COPIES.length : 1;
  // What cannot be searched at once is looked at once more where the kernel can schedule that (look_later), in a state of its own.
  const looks = hasSecondLook(kernelRelease) ? copies + 1 : copies;
  const states = looks + Number(wallets) + Number(environment);
  const guard = guardProgram(kernelRelease);
  const programs = ["agent_exit", "spared_forked", "spared_exited", guard, ...(isPreempted ? others : [])];
  if (wallets) programs.push(WALLETS);
  if (environment) programs.push(ENVIRONMENT);
  return {
    detector: "execwhacker",
    programs: [...copied.map((program) => ({ program, optional: true })), ...programs.map((program) => ({ program }))],
    mainProgram: guard,
    skip: [
      TEST_PROGRAM,
      WALLETS_TEST_PROGRAM,
      ENVIRONMENT_TEST_PROGRAM,
      ...(wallets ? [] : [WALLETS]),
      ...(environment ? [] : [ENVIRONMENT]),
      ...["guard_exec", "guard_exec_once"].filter((program) => program !== guard),
      ...(isPreempted ? [] : others),
      ...(hasTracepoints ? COPIED.byFunction : COPIED.byTracepoints),
    ],
    maxEntries: {
      ...Object.fromEntries(Object.entries(ringBytes).filter(([, bytes]) => bytes > 0)),
      ...Object.fromEntries(MAPS_BY_COPY.map((map) => [map, states])),
    },
    constants: { check_copied: true, later_copy: copies, wallets_copy: looks, environment_copy: states - 1 },
    // From 7.0 on it takes an argument that the verifier gives, and has a name without the ending (execwhacker.bpf.c).
    absent: isAtLeast(kernelRelease, 7, 0) ? ["bpf_task_work_schedule_signal_impl"] : [],
    rings: [KILL_RING, OTHER_RING],
    kept: [TALLIES, SUMMED, TOLD_GROUPS, SPARED],
  };
}

/** What looks beside the guard and is wanted only now: in states of its own, as those that there are were made for what was there. */
export function moreParts({ wallets, environment }: Beside, kernelRelease = release()): MoreParts {
  const wanted = [...(wallets ? [WALLETS] : []), ...(environment ? [ENVIRONMENT] : [])];
  const { programs, skip, absent = [] } = execwhackerSensor({}, kernelRelease, { wallets, environment });
  const states = wanted.length;
  return {
    programs: wanted.map((program) => ({ program })),
    skip: [...skip, ...programs.map(({ program }) => program).filter((program) => !wanted.includes(program))],
    absent,
    maxEntries: Object.fromEntries(MAPS_BY_COPY.map((map) => [map, states])),
    constants: { wallets_copy: 0, environment_copy: states - 1 },
    own: MAPS_BY_COPY,
  };
}

/**
 * From Linux 7.0 on (bpf/execwhacker/execwhacker.bpf.c, may_be_skipped). Elsewhere the programs behind the first would cost each exec their
 * call.
 */
function isTracingPreempted(kernelRelease: string): boolean {
  return isAtLeast(kernelRelease, 7, 0);
}

function hasSecondLook(kernelRelease: string): boolean {
  return isAtLeast(kernelRelease, 6, 18);
}

function isAtLeast(kernelRelease: string, major: number, minor: number): boolean {
  const [ownMajor = 0, ownMinor = 0] = kernelRelease.split(".").map((part) => Number.parseInt(part, 10));
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}

/**
 * A list's tables by the outer maps of their slots.
 *
 * @param environment - What is looked for there; left out where nothing looks at it.
 */
export function slotContents(
  { filters, cells, allow }: Tables,
  wallets: Uint8Array = walletTable([], 0),
  environment?: EnvironmentTables,
): Readonly<Record<string, SlotContents>> {
  if (environment === undefined)
    return { filters_slots: filters, cells_slots: cells, allow_slots: allow, wallets_slots: wallets };
  return {
    filters_slots: [filters, environment.filters],
    cells_slots: [cells, environment.cells],
    allow_slots: allow,
    wallets_slots: [wallets, environment.wallets],
  };
}
