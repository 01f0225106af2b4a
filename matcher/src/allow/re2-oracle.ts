// RE2 as an oracle for the tests: another engine's word on whether a pattern matches.
import { RE2JS } from "re2js";
import { parsePattern } from "./parse-pattern.js";
import { INNER_NEWLINE, re2Source } from "./re2-source.js";
import { expandedSize, placesIn } from "./syntax-tree.js";

/** Parts of a pattern times bytes of a line. RE2 is linear in both, yet may take 40 ns for one of each (re2js 2.10). */
const MAX_WORK = 1 << 24;

/** Whether `source` matches a quoted line, in any case; undefined where the line is too long for the pattern's size. */
export type Oracle = (subject: Uint8Array) => boolean | undefined;

export function re2Oracle(source: string): Oracle {
  const tree = parsePattern(source, 0);
  const renamed = placesIn(tree).has("final-line-end");
  const regex = RE2JS.compile(`\\A(?:${re2Source(tree, renamed)})`);
  return (subject) => {
    if (expandedSize(tree) * subject.length > MAX_WORK) return undefined;
    const plain = Buffer.from(subject)
      .toString("latin1")
      .replace(/[A-Z]/g, (capital) => capital.toLowerCase());
    return regex.test(renamed ? plain.replace(/\n(?!$)/g, INNER_NEWLINE) : plain);
  };
}
