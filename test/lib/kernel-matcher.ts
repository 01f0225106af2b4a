// The BPF programs' own search and verdict, asked about buffers: nothing is attached.
import { readFileSync } from "node:fs";
import type { Beside } from "@cryptnono/agent/detectors/execwhacker/beside";
import type { EnvironmentTables } from "@cryptnono/agent/detectors/execwhacker/environment/index";
import {
  ENVIRONMENT_TEST_PROGRAM,
  execwhackerSensor,
  guardProgram,
  slotContents,
  TEST_PROGRAM,
  WALLETS_TEST_PROGRAM,
} from "@cryptnono/agent/detectors/execwhacker/sensor";
import type { SensorParts } from "@cryptnono/agent/sensor/index";
import type { Tables } from "@cryptnono/matcher";
import {
  constant,
  type Layout,
  type ProgramStatistics,
  Sensor,
  type StructLayout,
  structLayout,
} from "@cryptnono/native";
import { ROOT } from "./agent.js";

/** What the test entry says of a buffer; numbers as in bpf/execwhacker/execwhacker.h. */
export interface BufferJudgement {
  readonly verdict: number;
  readonly stringId: number;
  readonly patternId: number;
  readonly flags: number;
  readonly matchOffset: number;
  readonly matchInPath: number;
  /** What the search and the verdict cost, in the units of `policy.max_work`. */
  readonly work: number;
  readonly elapsedNs: number;
  /** The candidate's string by which it would kill what lives; NO_STRING: none. */
  readonly candidateId: number;
}

export interface MatcherOptions {
  /** Use the loop that kernels before 5.17 have. */
  readonly withoutBpfLoop?: boolean;
  /** Look for wallets, and for nothing else. */
  readonly wallets?: boolean;
  /** Look at the environment, and at nothing else. */
  readonly environment?: boolean;
  /** What is attached beside the guard. */
  readonly beside?: Partial<Beside>;
}

export class KernelMatcher {
  readonly #sensor: Sensor;
  readonly #parts: SensorParts;
  readonly #layout: Layout;
  readonly #args: StructLayout;
  readonly #program: string;
  #slot: 0 | 1 = 0;

  constructor({ withoutBpfLoop = false, wallets = false, environment = false, beside }: MatcherOptions = {}) {
    this.#parts = execwhackerSensor({}, undefined, beside);
    this.#program = environment ? ENVIRONMENT_TEST_PROGRAM : wallets ? WALLETS_TEST_PROGRAM : TEST_PROGRAM;
    const object = readFileSync(`${ROOT}build/bpf/execwhacker.bpf.o`);
    const skip = this.#parts.skip.filter((program) => program !== this.#program);
    const { maxEntries } = this.#parts;
    this.#sensor = Sensor.open({
      object,
      constants: { ...(beside === undefined ? {} : this.#parts.constants), without_bpf_loop: withoutBpfLoop },
      maxEntries,
      skip,
      absent: this.#parts.absent ?? [],
    });
    this.#layout = this.#sensor.layout();
    this.#args = structLayout(this.#layout, "judge_args");
  }

  /** Put a list in force. Takes some 30 ms: the kernel waits for those who may still see the slot's last tables. */
  install(tables: Tables, wallets?: Uint8Array, environment?: EnvironmentTables): void {
    this.#slot = this.#slot === 0 ? 1 : 0;
    this.#sensor.fill(this.#slot, slotContents(tables, wallets, environment));
    this.#sensor.map("control").set(this.constant("CONTROL_SLOT"), this.#slot);
  }

  /**
   * @param path - With its NUL.
   * @param area - Arguments, each with its NUL.
   * @param scopes - That hold; 0: all.
   * @param environment - Variables, each with its NUL.
   * @param unknown - Scopes of which nobody knows.
   */
  judge(
    path: Uint8Array,
    area: Uint8Array,
    script = false,
    scopes = 0,
    environment = new Uint8Array(0),
    unknown = 0,
  ): BufferJudgement {
    const { size, offsets } = this.#args;
    const context = new Uint8Array(size);
    const view = new DataView(context.buffer);
    view.setUint32(offsets["args_bytes"]!, area.length, true);
    view.setUint32(offsets["script_interpreter"]!, script ? 1 : 0, true);
    view.setUint32(offsets["scopes"]!, scopes, true);
    view.setUint32(offsets["unknown_scopes"]!, unknown, true);
    view.setUint32(offsets["environment_bytes"]!, environment.length, true);
    const failed = this.#sensor.testRun(this.#program, context, [
      [offsets["path"]!, path],
      [offsets["args"]!, area],
      [offsets["environment"]!, environment],
    ]);
    if (failed !== 0) throw new Error("judge a buffer: no tables in force");
    const u32 = (field: string) => view.getUint32(offsets[field]!, true);
    return {
      verdict: u32("verdict"),
      stringId: u32("string_id"),
      patternId: u32("pattern_id"),
      flags: u32("flags"),
      matchOffset: u32("match_offset"),
      matchInPath: u32("match_in_path"),
      work: u32("work"),
      elapsedNs: Number(view.getBigUint64(offsets["elapsed_ns"]!, true)),
      candidateId: u32("candidate_id"),
    };
  }

  /** Strings of a list that are only logged: these, and no others. */
  demote(generation: number, strings: readonly number[]): void {
    const map = this.#sensor.map("demoted");
    for (const key of map.keys()) map.delete(key);
    for (const id of strings) map.set(Uint8Array.from(Buffer.from(Uint32Array.of(generation, id).buffer)), 1);
  }

  /** From here on it judges each exec of this machine. */
  attach(): void {
    this.#sensor.attach(this.#parts.programs);
  }

  detach(): void {
    this.#sensor.detach();
  }

  /** Of the program that judges execs, or of one that looks beside it. */
  statistics(program = "guard"): ProgramStatistics {
    return this.#sensor.statistics(program === "guard" ? guardProgram() : program);
  }

  constant(name: string): number {
    return constant(this.#layout, name);
  }

  /** `killed`, `would-kill`, ... for a verdict's number. */
  verdictName(verdict: number): string {
    for (const [name, value] of Object.entries(this.#layout.enums["verdict"] ?? {})) {
      if (value === verdict) return name.slice(8).toLowerCase().replaceAll("_", "-");
    }
    throw new Error(`no verdict ${verdict}`);
  }

  close(): void {
    this.#sensor.close();
  }
}
