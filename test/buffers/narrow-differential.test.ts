// Random lists with narrow scopes: the kernel, where it knows the place and where it does not, against the oracle.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  type CompilableString,
  compileAllow,
  compileTables,
  isInScope,
  judgeLine,
  NARROW,
  NARROW_SCOPES,
  scopesIn,
  search,
  verdict,
} from "@cryptnono/matcher";
import { argumentArea } from "../lib/hostile-lines.js";
import { KernelMatcher } from "../lib/kernel-matcher.js";

const kernel = new KernelMatcher();
after(() => kernel.close());

const CASES = 3000;
const LISTS = 30;
const latin1 = (text: string) => Uint8Array.from(Buffer.from(text, "latin1"));
const pick = <T>(from: readonly T[]): T => from[Math.floor(Math.random() * from.length)]!;
const WORDS = ["alpha", "beta", "gamma", "delta-long-word", "epsi", "zeta"];

function randomList(): CompilableString[] {
  return WORDS.map((word): CompilableString => {
    const scope = pick([0, 1, 2, 3, 4, NARROW.first + NARROW.most - 1, NARROW.first + 3]);
    const two = Math.random() < 0.2 && word.length > 4 ? { also: [latin1(pick(["alpha", "gamma"]))] } : {};
    return {
      ...{
        value: latin1(word),
        mode: pick(["word", "anywhere"] as const),
        action: pick(["enforce", "audit"] as const),
      },
      allowSet: pick([0, 1]),
      scope,
      ...two,
    };
  });
}

test(`${CASES} random lines under ${LISTS} random lists, known and unknown containers: no difference`, (t) => {
  const allow = compileAllow([".* spare$"], [[0]]);
  let differences = 0;
  let asked = 0;
  for (let l = 0; l < LISTS; l++) {
    const strings = randomList();
    const kills = strings.filter(({ action, scope = 0 }) => action === "enforce" && scope >= NARROW.first);
    const narrowKill = kills.reduce((bits, { scope }) => bits | (1 << scope!), 0);
    const tables = compileTables(strings, { allow, narrowKill, generation: 1 });
    kernel.install(tables);
    for (let c = 0; c < CASES / LISTS; c++) {
      const words = Array.from({ length: 1 + Math.floor(Math.random() * 4) }, () =>
        pick([...WORDS, "xalpha", "honest"]),
      );
      const args = ["a", ...words, ...(Math.random() < 0.3 ? ["spare"] : [])].map(latin1);
      const line = { path: latin1("/bin/a"), args };
      const shown = [line.path, ...args.slice(1)];
      const isSpared = (i: number) => strings[i]!.allowSet === 1 && Buffer.from(args.at(-1)!).toString() === "spare";
      const held = [NARROW.first, NARROW.first + 1, NARROW.first + NARROW.most - 1].filter(() => Math.random() < 0.5);
      const place = pick(["containers", "containers", "host"] as const);
      const scopes = scopesIn(place, held);
      const judged = (bits: number, unknown: number) =>
        kernel.verdictName(
          kernel.judge(latin1("/bin/a\0"), argumentArea(args), false, bits, undefined, unknown).verdict,
        );
      const expected = verdict(strings, line, shown, isSpared, scopes);
      const known = judged(scopes, 0);
      const walked = judgeLine({ strings, tables, allow, quoted: [] }, line, [shown], undefined, scopes);
      const byWalk =
        walked.kind === "banned"
          ? { enforce: "killed", audit: "would-kill" }[walked.action]
          : {
              none: "pass",
              "is-substring": "spared-substring",
              "out-of-scope": "spared-scope",
              spared: "spared-pattern",
            }[walked.kind];
      // Of nothing narrow is it known whether it holds: what kills all the same does, and what might count is asked for.
      const basic = scopesIn("containers");
      const withoutNarrow = verdict(strings, line, shown, isSpared, basic);
      const mayCount = strings.some(
        (string) =>
          !isInScope(string.scope, basic) && string.scope! >= NARROW.first && search([string], line).kind === "banned",
      );
      const unknown = withoutNarrow === "killed" ? "killed" : mayCount ? "asked" : withoutNarrow;
      const found = judged(basic, NARROW_SCOPES);
      if (unknown === "asked") asked++;
      for (const [what, got, wanted] of [
        ["known", known, expected],
        ["walk", byWalk, expected],
        ["unknown", found, unknown],
      ]) {
        if (got === wanted) continue;
        differences++;
        if (differences < 4)
          t.diagnostic(
            JSON.stringify([
              what,
              got,
              wanted,
              words,
              place,
              held,
              strings.map((s) => ({ ...s, value: Buffer.from(s.value).toString() })),
            ]),
          );
      }
    }
  }
  assert.equal(differences, 0);
  assert.ok(asked > CASES / 20, `${asked} were asked for`);
});
