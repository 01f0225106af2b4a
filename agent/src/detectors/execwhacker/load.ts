// Config files to rules that are ready to judge by. At start nothing waits for this thread; later it has probes to answer and
// rings to read, and what is large, or may be hard, another thread does.
import { statSync } from "node:fs";
import { CompileError, PatternError } from "@cryptnono/matcher";
import { ConfigError, readWhole } from "../../config/index.js";
import { inWorker, WorkerError } from "../../run/in-worker.js";
import { checkPattern } from "./check-pattern.js";
import {
  type Lists,
  type LoadOptions,
  loadLists,
  loadListsInTurns,
  type PackedRules,
  packRules,
  unite,
  unpackRules,
} from "./config/index.js";
import { type ListNumber, listNumber } from "./list-number.js";
import {
  type CompiledList,
  type CompiledRules,
  compileList,
  hasSamePatterns,
  judgeBy,
  PatternsRefused,
  type Ways,
} from "./rules.js";
import type { Rule, Rules } from "./types.js";

/** All that the rules are made of; it can be sent to a worker. */
export interface LoadRequest {
  readonly files: readonly string[];
  /** Files of candidates. */
  readonly candidates?: readonly string[];
  readonly mode: "enforce" | "audit";
  /** A pattern that does not say whose strings it spares spares those of all files. */
  readonly allowAcrossLists: boolean;
  readonly ways: Ways;
  /** Why a candidate is refused unread, if there is one. */
  readonly withoutCandidate?: string;
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
  return unpacked(loadAndPack(request));
}

/**
 * With turns for others.
 *
 * @param before - What is in force. Its compiled patterns are taken when the new list has the same.
 * @throws as {@link load}, or WorkerError
 */
export async function loadInTurns(request: LoadRequest, before: CompiledRules): Promise<CompiledRules> {
  if (sizeOf([...request.files, ...(request.candidates ?? [])]) > MAX_BYTES_HERE) return loadElsewhere(request);
  const number = numberOf(request);
  const lists = await loadListsInTurns(request.files, optionsOf(request, number));
  // How long patterns take depends on what they are, and is up to half a second.
  if (lists.candidate !== null || !hasSamePatterns(before.rules, lists.inForce)) return loadElsewhere(request);
  await new Promise((resolve) => setImmediate(resolve));
  return unpacked(compile(lists, request, number.get(), before));
}

/** What says that a worker could not do it. */
const TOO_MUCH = ["MemoryError", "DeadlineError", "ExitError"];

/** In a thread of its own. @throws WorkerError */
async function loadElsewhere(request: LoadRequest): Promise<CompiledRules> {
  const file =
    typeof CRYPTNONO_BUNDLE_URL === "string"
      ? new URL("execwhacker-load.mjs", CRYPTNONO_BUNDLE_URL)
      : new URL("./load-worker.js", import.meta.url);
  const limits = { maxHeapMiB: WORKER_HEAP_MIB, deadlineMs: WORKER_DEADLINE_MS };
  const load = (asked: LoadRequest) => inWorker<Loaded>("load the config", file, asked, limits);
  try {
    return unpacked(await load(request));
  } catch (error) {
    const { candidates = [] } = request;
    if (!(error instanceof WorkerError) || !TOO_MUCH.includes(error.name) || candidates.length === 0) throw error;
    // Was it the candidate? Without it the lists in force say for themselves what is wrong.
    return unpacked(await load({ ...request, candidates: [], withoutCandidate: error.message }));
  }
}

/** The worker's part. @throws as {@link load} */
export function loadAndPack(request: LoadRequest): Loaded {
  const number = numberOf(request);
  return compile(loadLists(request.files, optionsOf(request, number)), request, number.get());
}

/** A candidate that does not compile beside the lists in force takes nothing from them. */
function compile(
  { inForce, candidate: read, refused }: Lists,
  { ways, more, withoutCandidate }: LoadRequest,
  number: number,
  before: CompiledRules | null = null,
): Loaded {
  const compiled = (rules: Rules) => ({ rules: packRules(rules), list: compileList(rules, number, ways, before) });
  const candidate = withoutCandidate === undefined ? read : null;
  let refusal = refused?.message ?? withoutCandidate;
  if (candidate !== null) {
    let united: Rules | undefined;
    try {
      united = complete(unite(inForce, candidate), more);
      return compiled(united);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      refusal = error instanceof CompileError ? placed(error, united) : error.message;
    }
  }
  const { rules, list } = compiled(complete(inForce, more));
  return { rules, list: refusal === undefined ? list : { ...list, refusedCandidate: refusal } };
}

function isRefusal(error: unknown): error is Error {
  return (
    error instanceof CompileError ||
    error instanceof PatternsRefused ||
    error instanceof PatternError ||
    error instanceof ConfigError
  );
}

function placed({ index, problem }: CompileError, rules: Rules | undefined): string {
  const rule = rules?.strings[index];
  return `compile ${rule === undefined ? `string ${index}` : `${rule.list}[${rule.index}]`}: ${problem}`;
}

function unpacked({ rules, list }: Loaded): CompiledRules {
  return judgeBy(unpackRules(rules), list);
}

function sizeOf(files: readonly string[]): number {
  const bytes = files.map((file) => statSync(file, { throwIfNoEntry: false })?.size ?? 0);
  return bytes.reduce((sum, size) => sum + size, 0);
}

function numberOf({ mode, allowAcrossLists }: LoadRequest): ListNumber {
  return listNumber([mode, allowAcrossLists]);
}

function optionsOf({ mode, allowAcrossLists, candidates = [] }: LoadRequest, number: ListNumber): LoadOptions {
  const readFile = (file: string) => {
    const bytes = readWhole(file);
    number.add(file, bytes);
    return bytes;
  };
  return { defaultMode: mode, allowAcrossLists, candidates, checkPattern, readFile };
}

function complete(rules: Rules, more: readonly Rule[]): Rules {
  return { ...rules, strings: [...rules.strings, ...more] };
}
