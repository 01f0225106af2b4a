// Servers of a network of its own: name servers on port 53, and on other ports what tells how many bytes it got. As a program: it
// makes the file that its first argument names once all listen, and when it is ended it tells of how many bytes it got in all.
import { createSocket } from "node:dgram";
import { writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";

export const POOL = "pooltest.example";
export const POOL_ADDRESSES = ["203.0.113.50", "203.0.113.51"];
export const FINE_ADDRESS = "203.0.113.60";
const PORTS = [443, 3333, 8080];

/** An answer to a question: addresses by its name. */
function answer(question: Buffer): Buffer {
  const text = question.subarray(12).toString("latin1").toLowerCase();
  const isPool = text.includes(POOL.split(".")[0]!);
  const addresses = isPool ? POOL_ADDRESSES : [FINE_ADDRESS];
  const head = Buffer.from(question.subarray(0, 12));
  head[2] = 0x81;
  head[3] = 0x80;
  head.writeUInt16BE(addresses.length, 6);
  head.writeUInt32BE(0, 8);
  const end = question.indexOf(0, 12) + 5;
  const records = addresses.map((address) =>
    Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...address.split(".").map(Number)]),
  );
  return Buffer.concat([head, question.subarray(12, end), ...records]);
}

let gotInAll = 0;

async function serve(): Promise<void> {
  const udp = createSocket("udp4", (question, from) => udp.send(answer(question), from.port, from.address));
  await new Promise<void>((resolve) => udp.bind(53, "0.0.0.0", resolve));
  await listen(53, (socket) =>
    socket.once("data", (bytes) => {
      const message = answer(bytes.subarray(2));
      socket.end(Buffer.concat([Buffer.from([message.length >> 8, message.length & 255]), message]));
    }),
  );
  for (const port of PORTS) {
    await listen(port, (socket) => {
      let got = 0;
      socket.on("data", (bytes) => {
        got += bytes.length;
        gotInAll += bytes.length;
      });
      socket.on("end", () => socket.end(String(got)));
    });
  }
}

function listen(port: number, onSocket: (socket: Socket) => void): Promise<void> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    onSocket(socket);
  });
  return new Promise((resolve) => void server.listen(port, "::", resolve));
}

const [, , readyFile] = process.argv;
if (readyFile !== undefined && process.argv[1] === new URL(import.meta.url).pathname) {
  await serve();
  process.once("SIGTERM", () => {
    process.stdout.write(`servers: ${gotInAll}\n`, () => process.exit());
  });
  writeFileSync(readyFile, "");
}
