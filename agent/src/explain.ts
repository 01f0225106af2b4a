// `cryptnono explain`: the verdict on a command line, by the rules, without a kernel. The line comes by standard input: on
// a command line of its own it would be judged itself.
import { Buffer } from "node:buffer";
import { loadConfig } from "./config/index.js";
import { compileRules, splitArea } from "./sensor/index.js";
import type { JudgeVerdict } from "./types.js";

export interface ExplainOptions {
  readonly config: readonly string[];
  readonly mode: "enforce" | "audit";
  /** A pattern that does not say whose strings it spares spares those of all files. */
  readonly allowAcrossLists?: boolean;
}

/** @returns the exit status: 0 for a process that would live, 3 for one that would die. */
export async function explain(
  options: ExplainOptions,
  input: AsyncIterable<Uint8Array> = process.stdin,
): Promise<number> {
  const { judge } = await compileRules(loadConfig(options.config, { ...options, defaultMode: options.mode }), 0);
  const chunks: Uint8Array[] = [];
  for await (const chunk of input) chunks.push(chunk);
  const words = splitWords(Buffer.concat(chunks));
  const path = words[0] ?? new Uint8Array(0);
  const verdict = judge({ path, args: words });
  process.stdout.write(`${sentence(verdict)}\n`);
  return verdict.kind === "banned" && verdict.rule.action === "enforce" ? 3 : 0;
}

function sentence(verdict: JudgeVerdict): string {
  if (verdict.kind === "none") return "passes: no banned string stands in it";
  const rule = `${verdict.rule.list}[${verdict.rule.index}] (${verdict.rule.mode})`;
  if (verdict.kind === "banned") {
    return verdict.rule.action === "audit" ? `would be logged as would-kill: ${rule}` : `would be killed: ${rule}`;
  }
  if (verdict.allowedBy === "is-substring") return `spared: ${rule} stands in it only as part of longer words`;
  const { list, index } = verdict.allowedBy.pattern;
  return `spared: ${rule} stands in it, and allow pattern ${list}[${index}] matches`;
}

const SPACE = 0x20;
const LINE_FEED = 0x0a;
const TAB = 0x09;
const QUOTE = 0x27;
const DOUBLE_QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Words as a shell splits them, without expansions; or, where a NUL stands in it, as /proc/PID/cmdline separates them. */
export function splitWords(text: Uint8Array): Uint8Array[] {
  if (text.includes(0)) return splitArea(text.at(-1) === 0 ? text.subarray(0, -1) : text);
  const words: Uint8Array[] = [];
  let word: number[] | null = null;
  let quote = 0;
  for (let i = 0; i < text.length; i++) {
    const byte = text[i]!;
    if (quote === 0 && (byte === SPACE || byte === LINE_FEED || byte === TAB)) {
      if (word !== null) words.push(Uint8Array.from(word));
      word = null;
      continue;
    }
    word ??= [];
    if (byte === quote) quote = 0;
    else if (quote === 0 && (byte === QUOTE || byte === DOUBLE_QUOTE)) quote = byte;
    else if (byte === BACKSLASH && quote !== QUOTE && i + 1 < text.length) word.push(text[++i]!);
    else word.push(byte);
  }
  if (word !== null) words.push(Uint8Array.from(word));
  return words;
}
