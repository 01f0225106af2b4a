// `cryptnono explain`: the verdict on a command line, by the rules, without a kernel. The line comes by standard input: on
// a command line of its own it would be judged itself.
import { Buffer } from "node:buffer";
import { OpenQuoteError, type ShellWords, shellSplit } from "@cryptnono/matcher";
import { UsageError } from "../../errors.js";
import type { JudgeVerdict } from "../../types.js";
import { loadConfig } from "./config/index.js";
import { splitArea } from "./record.js";
import { compileRules } from "./rules.js";

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
  const { words, acts } = splitWords(Buffer.concat(chunks));
  if (acts.length > 0) {
    const note = "a shell would act on it, here it is taken as it stands";
    process.stderr.write(`cryptnono: without quotes there: ${acts.join(", ")}; ${note}\n`);
  }
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

/** Words as a shell splits them; or, where a NUL stands in it, as /proc/PID/cmdline separates them. @throws UsageError */
export function splitWords(text: Uint8Array): ShellWords {
  if (text.includes(0)) return { words: splitArea(text.at(-1) === 0 ? text.subarray(0, -1) : text), acts: [] };
  try {
    return shellSplit(text);
  } catch (error) {
    if (!(error instanceof OpenQuoteError)) throw error;
    throw new UsageError(error.message, "close it, or write \\' for an apostrophe");
  }
}
