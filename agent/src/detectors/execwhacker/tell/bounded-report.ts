// A report that may wait for a while: a copy of what its line can show, and no more. A scan's has the whole command line, some
// of which have megabytes.
import { counts, fold, joinArguments } from "@cryptnono/matcher";
import type { ProcessFacts } from "../../../types.js";
import type { Report } from "../types.js";

/** As much as the kernel's records carry (bpf/execwhacker.h, EVENT_*). */
const HEAD_BYTES = 8192;
const CONTEXT_BYTES = 1024;
const CONTEXT_BEFORE_BYTES = 128;
const NUL = 0;

export function boundedReport(report: Report): Report {
  const { process } = report;
  const area = joinArguments(process.args);
  if (area.length <= HEAD_BYTES) return report;
  const at = findMatch(area, report);
  const from = Math.max(0, at - CONTEXT_BEFORE_BYTES);
  const { context: known, ...facts } = process;
  const context =
    at < HEAD_BYTES - CONTEXT_BYTES ? known : { offset: from, bytes: area.slice(from, from + CONTEXT_BYTES) };
  const bounded: ProcessFacts = {
    ...facts,
    args: splitHead(area.slice(0, HEAD_BYTES)),
    ...(context === undefined ? {} : { context }),
  };
  return { ...report, process: bounded };
}

/** An occurrence that counts, else any; -1: none. */
function findMatch(area: Uint8Array, { rule, matched = rule?.value }: Report): number {
  if (matched === undefined) return -1;
  const text = Buffer.from(fold(area).buffer);
  const value = fold(matched);
  const first = text.indexOf(value);
  for (let at = first; at >= 0 && rule !== null; at = text.indexOf(value, at + 1))
    if (counts(area, at, rule)) return at;
  return first;
}

function splitHead(head: Uint8Array): Uint8Array[] {
  const args: Uint8Array[] = [];
  let from = 0;
  for (let nul = head.indexOf(NUL); nul >= 0; nul = head.indexOf(NUL, from)) {
    args.push(head.subarray(from, nul));
    from = nul + 1;
  }
  args.push(head.subarray(from));
  return args;
}
