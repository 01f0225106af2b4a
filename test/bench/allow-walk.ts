// What an allow pattern costs when a banned string was found: the walk in the kernel over a long line, in ns a byte.
import { type CompiledAllow, compileAllow, compileTables, DEFAULT_ALLOW_LIMITS } from "@cryptnono/matcher";
import { argumentArea } from "../lib/hostile-lines.js";
import { KernelMatcher } from "../lib/kernel-matcher.js";
import type { Result } from "./result.js";
import { median } from "./statistics.js";

const BANNED = Buffer.from("#");
const BYTES = 64 << 10;
const ROUNDS = 40;

/** Patterns that stay alive to the line's end and do not match. */
const LISTS: readonly (readonly [name: string, allow: CompiledAllow])[] = [
  ["table, 1 pattern", compileAllow([".*/bin/x .*never$"])],
  ["table, 100 patterns", compileAllow(Array.from({ length: 100 }, (_, i) => `.* word${i}never`))],
  ["bits, 1 word", asBits([".*q.{30}never"])],
  ["bits, 1 word and 8 edges", asBits([".*(q|rs|tuv|wxyz)+.{8}(ne|v|er)+$"])],
  ["bits, 4 words", asBits([".*q.{200}never"])],
  ["bits, 8 words", asBits([".*q.{450}never"])],
];

function asBits(patterns: readonly string[]): CompiledAllow {
  return compileAllow(patterns, [[...patterns.keys()]], { ...DEFAULT_ALLOW_LIMITS, maxStates: 0 });
}

export function measureAllow(): Result[] {
  const kernel = new KernelMatcher();
  try {
    return LISTS.flatMap(([name, allow]) =>
      [
        ["plain", "a"],
        ["quoted", "a b "],
        ["apostrophes", "'"],
      ].map(([text, piece]) => {
        const tables = (compiled?: CompiledAllow) =>
          compileTables([{ value: BANNED, mode: "anywhere", allowSet: compiled === undefined ? 0 : 1 }], {
            ...(compiled === undefined ? {} : { allow: compiled }),
            maxWork: 1_000_000_000,
          });
        const area = argumentArea([Buffer.from("x"), Buffer.alloc(BYTES, piece), BANNED]);
        kernel.install(tables());
        const search = time(kernel, area);
        kernel.install(tables(allow));
        const walk = time(kernel, area);
        const [ns, best] = [(walk.median - search.median) / BYTES, (walk.best - search.best) / BYTES];
        return { name: `allow walk of ${text} text, ${name}`, median: ns, best, unit: "ns/B" };
      }),
    );
  } finally {
    kernel.close();
  }
}

function time(kernel: KernelMatcher, area: Uint8Array): { median: number; best: number } {
  const path = Buffer.from("/bin/x\0");
  const times = Array.from({ length: ROUNDS }, () => kernel.judge(path, area).elapsedNs);
  return { median: median(times), best: Math.min(...times) };
}
