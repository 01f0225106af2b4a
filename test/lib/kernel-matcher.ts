// The BPF programs' own search and verdict, asked about buffers: nothing is attached.
import { readFileSync } from "node:fs";
import type { Tables } from "@cryptnono/matcher";
import { type BufferJudgement, layout, Sensor, type SensorOptions } from "@cryptnono/native";
import { ROOT } from "./agent.js";

export class KernelMatcher {
  readonly sensor: Sensor;
  readonly #constants = layout().constants;
  #slot: 0 | 1 = 0;

  constructor(options: SensorOptions = {}) {
    this.sensor = Sensor.open(readFileSync(`${ROOT}build/bpf/execwhacker.bpf.o`), { ...options, testEntry: true });
  }

  /** Put a list in force. Takes some 30 ms: the kernel waits for those who may still see the slot's last tables. */
  install(tables: Tables): void {
    this.#slot = this.#slot === 0 ? 1 : 0;
    this.sensor.fillSlot(this.#slot, tables);
    this.sensor.setControl(this.constant("CONTROL_SLOT"), this.#slot);
  }

  /** @param path - With its NUL. @param area - Arguments, each with its NUL. */
  judge(path: Uint8Array, area: Uint8Array, script = false): BufferJudgement {
    return this.sensor.judgeBuffer(path, area, script);
  }

  constant(name: string): number {
    const value = this.#constants[name];
    if (value === undefined) throw new Error(`no constant ${name}`);
    return value;
  }

  /** `killed`, `would-kill`, ... for a verdict's number. */
  verdictName(verdict: number): string {
    for (const [name, value] of Object.entries(this.#constants)) {
      if (name.startsWith("VERDICT_") && value === verdict) return name.slice(8).toLowerCase().replaceAll("_", "-");
    }
    throw new Error(`no verdict ${verdict}`);
  }

  close(): void {
    this.sensor.close();
  }
}
