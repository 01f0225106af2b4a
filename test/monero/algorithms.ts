// Real implementations of algorithms that are mined, under the memory scan alone, enforced: what each is named, and how long it lives.
// ALGORITHMS_PYTHON=v/bin/python node test/dist/monero/algorithms.js; needs root and a Python with the packages of test/monero/README.md.
import { execFileSync, spawn } from "node:child_process";
import { MoneroAgent } from "../lib/monero-agent.js";

const PYTHON = process.env["ALGORITHMS_PYTHON"] ?? "python3";
const SECONDS = 60;

/** What computes one hash after the other, by the module that it needs. */
const LOOPS: Readonly<Record<string, string>> = {
  randomx: "vm = randomx.RandomX(b'key')\nwhile True: vm(b'input')",
  pycryptonight: "while True: pycryptonight.cn_slow_hash(b'x' * 76, 1)",
  x16r_hash: "while True: x16r_hash.getPoWHash(b'x' * 80)",
  minotaurx_hash: "while True: minotaurx_hash.getPoWHash(b'x' * 80)",
  kawpow: "while True: kawpow.hash(0, b'x' * 32, 7)",
  pyethash: "c = pyethash.mkcache_bytes(0)\nwhile True: pyethash.hashimoto_light(0, c, b'x' * 32, 7)",
};

const agent = await MoneroAgent.start([
  ...["--registers", "off", "--four-modes", "off"],
  ...["--memory", "enforce", "--memory-every", "2"],
]);
console.log("| package | outcome | algorithm | seconds of CPU | mappings |");
console.log("| --- | --- | --- | --- | --- |");
for (const [name, loop] of Object.entries(LOOPS)) {
  try {
    execFileSync(PYTHON, ["-c", `import ${name}`], { stdio: "ignore" });
  } catch {
    console.log(`| ${name} | not installed | | | |`);
    continue;
  }
  const child = spawn(PYTHON, ["-c", `import ${name}\n${loop}`], { stdio: "ignore", timeout: SECONDS * 1000 });
  const signal = await new Promise((resolve) =>
    child.once("exit", (code, signal) => resolve(signal ?? `status ${code}`)),
  );
  if (signal !== "SIGKILL") {
    console.log(`| ${name} | ${signal === "SIGTERM" ? "lives" : `ended by itself: ${signal}`} | | | |`);
    continue;
  }
  const line = await agent.lineOf("killed", child.pid!);
  const algorithm = [line["algorithm"], line["variant"]].filter((word) => word !== undefined).join(", ");
  console.log(`| ${name} | killed | ${algorithm} | ${line["cpu_seconds"]} | ${line["mappings"]} |`);
}
await agent.stop();
