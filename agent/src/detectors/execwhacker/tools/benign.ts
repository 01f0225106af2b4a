// Honest command lines out of files, and the strings that would kill them.
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { type CommandLine, type CompilableString, type Finding, Matcher, search, shellSplit } from "@cryptnono/matcher";

export interface BenignLine {
  readonly text: string;
  /** `FILE:12`. */
  readonly place: string;
}

/** One line each; those that begin with `# ` are comments. A file may be a gzip's. @throws the errors of readFileSync */
export function readBenignLines(file: string): BenignLine[] {
  const content = readFileSync(file);
  const isGzip = content[0] === 0x1f && content[1] === 0x8b;
  return (isGzip ? gunzipSync(content) : content)
    .toString()
    .split("\n")
    .map((text, i) => ({ text, place: `${file}:${i + 1}` }))
    .filter(({ text }) => text !== "" && !text.startsWith("# "));
}

/** Lines in which a string counts, and the first of them. */
export interface LineHits {
  readonly count: number;
  readonly first: BenignLine;
}

/** By the string's index; strings that count in none are not in it. */
export function hitsByString(
  strings: readonly CompilableString[],
  lines: readonly BenignLine[],
): ReadonlyMap<number, LineHits> {
  const hits = new Map<number, LineHits>();
  if (strings.length === 0 || lines.length === 0) return hits;
  const matcher = new Matcher(strings);
  for (const line of lines) {
    const views = viewsOf(line.text).filter((view) => matcher.match(view).kind === "banned");
    const found = new Set(
      views.flatMap((view) => [...strings.keys()].filter((i) => search([strings[i]!], view).kind === "banned")),
    );
    for (const index of found) {
      const { count, first } = hits.get(index) ?? { count: 0, first: line };
      hits.set(index, { count: count + 1, first });
    }
  }
  return hits;
}

/** A string that kills an honest line is an error; one that would only be logged, or that is in few of them by part, is not. */
export function lintByLines(strings: readonly CompilableString[], lines: readonly BenignLine[]): Finding[] {
  return [...hitsByString(strings, lines)].map(([index, { count, first }]) => ({
    level: strings[index]!.action === "audit" ? "warning" : "error",
    code: "too-common",
    index,
    problem: `${count} honest ${count === 1 ? "line holds" : "lines hold"} it: ${first.place}`,
    example: first.text,
    hint: "ban a longer piece of what it stands in",
  }));
}

/** As one simple command; and as a shell's script, where quotes and operators are still in place. */
function viewsOf(text: string): CommandLine[] {
  const bytes = Buffer.from(text);
  const { words } = shellSplit(bytes, "plain");
  const views: CommandLine[] = [{ path: words[0] ?? new Uint8Array(), args: words }];
  if (/["'\\`$|;&<>(#]/.test(text)) {
    const script = [Buffer.from("sh"), Buffer.from("-c"), bytes];
    views.push({ path: script[0]!, args: script });
  }
  return views;
}
