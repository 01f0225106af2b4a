// Names that say too little by themselves, whoever else may have made them up: those made of ordinary words, and files that a host's
// administrators touch more than miners do.

/** Parts of names that an honest program has little use for. */
const MINING = /min(e|er|ing)|xmr|monero|hash|coin|crypt|rig(64|32)?$|stratum|wallet|nonce/;

/** Parts that are shorter are found in any name. */
const MIN_PART = 3;

/** Directories whose files are the machine's, not somebody's. */
const HOST_FILE = /^\/(boot|dev|etc|lib|lib64|proc|run|sys|usr|var)\/\S+$/;

/** One word of letters, which numbers may follow, that is made of `words` and of nothing that belongs to mining. */
export function isOrdinaryName(value: string, words: ReadonlySet<string>): boolean {
  const letters = /^([a-z]+)[0-9]*$/.exec(value)?.[1];
  if (letters === undefined || MINING.test(value)) return false;
  // Whether the first `end` letters are made of words.
  const made = [true];
  for (let end = 1; end <= letters.length; end++) {
    made[end] = false;
    for (let start = 0; start <= end - MIN_PART; start++) {
      if (made[start] && words.has(letters.slice(start, end))) made[end] = true;
    }
  }
  return made[letters.length]!;
}

/** A host's file by itself: what is done with it has to stand beside it. */
export function isHostFile(value: string): boolean {
  return HOST_FILE.test(value);
}
