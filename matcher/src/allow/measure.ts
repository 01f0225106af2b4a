// What allow patterns cost to compile: `node matcher/dist/src/allow/measure.js`. The figures in DESIGN.md are from here.
import { compileAllow } from "./compile-allow.js";

const tools =
  "python3 jupyter conda pip git make cmake ninja bazel gradle mvn node npm yarn cargo go gcc perl ruby java"
    .concat(
      " scala spark-submit hadoop dask ray numpy scipy mlflow tensorboard julia nvcc curl wget ssh rsync tar gzip",
    )
    .split(" ");

const shapes: readonly ((tool: string, other: string) => string)[] = [
  (tool, other) => `/usr/bin/${tool} -m ${other}\\b`,
  (tool) => `.*/bin/${tool} .*`,
  (tool, other) => `/opt/conda/bin/(${tool}|${other}) install 'https://.*'$`,
  (tool, other) => `/usr/(local/)?bin/${tool}[0-9.]* .*--${other}=`,
  (tool) => `(/usr)?/bin/(ba|da)?sh -c '${tool} .*'$`,
  (tool, other) => `/home/[a-z_][a-z0-9_-]*/${tool}/${other}( |$)`,
];

/** `count` patterns of the given shapes, each with another pair of tools. */
function make(count: number, kinds = shapes): string[] {
  return Array.from({ length: count }, (_, i) =>
    kinds[i % kinds.length]!(
      tools[(i * 7) % tools.length]!,
      tools[(i * 11 + Math.floor(i / tools.length) + 3) % tools.length]!,
    ),
  );
}

const lists: readonly (readonly [name: string, patterns: readonly string[]])[] = [
  ["10 of mixed shapes", make(10)],
  ["100 of mixed shapes", make(100)],
  ["100 of mixed shapes, again (code is warm)", make(100)],
  ["1,000 of the first shape", make(1000, shapes.slice(0, 1))],
  ["16 like .*a1.*a2, whose product explodes", Array.from({ length: 16 }, (_, i) => `.*${i}a.*${i}b`)],
  ["100 like .*a.{30}b", Array.from({ length: 100 }, (_, i) => `.*a.{${30 + i}}b`)],
];

for (const [name, patterns] of lists) {
  const startMs = performance.now();
  const { table, nfa, refused } = compileAllow(patterns);
  const ms = Math.round(performance.now() - startMs);
  const size =
    table === null
      ? "no table"
      : `${table.stateCount} states, ${table.quoteColumn + 1} columns, ${table.next.byteLength >> 10} KiB`;
  const words = nfa?.blocks.map((block) => `${block.words} words and ${block.edges.length} edges`).join(", ") ?? "none";
  console.log(`${name}: ${ms} ms, ${size}; as bits: ${words}; ${refused.length} refused`);
}
