// The tables' layout, as bpf/execwhacker/execwhacker.h declares it. agent/src/detectors/execwhacker/tables.test.ts compares each number with the C side.

const DFA_SIZE = 20 + 1024 + 256;
const NFA_SIZE = 13_000 + 256 * 32 * 16 + 32 * 64 * 4;

/** Limits and offsets, in bytes unless the name says otherwise. */
export const LAYOUT = {
  maxStringBytes: 512,
  policy: {
    flags: 0,
    maskA: 4,
    maskB: 8,
    bucketMask: 12,
    shortLengths: 16,
    tailBytes: 20,
    maxScanBytes: 24,
    wayUnreadable: 28,
    wayOverLong: 32,
    maxWork: 36,
    maxAllowBytes: 40,
    generation: 44,
    maskKeys: 48,
    tellKills: 52,
    tellSpares: 56,
    rules: 60,
    firstRule: 64,
    candidateSets: 68,
    narrowKill: 72,
    size: 80,
  },
  filterA: { offset: 80, size: 1 << 21 },
  filterB: { offset: 80 + (1 << 21), size: 1 << 19 },
  filterC: { offset: 80 + (1 << 21) + (1 << 19), size: 1 << 13 },
  filterKeys: { offset: 80 + (1 << 21) + (1 << 19) + (1 << 13), size: 1 << 18 },
  filtersSize: 80 + (1 << 21) + (1 << 19) + (1 << 13) + (1 << 18),
  cell: { size: 64, entries: 8, entrySize: 8, headSize: 8 },
  /** Within a rule's cell, behind a string's head. */
  rule: { members: 8, told: 8 + 32 },
  maxMembers: 256,
  maxRules: 256,
  maxChainCells: 128,
  maxAllowSets: 32,
  allow: {
    dfa: 0,
    names: 2 * DFA_SIZE,
    next: 2 * DFA_SIZE + (1 << 15),
    nfa: 2 * DFA_SIZE + (1 << 15) + (1 << 19),
    size: 2 * DFA_SIZE + (1 << 15) + (1 << 19) + NFA_SIZE,
    /** How many there are. */
    most: { names: 1 << 13, cells: 1 << 18 },
  },
  /** Within `struct dfa`. */
  dfa: {
    firstAccept: 0,
    strideLog2: 4,
    endClass: 8,
    firstCell: 12,
    firstName: 16,
    kindOf: 20,
    start: 20 + 1024,
    size: DFA_SIZE,
  },
  /** Within `struct nfa`. */
  nfa: {
    blocks: 0,
    endClass: 4,
    kindOf: 8,
    block: 1032,
    edge: 1032 + 8 * 24,
    shift: 1224 + 128 * 24,
    final: 4296 + 32 * 8,
    start: 4552 + 32 * 8,
    row: 4808 + 32 * 32 * 8,
    patternOf: 13_000 + 256 * 32 * 16,
    size: NFA_SIZE,
    /** How many there are. */
    most: { blocks: 8, blockWords: 8, blockEdges: 32, words: 32, edges: 128, classes: 256 },
  },
} as const;

/** What a byte costs in the walk by the NFA, in the kernel's units of work: each block, each word and each edge of it. */
export const NFA_WORK = { byte: 22, word: 3, edge: 2 } as const;

/** `enum dfa_kind`: where in a byte's kind its column within quotes begins, and whether it makes quotes needed. */
export const DFA_KIND = { quotedShift: 8, unsafeShift: 16 } as const;

/** `policy.flags`. */
export const POLICY = {
  filterA: 1,
  filterB: 2,
  filterC: 4,
  enforce: 8,
  enforceHost: 16,
  scopes: 32,
  narrow: 64,
} as const;

/** What is done with an exec whose line cannot be searched whole. */
export const WAY = { kill: 0, "let-go": 1 } as const;
export type Way = keyof typeof WAY;

/** `enum string_kind`: the bit beside the mode of a string that is one of several. */
export const KIND_MEMBER = 8;
export const MODE = { word: 0, anywhere: 1, "exact-argument": 2, "exact-value": 3 } as const;
export const ACTION = { enforce: 0, audit: 1, quotedEnforce: 2, quotedAudit: 3 } as const;
/** `enum string_scope`: where a string counts. */
export const SCOPE = { any: 0, containers: 1, host: 2 } as const;
/** `enum narrow_limits`: scopes by namespaces, pods and labels, whose numbers go on behind those in the list's order. */
export const NARROW = { first: 3, most: 8, cgroups: 8192, unjudged: 1 << 30 } as const;
/** What a string's match leads to. The other two are those of a piece of a string that stands in the quoted line alone. */
export type Action = "enforce" | "audit";
