// Config files to rules that are ready to judge by. At start nothing waits for this thread; later it has probes to answer and
// rings to read, and what is large, or may be hard, another thread does.
import { statSync } from "node:fs";
import { readWhole } from "../../config/index.js";
import { inWorker } from "../../run/in-worker.js";
import { checkPattern } from "./check-pattern.js";
import {
  type LoadOptions,
  loadConfig,
  loadConfigInTurns,
  type PackedRules,
  packRules,
  unpackRules,
} from "./config/index.js";
import { type ListNumber, listNumber } from "./list-number.js";
import { type CompiledList, type CompiledRules, compileList, hasSamePatterns, judgeBy, type Ways } from "./rules.js";
import type { Rule, Rules } from "./types.js";

/** All that the rules are made of; it can be sent to a worker. */
export interface LoadRequest {
  readonly files: readonly string[];
  readonly mode: "enforce" | "audit";
  /** A pattern that does not say whose strings it spares spares those of all files. */
  readonly allowAcrossLists: boolean;
  readonly ways: Ways;
  /** Rules that no file has. They do not count for the list's number. */
  readonly more: readonly Rule[];
}

/** What a worker sends back. */
export interface Loaded {
  readonly rules: PackedRules;
  readonly list: CompiledList;
}

/** Set by the bundle, where the worker is a file beside it. */
declare const CRYPTNONO_BUNDLE_URL: string | undefined;

/** 100,000 strings as objects take less than half of it; what is more would be the agent's end. */
const WORKER_HEAP_MIB = 256;
const WORKER_DEADLINE_MS = 120_000;
/**
 * What is loaded in this thread, in turns of at most some 40 ms: 6,500 strings of the usual length. A worker has 20 MiB of its
 * own while it is there, and leaves some.
 */
const MAX_BYTES_HERE = 128 * 1024;

/** At once. @throws ConfigError, CompileError, PatternError, PatternsRefused */
export function load(request: LoadRequest): CompiledRules {
  const { rules, list } = loadAndPack(request);
  return judgeBy(unpackRules(rules), list);
}

/**
 * With turns for others.
 *
 * @param before - What is in force. Its compiled patterns are taken when the new list has the same.
 * @throws as {@link load}, or WorkerError
 */
export async function loadInTurns(request: LoadRequest, before: CompiledRules): Promise<CompiledRules> {
  if (sizeOf(request.files) > MAX_BYTES_HERE) return loadElsewhere(request);
  const number = numberOf(request);
  const rules = complete(await loadConfigInTurns(request.files, optionsOf(request, number)), request);
  // How long patterns take depends on what they are, and is up to half a second.
  if (!hasSamePatterns(before.rules, rules)) return loadElsewhere(request);
  await new Promise((resolve) => setImmediate(resolve));
  return packed(rules, compileList(rules, number.get(), request.ways, before));
}

/** In a thread of its own. @throws WorkerError */
async function loadElsewhere(request: LoadRequest): Promise<CompiledRules> {
  const file =
    typeof CRYPTNONO_BUNDLE_URL === "string"
      ? new URL("execwhacker-load.mjs", CRYPTNONO_BUNDLE_URL)
      : new URL("./load-worker.js", import.meta.url);
  const limits = { maxHeapMiB: WORKER_HEAP_MIB, deadlineMs: WORKER_DEADLINE_MS };
  const { rules, list } = await inWorker<Loaded>("load the config", file, request, limits);
  return judgeBy(unpackRules(rules), list);
}

/** The worker's part. @throws as {@link load} */
export function loadAndPack(request: LoadRequest): Loaded {
  const number = numberOf(request);
  const rules = complete(loadConfig(request.files, optionsOf(request, number)), request);
  return { rules: packRules(rules), list: compileList(rules, number.get(), request.ways) };
}

function packed(rules: Rules, list: CompiledList): CompiledRules {
  return judgeBy(unpackRules(packRules(rules)), list);
}

function sizeOf(files: readonly string[]): number {
  const bytes = files.map((file) => statSync(file, { throwIfNoEntry: false })?.size ?? 0);
  return bytes.reduce((sum, size) => sum + size, 0);
}

function numberOf({ mode, allowAcrossLists }: LoadRequest): ListNumber {
  return listNumber([mode, allowAcrossLists]);
}

function optionsOf({ mode, allowAcrossLists }: LoadRequest, number: ListNumber): LoadOptions {
  const readFile = (file: string) => {
    const bytes = readWhole(file);
    number.add(file, bytes);
    return bytes;
  };
  return { defaultMode: mode, allowAcrossLists, checkPattern, readFile };
}

function complete(rules: Rules, { more }: LoadRequest): Rules {
  return { ...rules, strings: [...rules.strings, ...more] };
}
