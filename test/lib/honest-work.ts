// Work that reaches for many public hosts and is honest, in a network of its own in which they all answer (honest-servers.ts).
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./agent.js";
import { Cgroups } from "./container-cgroups.js";
import { inNetwork, KILLED, type Lists, type NetworkRun } from "./flow-agent.js";
import {
  IMAGES,
  NAME_SERVER,
  SOURCES,
  sourceHost,
  TARBALLS,
  tarball,
  tarballHost,
  WHEELS,
  wheelHost,
  wheelName,
} from "./honest-servers.js";

export interface HonestWork {
  readonly name: string;
  /** Hosts that it reaches for, each by an address of its own. */
  readonly hosts: number;
  /** Parts that are there when all has come. */
  readonly parts: number;
  /** @returns lines of shell, the last of which prints how many parts came. @param folder - Its own, and empty. */
  script(folder: string): { readonly run: string; readonly count: string };
  /** What must be installed. */
  readonly program: string;
}

export const HONEST_WORK: readonly HonestWork[] = [
  { name: "pip install", program: "pip3", hosts: WHEELS + 1, parts: WHEELS, script: pip },
  { name: "npm ci", program: "npm", hosts: TARBALLS, parts: TARBALLS, script: npm },
  { name: "apt-get update", program: "apt-get", hosts: SOURCES, parts: SOURCES, script: apt },
  { name: "headless Chromium", program: "chromium", hosts: IMAGES + 1, parts: IMAGES, script: chromium },
];

function pip(folder: string) {
  const hosts = ["index.test", ...Array.from({ length: WHEELS }, (_, i) => wheelHost(i))];
  const names = Array.from({ length: WHEELS }, (_, i) => wheelName(i));
  const flags = `--no-cache-dir --disable-pip-version-check --no-deps --root-user-action ignore --target ${folder}/installed`;
  return {
    run: `PIP_TRUSTED_HOST="${hosts.join(" ")}" pip3 install ${flags} --index-url http://index.test/simple ${names.join(" ")}`,
    count: `ls -d ${folder}/installed/*.dist-info | wc -l`,
  };
}

function npm(folder: string) {
  const names = Array.from({ length: TARBALLS }, (_, i) => `honest-${i}`);
  const dependencies = Object.fromEntries(names.map((name) => [name, "1.0.0"]));
  const packages = names.map((name, i) => [
    `node_modules/${name}`,
    {
      version: "1.0.0",
      resolved: `http://${tarballHost(i)}/${name}.tgz`,
      integrity: `sha512-${createHash("sha512").update(tarball(i)).digest("base64")}`,
    },
  ]);
  const root = { name: "work", version: "1.0.0", dependencies };
  writeFileSync(join(folder, "package.json"), JSON.stringify(root));
  const lock = { ...root, lockfileVersion: 3, packages: { "": root, ...Object.fromEntries(packages) } };
  writeFileSync(join(folder, "package-lock.json"), JSON.stringify(lock));
  const flags = `--prefix ${folder} --cache ${folder}/cache --no-audit --no-fund --no-update-notifier --replace-registry-host never`;
  return { run: `npm ci ${flags}`, count: `ls ${folder}/node_modules | wc -l` };
}

function apt(folder: string) {
  const sources = Array.from({ length: SOURCES }, (_, i) => `deb [trusted=yes] http://${sourceHost(i)}/ ./\n`);
  writeFileSync(join(folder, "sources.list"), sources.join(""));
  mkdirSync(join(folder, "lists/partial"), { recursive: true });
  const flags = [
    `Dir::Etc::SourceList=${folder}/sources.list`,
    "Dir::Etc::SourceParts=-",
    `Dir::State::Lists=${folder}/lists`,
    `Dir::Cache=${folder}`,
    "APT::Sandbox::User=root",
    "Acquire::Languages=none",
    "Acquire::Retries=0",
    "Acquire::http::Proxy=DIRECT",
  ];
  return {
    run: `apt-get update ${flags.map((flag) => `-o ${flag}`).join(" ")}`,
    count: `ls ${folder}/lists/*Packages* | wc -l`,
  };
}

function chromium(folder: string) {
  const flags = `--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --no-proxy-server --user-data-dir=${folder}/profile`;
  return {
    run: `chromium ${flags} --dump-dom http://page.test/ > ${folder}/page`,
    count: `sed -n 's/.*data-came="\\([0-9]*\\)".*/\\1/p' ${folder}/page`,
  };
}

/** The programs that are not there. */
export function missingPrograms(): string[] {
  return HONEST_WORK.map(({ program }) => program).filter(
    (program) => spawnSync("sh", ["-c", `command -v ${program}`]).status !== 0,
  );
}

export interface HonestRun extends NetworkRun {
  /** By the work's name. */
  readonly done: ReadonlyMap<string, HonestResult>;
}

export interface HonestResult {
  readonly seconds: number;
  readonly parts: number;
  readonly status: number;
  readonly wasKilled: boolean;
}

let runs = 0;

/** Do each of `works` in a pod of its own, one after the other or together. */
export async function doHonestWork(
  lists: Lists,
  works: readonly HonestWork[],
  { together = false } = {},
): Promise<HonestRun> {
  const cgroups = new Cgroups();
  try {
    return await doWithin(cgroups.make(works.length), lists, works, together);
  } finally {
    await cgroups.remove();
  }
}

async function doWithin(
  pods: readonly string[],
  lists: Lists,
  works: readonly HonestWork[],
  together: boolean,
): Promise<HonestRun> {
  const base = join(lists.directory, `work-${++runs}`);
  mkdirSync(base);
  const resolver = lists.write(`resolv-${runs}`, `nameserver ${NAME_SERVER}\n`);
  const each = works.map((work, i) => {
    const folder = join(base, String(i));
    mkdirSync(folder);
    const { run, count } = work.script(folder);
    const log = join(folder, "log");
    // In a session of its own, as a terminal's command is.
    writeFileSync(join(folder, "run.sh"), `echo 0 > ${pods[i]}/cgroup.procs\n${run}\n`);
    const lines = `a=$(date +%s%N); timeout 120 setsid -w sh ${folder}/run.sh > ${log} 2>&1; s=$?; b=$(date +%s%N); n=$(${count} 2> /dev/null)
echo "${i} $s $((b - a)) \${n:-0} $(grep -c Killed ${log})"`;
    return together ? `{ ${lines}\n} & jobs="$jobs $!"` : lines;
  });
  const ready = join(base, "ready");
  const script = [
    `mount --bind ${resolver} /etc/resolv.conf`,
    `unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY all_proxy ALL_PROXY`,
    `${process.execPath} ${ROOT}test/dist/lib/honest-servers.js ${ready} & server=$!`,
    `until [ -e ${ready} ]; do sleep 0.05; done`,
    ...each,
    together ? "wait $jobs" : "",
    "kill $server",
  ];
  const file = lists.write(`work-${runs}.sh`, script.join("\n"));
  const run = await inNetwork(`unshare -m sh ${file}`);
  if (!existsSync(ready)) throw new Error(`the servers did not begin: ${run.stderr}`);
  const done = run.lines.map((line) => {
    const [i = 0, status = -1, ns = 0, parts = 0, killed = 0] = line.split(" ").map(Number);
    return [
      works[i]!.name,
      { seconds: ns / 1e9, parts, status, wasKilled: String(status) === KILLED || killed > 0 },
    ] as const;
  });
  return { ...run, done: new Map(done) };
}
