// A second detector, as small as one can be: it counts execs by cgroup. Nothing that is shared knows of it.
import type { DetectorCommand } from "@cryptnono/agent/run/command";
import type { Detector } from "@cryptnono/agent/run/detector";
import { structLayout } from "@cryptnono/native";

interface Flags {
  readonly every: string;
}

/** Milliseconds between two lines. */
type Rules = number;

export const execCounterCommand: DetectorCommand<Flags, Rules> = {
  name: "exec-counter",
  description: "count execs by cgroup",
  addFlags: (command) => command.option("--every <ms>", "milliseconds between two lines", "100"),
  create: ({ every }) => execCounter(Number(every)),
};

function execCounter(everyMs: number): Detector<Rules> {
  return {
    name: "exec-counter",
    sensor: {
      detector: "exec-counter",
      object: "exec-counter.bpf.o",
      programs: [{ program: "agent_exit" }, { program: "count_exec" }],
      mainProgram: "count_exec",
      skip: [],
      constants: {},
      maxEntries: {},
      rings: ["first_execs"],
    },
    watched: [],
    load: () => Promise.resolve(everyMs),
    begin(house) {
      const { offsets } = structLayout(house.layout, "first_exec");
      let execs = 0n;
      house.series.beforeScrape(() => {
        execs = house.counters()?.["execs"] ?? execs;
      });
      house.series.reading("execs_total", "Execs", "counter", () => [[{}, execs]]);
      return {
        contents: () => ({}),
        onRecord(record) {
          const view = new DataView(record.buffer, record.byteOffset);
          const cgroup = view.getBigUint64(offsets["cgroup_id"]!, true);
          house.notice("info", "First exec", { cgroup: String(cgroup), pid: view.getUint32(offsets["pid"]!, true) });
        },
        inForce: (every) => ({ every_ms: every }),
        readyText: () => "attached and counting",
        alongside: [
          {
            everyMs,
            async run() {
              const counts = house
                .map("execs")
                .entries()
                .map(({ key, value }) => [String(u64(key)), Number(u64(value))]);
              house.notice("info", "Execs", { by_cgroup: Object.fromEntries(counts) });
            },
          },
        ],
      };
    },
  };
}

function u64(bytes: Uint8Array): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
}
