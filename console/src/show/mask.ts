// Banned strings are secrets: what is shown of them is how they begin and end.

/** How a row's texts are shown. */
export type Mask = (text: string) => string;

const SHOW_ALL: Mask = (text) => text;

/**
 * The mask of one process's texts: `matched` wherever it stands.
 *
 * @param matched - Folded, as the log has it.
 */
export function maskOf(matched: string | null, showStrings: boolean): Mask {
  if (showStrings || matched === null || matched === "") return SHOW_ALL;
  const hidden = maskWord(matched);
  const pattern = patternOf(matched);
  return (text) => text.replace(pattern, hidden);
}

/** The first and the last two characters, of a string that is long enough to keep its secret. */
export function maskWord(text: string): string {
  const chars = [...text];
  return chars.length < 8 ? "•••" : `${chars.slice(0, 2).join("")}•••${chars.slice(-2).join("")}`;
}

/** Whether the string stands in a text as it is: quoting or a cut may have come in between. */
export function stands(matched: string, text: string): boolean {
  return patternOf(matched).test(text);
}

/** In a quoted line an apostrophe is five characters, and each blank may have been another. */
function patternOf(matched: string): RegExp {
  const parts = [...matched].map((char) => {
    if (/[\s\0]/.test(char)) return `(?:'? '?|\\s)`;
    if (char === "'") return `(?:'"'"'|')`;
    return char.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  });
  return new RegExp(parts.join(""), "gi");
}

/**
 * A command line as it may be shown: when the string can't be found in it, to be hidden, no argument is shown.
 */
export function maskedLine(cmdline: string, matched: string | null, showStrings: boolean): string {
  if (showStrings || matched === null || matched === "") return cmdline;
  if (stands(matched, cmdline)) return maskOf(matched, false)(cmdline);
  const path = /^\S+/.exec(cmdline)?.[0] ?? "";
  return path.length < cmdline.length ? `${path} •••` : path;
}
