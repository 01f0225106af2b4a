// The known word a misspelt one was meant to be.

/** The closest of `words`, case aside; null when none is within two edits or a third of its length. */
export function nearest<T extends string>(word: string, words: readonly T[]): T | null {
  let best: T | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of words) {
    const most = Math.max(2, Math.floor(candidate.length / 3));
    if (Math.abs(candidate.length - word.length) > most) continue;
    const edits = distance(word.toLowerCase(), candidate.toLowerCase());
    if (edits <= most && edits < least) {
      best = candidate;
      least = edits;
    }
  }
  return best;
}

/** Levenshtein's distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
