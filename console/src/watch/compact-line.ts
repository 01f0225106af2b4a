// A process as one line for a terminal, which obeys nothing that stands in it.
import { visible } from "../show/html.js";
import { maskedLine } from "../show/mask.js";
import type { Action, Sighting } from "../types.js";

export interface LineLook {
  readonly isColoured: boolean;
  readonly showStrings: boolean;
  /** Cut to this width; null: not at all. */
  readonly columns: number | null;
}

export function compactLine(sighting: Sighting, { isColoured, showStrings, columns }: LineLook): string {
  const { at, action, count, namespace, pod, node, rule, cmdline, matched } = sighting;
  const whose = pod === null ? node : `${namespace ?? ""}/${pod}`;
  const what = cmdline === "" ? "" : maskedLine(cmdline, matched, showStrings);
  const parts = [
    new Date(at).toISOString().slice(5, 19).replace("T", " "),
    `${action}${count > 1 ? ` ×${count}` : ""}`.padEnd(10),
    whose,
    rule ?? "-",
    what,
  ].map((part) => visible(part).replaceAll("\n", "\\u{a}"));
  const text = parts.join("  ").trimEnd();
  const chars = [...text];
  const cut = columns !== null && chars.length > columns ? `${chars.slice(0, columns - 1).join("")}…` : text;
  if (!isColoured) return cut;
  const [begin, word] = [cut.slice(0, parts[0]!.length + 2), parts[1]!];
  return `\x1b[2m${begin}\x1b[0m\x1b[${COLOURS[action] ?? "0"}m${word}\x1b[0m${cut.slice(begin.length + word.length)}`;
}

/** Bold red for what died, yellow for what would have, green for what was spared. */
const COLOURS: Readonly<Partial<Record<Action, string>>> = {
  killed: "1;31",
  "kill-failed": "1;35",
  "missed-kill": "1;35",
  "would-kill": "33",
  "let-go": "33",
  refused: "31",
  "would-refuse": "33",
  spared: "32",
};
