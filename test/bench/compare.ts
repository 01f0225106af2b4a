// The search of another built checkout beside this one's, line by line in turns: `node test/dist/bench/compare.js OTHER`. What a shared
// machine does meanwhile it does to both.
import { join, resolve } from "node:path";
import { argumentArea, withNul } from "../lib/hostile-lines.js";
import { KernelMatcher } from "../lib/kernel-matcher.js";
import { compileForBench, LIST_SIZES } from "./search-time.js";
import { median } from "./statistics.js";
import { benchLine } from "./texts.js";

const LENGTHS = [
  ["20 B", 20, 20_000],
  ["100 B", 100, 20_000],
  ["1 KB", 1024, 10_000],
  ["16 KB", 16 << 10, 2000],
  ["128 KB", 128 << 10, 300],
  ["2 MB", 2 << 20, 30],
] as const;
const VARIANTS = 6;

interface Side {
  readonly KernelMatcher: new () => Pick<KernelMatcher, "install" | "judge" | "close">;
  readonly compileForBench: typeof compileForBench;
}

const [other] = process.argv.slice(2);
if (other === undefined) throw new Error("usage: compare.js OTHER_CHECKOUT, which is built");
const load = async (file: string) => (await import(join(resolve(other), "test/dist", file))) as object;
const sides: readonly Side[] = [
  { ...(await load("lib/kernel-matcher.js")), ...(await load("bench/search-time.js")) } as Side,
  { KernelMatcher, compileForBench },
];

for (const size of LIST_SIZES) {
  const kernels = sides.map((side) => {
    const kernel = new side.KernelMatcher();
    kernel.install(side.compileForBench(size));
    return kernel;
  });
  for (const [label, bytes, turns] of LENGTHS) {
    const lines = Array.from({ length: VARIANTS }, (_, variant) => {
      const { path, args } = benchLine(bytes, variant);
      return { path: withNul(Buffer.from(path)), area: argumentArea(args.map((text) => Buffer.from(text))) };
    });
    const times = kernels.map((): number[] => []);
    for (let turn = 0; turn < turns; turn++) {
      const { path, area } = lines[turn % VARIANTS]!;
      for (const first of [turn & 1, 1 - (turn & 1)]) times[first]!.push(kernels[first]!.judge(path, area).elapsedNs);
    }
    const [before, after] = times.map(median) as [number, number];
    console.log(`${size} strings, ${label}: ${before} ns, ${after} ns, ${(after / before).toFixed(3)}`);
  }
  for (const kernel of kernels) kernel.close();
}
