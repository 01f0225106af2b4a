// The strings that stand in the quoted line alone, as a table that the kernel walks over that line as it does for allow patterns.
import {
  type AllowTable,
  type CompiledAllow,
  compileTable,
  DEFAULT_ALLOW_LIMITS,
  MAX_ALLOW_SETS,
} from "./allow/index.js";
import type { Node } from "./allow/syntax-tree.js";
import { FOLD, WORD } from "./fold.js";
import { LAYOUT } from "./layout.js";
import { quotedPiece } from "./quoted.js";
import { isInScope, type Place, scopesIn } from "./scope.js";
import type { BannedString } from "./types.js";

export interface QuotedString extends BannedString {
  /** In the list. */
  readonly index: number;
  readonly isAudit: boolean;
  readonly allowSet: number;
  readonly scope: number;
}

/** A string of the list that has to be looked for in the quoted line, and the piece that must stand in the plain one. */
export interface Piece {
  readonly index: number;
  readonly value: Uint8Array;
}

export function piecesOf(strings: readonly BannedString[]): Piece[] {
  const pieces: Piece[] = [];
  for (let index = 0; index < strings.length; index++) {
    const value = quotedPiece(strings[index]!);
    if (value !== null) pieces.push({ index, value });
  }
  return pieces;
}

/**
 * @param allow - What lies in the same room.
 * @returns `left`: a string for which there is no room, by its index in the list; undefined when all fit.
 */
export function compileQuoted(
  strings: readonly QuotedString[],
  allow: CompiledAllow | undefined,
): { readonly table: AllowTable | null; readonly left: number | undefined } {
  const starts = new Map<number, number[]>();
  for (const [i, { isAudit, allowSet, scope }] of strings.entries()) {
    for (const [place, name] of PLACES.entries()) {
      if (!isInScope(scope, scopesIn(name))) continue;
      // One of the others is looked for as an audited one once it is demoted.
      for (const asAudit of isAudit ? [true] : [false, true]) {
        const start = place * STARTS_PER_PLACE + (asAudit ? MAX_ALLOW_SETS : 0) + allowSet;
        starts.set(start, [...(starts.get(start) ?? []), i]);
      }
    }
  }
  const same = shareStarts(starts);
  const { cells } = LAYOUT.allow.most;
  const room = (cells - (allow?.table?.next.length ?? 0)) * Uint16Array.BYTES_PER_ELEMENT;
  const limits = { ...DEFAULT_ALLOW_LIMITS, maxTableBytes: room };
  const { table, left } = compileTable(strings.map(treeOf), starts, limits);
  const first = left.keys().next();
  return {
    table: table && {
      ...table,
      starts: table.starts.map((state, start) => table.starts[same.get(start) ?? start] ?? state),
      accepts: table.accepts.map((i) => strings[i]!.index),
    },
    left: first.done === true ? undefined : strings[first.value]!.index,
  };
}

/** Of starts for the same strings the first stays. @returns which one stands for each of the others. */
function shareStarts(starts: Map<number, number[]>): Map<number, number> {
  const firsts = new Map<string, number>();
  const same = new Map<number, number>();
  for (const [start, strings] of [...starts]) {
    const first = firsts.get(strings.join());
    if (first === undefined) firsts.set(strings.join(), start);
    else {
      same.set(start, first);
      starts.delete(start);
    }
  }
  return same;
}

/** In the order of their starts. */
const PLACES: readonly Place[] = ["containers", "host"];
const STARTS_PER_PLACE = 2 * MAX_ALLOW_SETS;

const ANY: Uint8Array = new Uint8Array(256).fill(1);
const NO_WORD: Uint8Array = WORD.map((member) => 1 - member);
const ANYTHING: Node = { kind: "repeat", body: { kind: "bytes", set: ANY }, min: 0, max: Number.POSITIVE_INFINITY };
const NO_WORD_BYTE: Node = { kind: "bytes", set: NO_WORD };
const NOTHING: Node = { kind: "sequence", parts: [] };

/** The string anywhere in the line, with its neighbours as its mode wants them. */
function treeOf({ value, mode }: BannedString): Node {
  const text: Node[] = Array.from(value, (wanted) => ({
    kind: "bytes",
    set: FOLD.map((folded) => (folded === FOLD[wanted]! ? 1 : 0)),
  }));
  if (mode === "anywhere") return { kind: "sequence", parts: [ANYTHING, ...text] };
  const before: Node = { kind: "either", branches: [NOTHING, { kind: "sequence", parts: [ANYTHING, NO_WORD_BYTE] }] };
  const after: Node = { kind: "either", branches: [NO_WORD_BYTE, { kind: "place", place: "end" }] };
  return { kind: "sequence", parts: [before, ...text, after] };
}
