// Looks for lines that make the kernel's part slow: climbs from lists and lines of known kinds by small changes, as whoever wants
// to stop a node would. Tells the worst found, in time and in units of work, and how far a unit is from a nanosecond.
//   node test/dist/bench/worst-lines.js [SECONDS]
import { createHash } from "node:crypto";
import { type CompilableString, compileTables } from "@cryptnono/matcher";
import { KernelMatcher } from "../lib/kernel-matcher.js";
import { fillWith, WORST_LINE_BYTES, worstLists } from "../lib/worst-lines.js";

const SECONDS = Number(process.argv[2] ?? 30);
const PERIODS = [4, 8, 12, 16, 24, 40, 64];

/** Numbers that come again with the same seed: what was found can be found again. */
function random(seed: number): () => number {
  let count = 0;
  return () => createHash("sha1").update(`${seed} ${count++}`).digest().readUInt32LE() / 2 ** 32;
}

interface Climb {
  piece: Uint8Array;
  elapsedNs: number;
  work: number;
}

function climb(kernel: KernelMatcher, strings: readonly CompilableString[], deadlineMs: number, seed: number): Climb {
  const next = random(seed);
  const pick = <T>(all: readonly T[]) => all[Math.floor(next() * all.length)]!;
  const area = new Uint8Array(WORST_LINE_BYTES);
  const measure = (piece: Uint8Array): Climb => {
    fillWith(area, piece);
    const { elapsedNs, work } = kernel.judge(Buffer.from("/bin/x\0"), area);
    return { piece, elapsedNs, work };
  };
  const fresh = () => {
    const piece = new Uint8Array(pick(PERIODS)).map(() => 33 + Math.floor(next() * 94));
    const { value } = pick(strings);
    piece.set(value.subarray(0, piece.length), Math.floor(next() * Math.max(1, piece.length - value.length)) & ~3);
    return piece;
  };
  let best = measure(fresh());
  let here = best;
  while (performance.now() < deadlineMs) {
    let piece = Uint8Array.from(here.piece);
    if (next() < 0.1) piece = fresh();
    else if (next() < 0.5) piece[Math.floor(next() * piece.length)] = 33 + Math.floor(next() * 94);
    else {
      const part = pick(strings).value.subarray(0, pick([4, 5, 8, 12]));
      piece.set(part.subarray(0, piece.length), Math.floor(next() * Math.max(1, piece.length - part.length)));
    }
    const tried = measure(piece);
    if (tried.elapsedNs > here.elapsedNs * 0.97) here = tried;
    if (tried.elapsedNs > best.elapsedNs) {
      // Twice: what the machine did beside it is not the line's.
      const again = measure(piece);
      if (again.elapsedNs > best.elapsedNs) best = again.elapsedNs < tried.elapsedNs ? again : tried;
    }
  }
  return best;
}

const kernel = new KernelMatcher();
try {
  const all = Object.entries(worstLists());
  for (const [name, strings] of all) {
    kernel.install(compileTables(strings));
    const best = climb(kernel, strings, performance.now() + (SECONDS * 1000) / all.length, 1);
    const shown = Buffer.from(best.piece).toString("hex");
    const ms = (best.elapsedNs / 1e6).toFixed(2);
    console.log(
      `${name}: ${ms} ms, ${best.work} units, ${(best.elapsedNs / best.work).toFixed(2)} ns a unit, piece ${shown}`,
    );
  }
} finally {
  kernel.close();
}
