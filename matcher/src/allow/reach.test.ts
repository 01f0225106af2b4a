import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isPlainPath } from "../plain-path.js";
import { quoteLine } from "../shell-quote.js";
import { rounds } from "../test/rounds.js";
import { compileAllow } from "./compile-allow.js";
import { isEnd, LINE_START, type LineShape, nextShape } from "./line-shape.js";
import { matchLine } from "./match.js";
import { followLine, walkPattern } from "./pattern-walk.js";
import { reachOf } from "./reach.js";
import { bytes, commandLine, line, pattern } from "./test-texts.js";

for (const [source, matching, sparesEverything] of [
  [".*", "", true],
  ["", "", true],
  ["(?s).*", "", true],
  ["'?/", "/", true],
  ["/usr/bin/python3 -m honest$", "/usr/bin/python3 -m honest", false],
  // No path begins so, or is written so.
  ["python3 -m honest", null, false],
  ["^\\./run", null, false],
  ["/usr//bin/x", null, false],
  ["/a/\\.\\./b", null, false],
  // An argument that needs quotes has some, and one that needs none has none.
  ["/bin/sh -c echo;", null, false],
  ["/bin/sh -c 'word'$", null, false],
  ["/bin/sh -c 'two words'$", "/bin/sh -c 'two words'", false],
  ["/bin/sh -c ''$", "/bin/sh -c ''", false],
  ["/bin/sh  -c", null, false],
  ['/bin/echo "x"', null, false],
  [`/bin/echo 'it'"'"'s'$`, `/bin/echo 'it'"'"'s'`, false],
  ["'/my folder/x'$", "'/my folder/x'", false],
  ["/x$ y", null, false],
] as const) {
  test(`${source} ${matching === null ? "matches no line" : `matches «${matching}»`}${sparesEverything ? " and every line" : ""}`, () => {
    const reach = reachOf(walkPattern(source)!);
    assert.equal(reach.matching === null ? null : Buffer.from(reach.matching!).toString(), matching);
    assert.equal(reach.sparesEverything, sparesEverything);
  });
}

test("every quoted line with a plain path has the shape, and what has the shape is one", () => {
  const shapeOf = (text: Uint8Array) =>
    text.reduce<LineShape | undefined>((shape, byte) => shape && nextShape(shape, byte), LINE_START);
  fc.assert(
    fc.property(commandLine, ([first = bytes("x"), ...rest]) => {
      const path = Buffer.concat([bytes("/"), first]);
      const shape = shapeOf(quoteLine([path, ...rest]));
      assert.equal(shape !== undefined && isEnd(shape), isPlainPath(path));
    }),
    { numRuns: rounds(600) },
  );
  for (const text of ["/a b' '", "/a 'b'", "/a ''b", "/a'b'", "'/a'", "/a ", "/a  b", "x", "/a '\"'\"'"])
    assert.ok(!(shapeOf(bytes(text)) && isEnd(shapeOf(bytes(text))!)), text);
});

test("the beginning that is named leads to a match, and following a line ends as the automata do", () => {
  let matched = 0;
  fc.assert(
    fc.property(pattern, commandLine, line, (source, [first = bytes("x"), ...rest], other) => {
      const walk = walkPattern(source);
      if (walk === null) return;
      const compiled = compileAllow([source]);
      if (compiled.refused.length > 0) return;
      const quoted = quoteLine([Buffer.concat([bytes("/n"), first]), ...rest]);
      for (const text of [quoted, other]) {
        const found = matchLine(compiled, text) >= 0;
        assert.equal(followLine(walk, text).end === "matches", found, source);
        matched += found ? 1 : 0;
      }
      const { matching, sparesEverything } = reachOf(walk);
      const isSpared = matchLine(compiled, quoted) >= 0;
      if (matching === null) assert.ok(!isSpared, source);
      if (sparesEverything === true) assert.ok(isSpared, source);
      if (matching != null) assert.equal(followLine(walk, matching).end, "matches");
    }),
    { numRuns: rounds(600) },
  );
  assert.ok(matched > 20);
});
