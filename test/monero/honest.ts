// Today's rule and ours on the same runs: honest programs, which must live, and RandomX, which must not. Nothing is killed: what would
// be is told, and after how many seconds.
// node test/dist/monero/honest.js SECONDS ['COMMAND'...]; needs root. Without commands: those below whose program is installed.
// HONEST_PYTHON: a Python with numpy, scipy and argon2-cffi; HONEST_BUILT: a folder with programs of test/monero/README.md.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { MoneroAgent } from "../lib/monero-agent.js";

/** The rule of the Python tool: so many times at which a process was taken off a processor in a directed rounding mode. */
const TODAYS_MOST = 64;
const LOOK_EVERY_MS = 100;

const PYTHON = process.env["HONEST_PYTHON"] ?? "python3";
const folder = mkdtempSync(join(tmpdir(), "honest-"));
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const python = (code: string) => `${PYTHON} -c "${code}"`;

interface Case {
  readonly name: string;
  readonly command: string;
  /** Exits with 0 where the command can run. */
  readonly needs: string;
}

const page = file(
  "page.html",
  "<script type=module>const b=new Uint8Array([0,97,115,109,1,0,0,0,1,6,1,96,1,127,1,127,3,2,1,0,7,5,1,1,102,0,0,10,32,1,30,1,1,127," +
    "3,64,32,1,32,0,108,32,0,106,33,1,32,0,65,1,107,34,0,13,0,11,32,1,11]);" +
    "const{f}=(await WebAssembly.instantiate(b)).instance.exports;for(;;){f(1e7);await new Promise(r=>setTimeout(r))}</script>",
);
const java = file(
  "J.java",
  "class J{public static void main(String[] a){double x=1;for(;;){x=Math.sin(x)+Math.sqrt(x*x+1e-9);if(x<0)System.out.println(x);}}}",
);
const r = file("r.R", "repeat { x <- matrix(rnorm(90000), 300); solve(x); svd(x) }");
const octave = file("o.m", "pkg load interval; while true, sin(infsup(1:100, 2:101)) * infsup(3, 4); end");
const source = file(
  "g.cc",
  '#include <regex>\n#include <map>\nint main(){std::regex r("a+b");return std::regex_match("aab",r);}',
);
const big = join(folder, "big");

const CASES: readonly Case[] = [
  {
    name: "numpy: matrices, SVD, FFT",
    needs: python("import numpy"),
    command: python("import numpy as n\nwhile 1: a=n.random.rand(400,400); n.linalg.svd(a); n.fft.fft2(a)"),
  },
  {
    name: "scipy: integration, optimisation",
    needs: python("import scipy"),
    command: python(
      "import scipy.integrate as i, scipy.optimize as o, numpy as n\nwhile 1: i.solve_ivp(lambda t,y: -y*n.sin(t), (0,50), [1.0]); o.minimize(o.rosen, n.ones(9)*3)",
    ),
  },
  {
    name: "numba",
    needs: python("import numba"),
    command: python(
      "import numba\n@numba.njit(fastmath=True)\ndef f(n):\n  x=0.0\n  for i in range(n): x+=i**0.5\n  return x\nwhile 1: f(10**8)",
    ),
  },
  { name: "R: matrices", needs: "R --version", command: `R --vanilla -q -s -f ${r}` },
  { name: "Julia", needs: "julia --version", command: "julia -e 'while true; a=rand(400,400); a*a; inv(a); end'" },
  {
    name: "Octave, its interval package",
    needs: "octave-cli --norc --eval 'pkg load interval'",
    command: `octave-cli --norc ${octave}`,
  },
  {
    name: "ffmpeg, x264",
    needs: "ffmpeg -version",
    command: "ffmpeg -v quiet -f lavfi -i testsrc2=s=1280x720:d=6000 -c:v libx264 -f null -",
  },
  {
    name: "ffmpeg, AAC",
    needs: "ffmpeg -version",
    command: "ffmpeg -v quiet -f lavfi -i anoisesrc=d=600000 -c:a aac -f null -",
  },
  {
    name: "argon2",
    needs: "command -v argon2",
    command: "while :; do echo -n secret | argon2 somesalt -id -t 20 -m 16 -p 2 >/dev/null; done",
  },
  {
    name: "argon2-cffi",
    needs: python("import argon2"),
    command: python("import argon2\nh=argon2.PasswordHasher(time_cost=8)\nwhile 1: h.hash('secret')"),
  },
  {
    name: "scrypt",
    needs: "command -v scrypt",
    command: `echo secret > ${folder}/pass; head -c 99999 /dev/zero > ${folder}/plain; while :; do scrypt enc --passphrase file:${folder}/pass -t 3 ${folder}/plain > /dev/null; done`,
  },
  {
    name: "restic, backup",
    needs: "command -v restic",
    command: `head -c 200000000 /dev/urandom > ${big}; export RESTIC_PASSWORD=x; while :; do rm -rf ${folder}/repo; restic -q --no-cache -r ${folder}/repo init; restic -q --no-cache -r ${folder}/repo backup ${big}; done`,
  },
  {
    name: "borg, backup",
    needs: "command -v borg",
    command: `head -c 200000000 /dev/urandom > ${big}; export BORG_PASSPHRASE=x BORG_BASE_DIR=${folder}; while :; do rm -rf ${folder}/borg; borg init -e repokey-blake2 ${folder}/borg; borg create ${folder}/borg::a ${big}; done`,
  },
  { name: "openssl speed", needs: "command -v openssl", command: "openssl speed -seconds 3" },
  {
    name: "zstd -19",
    needs: "command -v zstd",
    command: "while :; do head -c 50000000 /dev/urandom | zstd -19 -T2 >/dev/null; done",
  },
  { name: "g++ in a loop", needs: "command -v g++", command: `while :; do g++ -O2 -c ${source} -o /dev/null; done` },
  { name: "Node", needs: "command -v node", command: "node -e 'let x=1;for(;;)x=Math.sin(x)+Math.sqrt(x+2)'" },
  { name: "Java", needs: "command -v java", command: `java ${java}` },
  {
    name: "Chromium, WebAssembly",
    needs: "command -v chromium",
    command: `chromium --headless --no-sandbox --disable-gpu --user-data-dir=${folder}/c --virtual-time-budget=9999999 --dump-dom file://${page}`,
  },
  {
    name: "jellyfish, counting k-mers",
    needs: "command -v jellyfish",
    command: `head -c 99999999 /dev/urandom | tr -dc ACGT | fold -w 80 | sed '1i >x' > ${folder}/x.fa; while :; do jellyfish count -m 21 -s 9M -t 2 -o /dev/null ${folder}/x.fa; done`,
  },
  ...builtCases(process.env["HONEST_BUILT"]),
];

/** Programs that are built by hand: directed rounding in good faith, and RandomX itself. */
function builtCases(built: string | undefined): Case[] {
  if (built === undefined) return [];
  return [
    ...["0", "1", "2", "3"].map((way) => ["boosti", `Boost.Interval, way ${way}`, way] as const),
    ...["0", "1"].map((way) => ["cgal_int", `CGAL, intervals, way ${way}`, way] as const),
    ["cgal_geo", "CGAL, exact kernel", "epeck"] as const,
    ["rx", "RandomX, JIT, one thread", "jit 1"] as const,
    ["rx", "RandomX, interpreter", "int 1"] as const,
  ].map(([program, name, words]) => ({
    name,
    needs: `test -x ${built}/${program}`,
    command: `${built}/${program} ${words} 100`,
  }));
}

const [seconds, ...commands] = process.argv.slice(2);
const agent = await MoneroAgent.start([
  ...["--mode", "audit", "--four-modes", "enforce", "--memory", "enforce"],
  ...["--memory-every", "5", "--memory-percent", "10"],
]);
console.log(`| program, ${seconds} s | today's rule kills after | ours | samples with a directed mode |`);
console.log("| --- | --- | --- | --- |");
const chosen = commands.length === 0 ? CASES : commands.map((command) => ({ name: command, command, needs: "true" }));
for (const one of chosen) await measure(one);
await agent.stop();
rmSync(folder, { recursive: true, force: true });

async function measure({ name, needs, command }: Case): Promise<void> {
  if (spawnSync("/bin/sh", ["-c", needs], { stdio: "ignore", cwd: folder }).status !== 0) {
    console.log(`| ${name} | not installed: \`${needs.split("\n", 1)[0]}\` fails | | |`);
    return;
  }
  agent.lines.length = 0;
  const readDirected = () => agent.metric('samples_total{rounding="directed"}');
  const before = await readDirected();
  const beganMs = performance.now();
  const since = () => ((performance.now() - beganMs) / 1000).toFixed(1);
  // A group of its own, so that all of it ends.
  const child = spawn("/bin/sh", ["-c", command], { stdio: "ignore", detached: true, cwd: folder });
  const ended = new Promise((resolve) => child.once("exit", (code) => resolve(code)));
  let todays: string | null = null;
  let ours: string | null = null;
  let directed = 0;
  let status: unknown = null;
  while (status === null && performance.now() - beganMs < Number(seconds) * 1000) {
    status = await Promise.race([ended, sleep(LOOK_EVERY_MS, null)]);
    directed = (await readDirected()) - before;
    if (directed > TODAYS_MOST) todays ??= `${since()} s`;
    const [line] = agent.actions("would-kill");
    if (line !== undefined) ours ??= `${line["rule"]} after ${since()} s (${line["comm"]})`;
  }
  try {
    process.kill(-child.pid!, "SIGKILL");
  } catch {
    // It has ended.
  }
  const early = status === null ? "" : `; it ended after ${since()} s, status ${status}`;
  console.log(`| ${name} | ${todays ?? "-"} | ${ours ?? `lives${early}`} | ${directed} |`);
}
