// Lines that the kernel cannot search whole: what is not in memory, what is too long, what is built to be slow. None passes
// in silence, and none takes long.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { type CompilableString, type CompileOptions, compileTables } from "@cryptnono/matcher";
import { argumentArea } from "../lib/hostile-lines.js";
import { KernelMatcher } from "../lib/kernel-matcher.js";

const kernels = [
  ["bpf_loop", new KernelMatcher()],
  ["the loop for kernels before 5.17", new KernelMatcher({ withoutBpfLoop: true })],
] as const;
after(() => {
  for (const [, kernel] of kernels) kernel.close();
});

const MiB = 1 << 20;
const latin1 = (text: string) => Uint8Array.from(Buffer.from(text, "latin1"));
const PATH = latin1("/bin/x\0");
const miner: CompilableString = { value: latin1("miner"), mode: "word" };
const WAYS = [
  ["kill", "killed"],
  ["let-go", "let-go"],
] as const;

interface Judged {
  readonly verdict: string;
  readonly unreadable: boolean;
  readonly overLong: boolean;
  readonly work: number;
  readonly elapsedNs: number;
}

function judge(
  kernel: KernelMatcher,
  strings: readonly CompilableString[],
  options: CompileOptions,
  area: Uint8Array,
): Judged {
  kernel.install(compileTables(strings, options));
  const judged = kernel.judge(PATH, area);
  return {
    ...judged,
    verdict: kernel.verdictName(judged.verdict),
    unreadable: (judged.flags & kernel.constant("EVENT_UNREADABLE")) !== 0,
    overLong: (judged.flags & kernel.constant("EVENT_OVER_LONG")) !== 0,
  };
}

/** 6 MiB of which only the first bytes are in memory: a page never touched is not there, and a program may not wait for it.
 * It is cut from more than the C library would ever take from memory used before (32 MiB). */
function partlyThere(present: Uint8Array): Uint8Array {
  const area = new Uint8Array(64 * MiB);
  area.set(present);
  return area.subarray(0, 6 * MiB);
}

for (const [name, kernel] of kernels) {
  for (const [way, verdict] of WAYS) {
    test(`${name}: arguments that are not in memory are flagged, and go the way ${way}`, () => {
      const judged = judge(kernel, [miner], { unreadable: way }, partlyThere(new Uint8Array(0)));
      assert.deepEqual([judged.verdict, judged.unreadable, judged.overLong], [verdict, true, false]);
    });

    test(`${name}: arguments that are in memory in part go the way ${way}`, () => {
      const area = partlyThere(Buffer.alloc(3 * MiB, "q"));
      const judged = judge(kernel, [miner], { unreadable: way }, area);
      assert.deepEqual([judged.verdict, judged.unreadable, judged.overLong], [verdict, true, false]);
    });

    test(`${name}: arguments longer than maxScanBytes are flagged, and go the way ${way}`, () => {
      const area = argumentArea([Buffer.alloc(200_000, "q")]);
      const judged = judge(kernel, [miner], { overLong: way, maxScanBytes: 100_000 }, area);
      assert.deepEqual([judged.verdict, judged.unreadable, judged.overLong], [verdict, false, true]);
    });

    test(`${name}: a line that makes the search work too hard ends at the bound and goes the way ${way}`, () => {
      const glued: CompilableString = { value: latin1("qqqqqqqq"), mode: "word" };
      const area = argumentArea([Buffer.alloc(2 * MiB, "q")]);
      const maxWork = 1_000_000;
      const judged = judge(kernel, [glued], { overLong: way, maxWork }, area);
      assert.deepEqual([judged.verdict, judged.overLong], [verdict, true]);
      assert.ok(judged.work > maxWork && judged.work < maxWork + 10_000, `${judged.work}`);
    });
  }

  test(`${name}: a banned string before the hole is still a kill`, () => {
    const area = partlyThere(Buffer.concat([latin1("x\0miner\0"), Buffer.alloc(3 * MiB, "q")]));
    const judged = judge(kernel, [miner], { unreadable: "let-go" }, area);
    assert.deepEqual([judged.verdict, judged.unreadable], ["killed", false]);
  });

  test(`${name}: an audited string before the hole does not decide for what was not read`, () => {
    const area = partlyThere(Buffer.concat([latin1("x\0miner\0"), Buffer.alloc(3 * MiB, "q")]));
    const judged = judge(kernel, [{ ...miner, action: "audit" }], { unreadable: "let-go" }, area);
    assert.deepEqual([judged.verdict, judged.unreadable], ["let-go", true]);
  });

  test(`${name}: a banned string within maxScanBytes is a kill however long the line is`, () => {
    const area = argumentArea([latin1("x"), latin1("miner"), Buffer.alloc(200_000, "q")]);
    const judged = judge(kernel, [miner], { overLong: "let-go", maxScanBytes: 100_000 }, area);
    assert.deepEqual([judged.verdict, judged.overLong], ["killed", false]);
  });

  test(`${name}: 6 MiB, the most that a line can have, are searched to the last byte`, () => {
    const long: CompilableString = { value: latin1("long-miner"), mode: "word" };
    const area = Buffer.alloc(6 * MiB, "q");
    area.write(" long-miner\0", area.length - 12);
    assert.equal(judge(kernel, [long], {}, area).verdict, "killed");
    area.write("q", area.length - 12);
    assert.equal(judge(kernel, [long], {}, area).verdict, "spared-substring");
  });

  test(`${name}: with strings of five to seven bytes 4 MiB are`, () => {
    const area = Buffer.alloc(4 * MiB, "q");
    area.write(" miner\0", area.length - 7);
    assert.equal(judge(kernel, [miner], {}, area).verdict, "killed");
  });

  test(`${name}: a hundred strings that begin alike, and a line of their beginnings`, () => {
    const strings = Array.from(
      { length: 100 },
      (_, i): CompilableString => ({
        value: latin1(`qqqqqqqqqqqq${String(i).padStart(3, "0")}`),
        mode: "word",
      }),
    );
    const judged = judge(kernel, strings, { overLong: "let-go" }, argumentArea([Buffer.alloc(2 * MiB, "q")]));
    assert.ok(judged.elapsedNs < 500e6, `${judged.elapsedNs} ns`);
    assert.ok(judged.verdict === "pass" || judged.overLong, judged.verdict);
  });

  test(`${name}: loading costs the verifier little`, (t) => {
    const { verifiedInstructions } = kernel.statistics();
    t.diagnostic(`${verifiedInstructions} instructions verified`);
    assert.ok(verifiedInstructions < 80_000);
  });
}
