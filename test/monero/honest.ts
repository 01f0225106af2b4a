// Today's rule and ours on the same runs: honest programs, which must live, and RandomX, which must not. Nothing is killed: what would
// be is told, and after how many seconds.
// node test/dist/monero/honest.js SECONDS ['COMMAND'...]; needs root. Without commands: those below whose program is installed.
// HONEST_PYTHON: a Python with numpy, scipy and argon2-cffi; HONEST_BUILT: a folder with programs of test/monero/README.md;
// HONEST_JULIA: the command that runs Julia; HONEST_PART: "1/2" for the first of two halves, to run both beside each other.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { FAMILIES } from "@cryptnono/agent/detectors/monero/memory/constants";
import { MoneroAgent } from "../lib/monero-agent.js";
import { prog } from "../lib/progs.js";

/** The rule of the Python tool: so many times at which a process was taken off a processor in a directed rounding mode. */
const TODAYS_MOST = 64;
const LOOK_EVERY_MS = 200;
/** USER_HZ is 100 on every architecture Node runs on (linux include/asm-generic/param.h). */
const TICKS_PER_SECOND = 100;

const PYTHON = process.env["HONEST_PYTHON"] ?? "python3";
const JULIA = process.env["HONEST_JULIA"] ?? "julia";
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
  "<script type=module>const b=new Uint8Array([0,97,115,109,1,0,0,0,1,6,1,96,1,127,1,127,3,2,1,0,7,5,1,1,102,0,0,10,30,1,28,1,1,127," +
    "3,64,32,1,32,0,108,32,0,106,33,1,32,0,65,1,107,34,0,13,0,11,32,1,11]);" +
    "const{f}=(await WebAssembly.instantiate(b)).instance.exports;for(;;){f(1e9);await new Promise(r=>setTimeout(r))}</script>",
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
const gmp = file(
  "gmp.py",
  `import gmpy2, mpmath, flint
context = gmpy2.get_context()
while True:
    for mode in (gmpy2.RoundDown, gmpy2.RoundUp, gmpy2.RoundToZero):
        context.round = mode
        x = gmpy2.mpfr('1.1')
        for i in range(2000): x = gmpy2.exp(-x) / (1 + x)
    y = mpmath.iv.mpf([1, 2])
    for i in range(200): y = mpmath.iv.exp(-y) / (1 + y * y)
    z = flint.arb(1.1)
    for i in range(2000): z = (-z).exp() / (1 + z)
    flint.fmpz_mat(60, 60, [i * i + 7 for i in range(3600)]).det()
    gmpy2.fac(20000) // gmpy2.fac(19990)
`,
);
const big = join(folder, "big");
/** All that the memory scan looks for, as an explorer's source or a wallet's data have it: text, and numbers in memory that is written to. */
const hexes = JSON.stringify(
  FAMILIES.flatMap(({ patterns }) => patterns.map((pattern) => Buffer.from(pattern).toString("hex"))),
);
const held = `const texts = ${hexes};
const bytes = texts.map((text) => Uint8Array.from(text.match(/../g), (two) => parseInt(two, 16)));
const words = bytes.flatMap((of) => of.length < 8 ? [] : [new DataView(of.buffer).getBigUint64(0, true)]);
const beside = new Uint8Array(1 << 20);
bytes.forEach((of, i) => beside.set(of, i * 64));`;
const burn =
  "let x = 1; const turn = () => { for (let i = 0; i < 1e7; i++) x = Math.sin(x) + words.length + beside[i & 1023]; };";
const explorer = file("explorer.cjs", `${held}\n${burn}\nfor (;;) turn();`);
const explorerPage = file(
  "explorer.html",
  `<pre>${hexes.repeat(20)}</pre><script type=module>${held}\n${burn}\nfor (;;) { turn(); await new Promise((r) => setTimeout(r)); }</script>`,
);
const holdingPython = file(
  "hold.py",
  `import hashlib\nheld = [bytes.fromhex(text) for text in ${hexes}]\nbeside = bytearray(b''.join(held))\nwhile True: hashlib.sha256(beside).digest()\n`,
);

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
  {
    name: "Julia",
    needs: `${JULIA} --version`,
    command: `${JULIA} -e 'while true; a=rand(400,400); a*a; inv(a); sum(sin.(a)); end'`,
  },
  {
    name: "Julia, rounding down and up",
    needs: `${JULIA} --version`,
    command: `${JULIA} -e 'f(x)=(for i in 1:10^6; x=sqrt(x*1.0001+1.5); end; x); while true; setrounding(()->f(1.0), BigFloat, RoundDown); setrounding(()->f(big(1.0)), BigFloat, RoundUp); end'`,
  },
  {
    name: "Codac, intervals",
    needs: python("import codac"),
    command: python(
      "from codac import *\nwhile 1:\n  x=Interval(1,1.1)\n  for i in range(500): x=exp(x)/(1+x); y=sin(x)*sqr(x)+cos(x)",
    ),
  },
  {
    name: "gmpy2 (GMP, MPFR), mpmath, flint",
    needs: python("import gmpy2, mpmath, flint"),
    command: `${PYTHON} ${gmp}`,
  },
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
    name: "x264",
    needs: "x264 --version",
    command: `ffmpeg -v quiet -f lavfi -i testsrc2=s=640x360:d=20 ${folder}/clip.y4m; while :; do x264 --quiet -o /dev/null ${folder}/clip.y4m; done`,
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
    command: `chromium --headless --no-sandbox --disable-gpu --user-data-dir=${folder}/c --remote-debugging-port=0 file://${page}`,
  },
  {
    name: "jellyfish, counting k-mers",
    needs: "command -v jellyfish",
    command: `head -c 99999999 /dev/urandom | tr -dc ACGT | fold -w 80 | sed '1i >x' > ${folder}/x.fa; while :; do jellyfish count -m 21 -s 9M -t 2 -o /dev/null ${folder}/x.fa; done`,
  },
  {
    name: "kmc, counting k-mers",
    needs: "command -v kmc",
    command: `mkdir -p ${folder}/kmc; head -c 99999999 /dev/urandom | tr -dc ACGT | fold -w 80 | sed 's/^/>x\\n/' > ${folder}/k.fa; while :; do kmc -k21 -m2 -t2 -fa ${folder}/k.fa ${folder}/k ${folder}/kmc; done`,
  },
  {
    name: "minimap2",
    needs: "command -v minimap2",
    command: `head -c 99999999 /dev/urandom | tr -dc ACGT | fold -w 8000 | sed 's/^/>x\\n/' > ${folder}/m.fa; while :; do minimap2 -t 2 ${folder}/m.fa ${folder}/m.fa > /dev/null; done`,
  },
  { name: "constants alone: in written memory", needs: "true", command: `${prog("hold-constants")} heap 100000` },
  { name: "constants alone: Python, lists and a bytearray", needs: "true", command: `${PYTHON} ${holdingPython}` },
  { name: "constants alone: Node, an explorer's script", needs: "true", command: `node ${explorer}` },
  {
    name: "constants alone: Chromium, an explorer's page",
    needs: "command -v chromium",
    command: `chromium --headless --no-sandbox --disable-gpu --user-data-dir=${folder}/e --remote-debugging-port=0 file://${explorerPage}`,
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
    ["mpfi", "MPFI", ""] as const,
    ["rx", "RandomX, JIT, one thread", "jit 1"] as const,
    ["rx", "RandomX, interpreter", "int 1"] as const,
  ].map(([program, name, words]) => ({
    name,
    needs: `test -x ${built}/${program}`,
    command: `${built}/${program} ${words} 100000`,
  }));
}

const [seconds, ...commands] = process.argv.slice(2);
const agent = await MoneroAgent.start([
  ...["--mode", "audit", "--four-modes", "enforce", "--memory", "enforce"],
  ...["--memory-every", "5", "--memory-percent", "10"],
]);
console.log(
  `| program, ${seconds} s | its CPU time | today's rule kills after | ours | samples with a directed mode |`,
);
console.log("| --- | --- | --- | --- | --- |");
const [part = 1, parts = 1] = (process.env["HONEST_PART"] ?? "1/1").split("/").map(Number);
const chosen =
  commands.length === 0
    ? CASES.filter((_, i) => i % parts === part - 1)
    : commands.map((command) => ({ name: command, command, needs: "true" }));
for (const one of chosen) await measure(one);
await agent.stop();
rmSync(folder, { recursive: true, force: true });

async function measure({ name, needs, command }: Case): Promise<void> {
  if (spawnSync("/bin/sh", ["-c", needs], { stdio: "ignore", cwd: folder }).status !== 0) {
    console.log(`| ${name} | not installed: \`${needs.split("\n", 1)[0]}\` fails | | | |`);
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
  let cpu = 0;
  let status: unknown = null;
  while (status === null && performance.now() - beganMs < Number(seconds) * 1000) {
    status = await Promise.race([ended, sleep(LOOK_EVERY_MS, null)]);
    cpu = Math.max(cpu, cpuSeconds(child.pid!));
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
  console.log(`| ${name} | ${cpu.toFixed(0)} s | ${todays ?? "-"} | ${ours ?? `lives${early}`} | ${directed} |`);
}

/** Of all processes of a group, and of their children that have ended. */
function cpuSeconds(group: number): number {
  let ticks = 0;
  for (const name of readdirSync("/proc")) {
    try {
      // From the state on: proc_pid_stat(5), field 3.
      const fields = readFileSync(`/proc/${Number(name)}/stat`, "latin1")
        .replace(/^.*\) /s, "")
        .split(" ");
      if (Number(fields[2]) === group) ticks += [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0);
    } catch {
      // No process, or gone.
    }
  }
  return ticks / TICKS_PER_SECOND;
}
