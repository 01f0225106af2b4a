// Splits a line as a POSIX shell would split one simple command: quotes and backslashes, no expansion, no operators.

/**
 * @returns The words. A quote that is not closed is a character like any other: the lines come from documentation, and one
 *   with an apostrophe in it is still worth testing.
 */
export function shellSplit(line: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  let at = 0;
  while (at < line.length) {
    const char = line[at]!;
    const close = char === "'" || char === '"' ? closing(line, at, char) : -1;
    if (close >= 0) {
      const inside = line.slice(at + 1, close);
      word = (word ?? "") + (char === "'" ? inside : inside.replace(/\\(["\\$`])/g, "$1"));
      at = close + 1;
    } else if (char === "\\" && at + 1 < line.length) {
      word = (word ?? "") + line[at + 1]!;
      at += 2;
    } else if (char === " " || char === "\t") {
      if (word !== null) words.push(word);
      word = null;
      at += 1;
    } else {
      word = (word ?? "") + char;
      at += 1;
    }
  }
  if (word !== null) words.push(word);
  return words;
}

function closing(line: string, open: number, quote: string): number {
  for (let at = open + 1; at < line.length; at++) {
    if (line[at] === quote) return at;
    if (quote === '"' && line[at] === "\\") at += 1;
  }
  return -1;
}
