// What names cost: time in the hooks by the kernel's own count, beside programs that do nothing, in one run and on the same packets.
import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { HOOKS, namesSensor, slotContents } from "@cryptnono/agent/detectors/flowkiller/names/sensor";
import { Sensor } from "@cryptnono/native";
import { ROOT } from "../lib/agent.js";
import { cgroup2Mount } from "../lib/cgroups.js";
import { poolNames } from "../lib/honest-payloads.js";
import { NAMES_OBJECT, nameTables } from "../lib/name-looker.js";
import { clientHello, dnsQuestion } from "../lib/payloads.js";
import type { Result } from "./result.js";

const STATISTICS = "/proc/sys/kernel/bpf_stats_enabled";
const TIMES = 2000;
const PACKETS = 20_000;
const EMPTY = {
  names_egress: "empty_egress",
  names_ingress: "empty_ingress",
  names_connect4: "empty_connect",
} as const;
type Hook = keyof typeof EMPTY;

const OWN = new URL(import.meta.url).pathname;
if (process.argv[1] === OWN && process.argv[2] === "serve") await serve();

/** In a process of its own, outside of the cgroup that is measured. */
async function serve(): Promise<void> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => {});
    socket.on("data", (bytes) => void socket.write(bytes.subarray(0, 1)));
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const udp = createSocket("udp4", (bytes, from) => udp.send(bytes, from.port, from.address));
  await new Promise<void>((resolve) => void udp.bind(53, "127.0.0.9", resolve));
  process.stdout.write(`${JSON.stringify(server.address())}\n`);
}

export async function measureNames(): Promise<Result[]> {
  const server = spawn(process.execPath, [OWN, "serve"], { stdio: ["ignore", "pipe", "inherit"] });
  const { port } = JSON.parse(
    await new Promise<string>((resolve) => server.stdout.once("data", (bytes: Buffer) => resolve(bytes.toString()))),
  ) as { port: number };
  const before = readFileSync(STATISTICS, "utf8");
  const mount = cgroup2Mount();
  const cgroup = `${mount}/cn-names-${process.pid}`;
  mkdirSync(cgroup);
  writeFileSync(`${cgroup}/cgroup.procs`, String(process.pid));
  writeFileSync(STATISTICS, "1");
  const parts = namesSensor(cgroup, true);
  const names = Sensor.open({ object: NAMES_OBJECT, constants: parts.constants, skip: parts.skip });
  const empty = Sensor.open({ object: readFileSync(`${ROOT}build/test/bpf/empty-hooks.bpf.o`), skip: ["agent_exit"] });
  const results: Result[] = [];
  try {
    const layout = names.layout();
    const pools = poolNames();
    names.fill(1, slotContents(nameTables(pools), layout));
    names.map("control").set(layout.enums["control"]!["CONTROL_SLOT"]!, 1);
    names.attach(HOOKS.map((program) => ({ program, cgroup })));
    empty.attach(Object.values(EMPTY).map((program) => ({ program, cgroup })));

    const cost = async (title: string, count: number, act: () => Promise<void>, hooks: readonly Hook[]) => {
      await act();
      const read = () =>
        new Map(
          hooks.map((hook) => {
            const [of, none] = [names.statistics(hook), empty.statistics(EMPTY[hook])];
            return [hook, { ns: of.runTimeNs - none.runTimeNs, runs: of.runs }] as const;
          }),
        );
      const start = read();
      for (let i = 0; i < count; i++) await act();
      const end = read();
      for (const hook of hooks) {
        const ns = end.get(hook)!.ns - start.get(hook)!.ns;
        const runs = end.get(hook)!.runs - start.get(hook)!.runs;
        const times = (runs / count).toFixed(1);
        results.push({ name: `${title}: in ${hook}`, median: ns / count, unit: "ns", note: `${times} runs` });
      }
    };

    const one = await open(port);
    await exchange(one, Buffer.from("SSH-2.0-x\r\n"));
    await cost(
      `${pools.length} names: packet of an established connection`,
      PACKETS,
      () => exchange(one, Buffer.from("x")),
      ["names_egress", "names_ingress"],
    );
    one.destroy();
    const first = (payload: () => Buffer) => async () => {
      const socket = await open(port);
      await exchange(socket, payload());
      socket.destroy();
    };
    const hooks: Hook[] = ["names_egress", "names_connect4"];
    await cost(
      "names: connection: SSH",
      TIMES,
      first(() => Buffer.from("SSH-2.0-OpenSSH_9.2\r\n")),
      hooks,
    );
    const hello = clientHello("www.example.org", { before: 1263 });
    await cost(
      "names: connection: ClientHello, 1.4 KB",
      TIMES,
      first(() => hello),
      hooks,
    );
    const get = Buffer.from(
      `GET / HTTP/1.1\r\nHost: www.example.org\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: */*\r\nCookie: ${"a".repeat(200)}\r\n\r\n`,
    );
    await cost(
      `names: connection: HTTP GET, ${get.length} bytes`,
      TIMES,
      first(() => get),
      hooks,
    );
    const question = dnsQuestion("www.numpy.example.org");
    await cost("names: DNS question, and its answer", TIMES, () => ask(question), [...hooks, "names_ingress"]);
  } finally {
    names.close();
    empty.close();
    server.kill();
    writeFileSync(STATISTICS, before);
    writeFileSync(`${mount}/cgroup.procs`, String(process.pid));
    rmdirSync(cgroup);
  }
  return results;
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true }, () => resolve(socket));
    socket.once("error", reject);
  });
}

function exchange(socket: Socket, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    socket.once("data", () => resolve());
    socket.write(bytes);
  });
}

function ask(question: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    socket.once("message", () => socket.close(() => resolve()));
    socket.connect(53, "127.0.0.9", () => socket.send(question));
  });
}
