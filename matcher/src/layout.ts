// The tables' layout, as bpf/execwhacker/execwhacker.h declares it. agent/src/detectors/execwhacker/tables.test.ts compares each number with the C side.

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
    size: 80,
  },
  filterA: { offset: 80, size: 1 << 21 },
  filterB: { offset: 80 + (1 << 21), size: 1 << 19 },
  filterC: { offset: 80 + (1 << 21) + (1 << 19), size: 1 << 13 },
  filterKeys: { offset: 80 + (1 << 21) + (1 << 19) + (1 << 13), size: 1 << 18 },
  filtersSize: 80 + (1 << 21) + (1 << 19) + (1 << 13) + (1 << 18),
  cell: { size: 64, entries: 8, entrySize: 8, headSize: 8 },
  maxChainCells: 128,
  maxAllowSets: 32,
  allow: {
    start: 0,
    firstAccept: 64,
    strideLog2: 68,
    endClass: 72,
    quoteClass: 76,
    kindOf: 80,
    accepts: 592,
    maxStates: 1 << 15,
    next: 592 + (1 << 16),
    nextEntries: 1 << 18,
    unsafe: 0x100,
  },
  allowSize: 592 + (1 << 16) + (1 << 19),
} as const;

/** `policy.flags`. */
export const POLICY = { filterA: 1, filterB: 2, filterC: 4, enforce: 8 } as const;

/** What is done with an exec whose line cannot be searched whole. */
export const WAY = { kill: 0, "let-go": 1 } as const;
export type Way = keyof typeof WAY;

export const MODE = { word: 0, anywhere: 1, "exact-argument": 2 } as const;
export const ACTION = { enforce: 0, audit: 1 } as const;
export type Action = keyof typeof ACTION;
