// Compiled patterns as the kernel has them in memory: `struct allow_table` of bpf/execwhacker.h.
import { DFA_KIND, LAYOUT, NFA_WORK } from "../layout.js";
import { SHELL_SAFE } from "../shell-quote.js";
import type { BitNfa, NfaBlock } from "./bit-nfa.js";
import type { CompiledAllow } from "./compile-allow.js";
import type { AllowTable } from "./table.js";

/** @param quoted - The table of the strings that stand in the quoted line alone. */
export function layOutAllow({ table, nfa }: CompiledAllow, quoted: AllowTable | null): Uint8Array {
  const bytes = new Uint8Array(LAYOUT.allow.size);
  const { dfa } = LAYOUT.allow;
  if (table !== null) putTable(bytes.buffer, dfa, table, { cell: 0, name: 0 });
  const behind = { cell: table?.next.length ?? 0, name: table?.accepts.length ?? 0 };
  if (quoted !== null) putTable(bytes.buffer, dfa + LAYOUT.dfa.size, quoted, behind);
  if (nfa !== null) putNfa(bytes.buffer, nfa);
  return bytes;
}

function putTable(
  buffer: ArrayBuffer,
  offset: number,
  table: AllowTable,
  first: { readonly cell: number; readonly name: number },
): void {
  const at = LAYOUT.dfa;
  const { names, next, most } = LAYOUT.allow;
  const head = new DataView(buffer, offset);
  head.setUint32(at.firstAccept, table.firstAccept, true);
  head.setUint32(at.strideLog2, table.strideLog2, true);
  head.setUint32(at.endClass, table.endColumn, true);
  head.setUint32(at.firstCell, first.cell, true);
  head.setUint32(at.firstName, first.name, true);
  new Uint32Array(buffer, offset + at.kindOf, 256).set(kinds(table.classOf, table.quoteColumn));
  new Uint16Array(buffer, offset + at.start, 4 * LAYOUT.maxAllowSets).set(table.starts);
  new Uint32Array(buffer, names, most.names).set(table.accepts, first.name);
  new Uint16Array(buffer, next, most.cells).set(table.next, first.cell);
}

const APOSTROPHE = 0x27;

/** By byte: its column, its column within quotes, and whether an argument with it needs those. */
function kinds(classOf: Uint8Array, quoteColumn: number): number[] {
  const { quotedShift, unsafeShift } = DFA_KIND;
  return Array.from(classOf, (column, byte) => {
    const quoted = byte === APOSTROPHE ? quoteColumn : column;
    return column | (quoted << quotedShift) | ((1 - SHELL_SAFE[byte]!) << unsafeShift);
  });
}

function putNfa(buffer: ArrayBuffer, { classOf, endClass, blocks }: BitNfa): void {
  const at = LAYOUT.nfa;
  const { words: mostWords, classes, edges: mostEdges } = at.most;
  const base = LAYOUT.allow.nfa;
  const head = new DataView(buffer, base);
  head.setUint32(at.blocks, blocks.length, true);
  head.setUint32(at.endClass, endClass, true);
  new Uint32Array(buffer, base + at.kindOf, 256).set(kinds(classOf, classOf[APOSTROPHE]!));
  // Words of 64 bits are two here, the lower half first.
  const shift = new Uint32Array(buffer, base + at.shift, mostWords * 2);
  const final = new Uint32Array(buffer, base + at.final, mostWords * 2);
  const start = new Uint32Array(buffer, base + at.start, LAYOUT.maxAllowSets * mostWords * 2);
  const rows = new Uint32Array(buffer, base + at.row, classes * mostWords * 4);
  const edges = new Uint32Array(buffer, base + at.edge, mostEdges * 6);
  const patternOf = new Uint32Array(buffer, base + at.patternOf, mostWords * 64);
  let firstWord = 0;
  let firstEdge = 0;
  for (const [i, block] of blocks.entries()) {
    const fields = [firstWord, block.words, firstEdge, block.edges.length, setsOf(block), workOf(block)];
    for (const [field, value] of fields.entries()) head.setUint32(at.block + i * 24 + field * 4, value, true);
    shift.set(block.shift, firstWord * 2);
    final.set(block.final, firstWord * 2);
    patternOf.set(
      block.patternOf.map((pattern) => Math.max(0, pattern)),
      firstWord * 64,
    );
    for (const [set, bits] of block.starts) start.set(bits, (set * mostWords + firstWord) * 2);
    for (let word = 0; word < (endClass + 1) * block.words; word++) {
      const row = (firstWord * classes + word) * 4;
      rows.set(block.stay.subarray(word * 2, word * 2 + 2), row);
      rows.set(block.read.subarray(word * 2, word * 2 + 2), row + 2);
    }
    for (const [e, { from, to, fromWord, toWord }] of block.edges.entries()) {
      edges.set([...from, ...to, fromWord, toWord], (firstEdge + e) * 6);
    }
    firstWord += block.words;
    firstEdge += block.edges.length;
  }
}

function setsOf({ starts }: NfaBlock): number {
  return [...starts.keys()].reduce((sets, set) => sets | (1 << set), 0) >>> 0;
}

/** What one byte costs in the walk by a block, in the kernel's units of work. */
export function workOf({ words, edges }: NfaBlock): number {
  return NFA_WORK.byte + words * NFA_WORK.word + edges.length * NFA_WORK.edge;
}
