// What an allow pattern for one command line would look like: that line, letter by letter.

/** @returns null when the line was cut, and a pattern would spare what nobody has seen. */
export function suggestPattern(cmdline: string): string | null {
  if (cmdline.includes("[...]")) return null;
  return `${cmdline.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")}$`;
}
