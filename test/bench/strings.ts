// Lists of banned strings of the shapes that real ones have, from a seed: made-up hosts, program names, options and tokens.
import { Random } from "../lib/hostile-lines.js";

const ONSETS = "b c d f g h j k l m n p q r s t v w x z br ch cr dr fl gr kr pl sh sk st tr zw".split(" ");
const VOWELS = "a e i o u ai ea io oo y".split(" ");
const ENDINGS = ["", "", "", "n", "r", "x", "s", "ng", "lk"];
const TLDS = ["com", "org", "net", "io", "xyz", "example", "co", "info"];
const TOKEN_LETTERS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/** `count` different strings of 5 to 30 bytes, most of 8 to 17. */
export function bannedStrings(count: number, seed = 1): string[] {
  const random = new Random(seed);
  const strings = new Set<string>();
  while (strings.size < count) {
    const text = shapes[random.below(shapes.length)]!(random);
    const isUsual = text.length >= 8 && text.length <= 17;
    if (text.length >= 5 && text.length <= 30 && (isUsual || random.oneIn(4))) strings.add(text);
  }
  return [...strings];
}

const shapes: readonly ((random: Random) => string)[] = [
  (random) => `${madeUpWord(random)}.${random.pick(TLDS)}`,
  (random) => `${random.pick(["pool", "eu1", "us", "stratum", "xx"])}.${madeUpWord(random)}.${random.pick(TLDS)}`,
  (random) => `${madeUpWord(random)}.${random.pick(TLDS)}:${random.between(1000, 20000)}`,
  (random) => madeUpWord(random) + madeUpWord(random),
  (random) => `${madeUpWord(random)}-${madeUpWord(random)}`,
  (random) => `--${madeUpWord(random)}-${madeUpWord(random)}`,
  (random) => `${madeUpWord(random)}_${madeUpWord(random)}.${random.pick(["py", "so", "sh", "js"])}`,
  (random) => Array.from({ length: random.between(10, 30) }, () => random.pick(TOKEN_LETTERS)).join(""),
];

function madeUpWord(random: Random): string {
  let word = "";
  for (let i = random.pick([1, 2, 2, 3]); i > 0; i--) word += random.pick(ONSETS) + random.pick(VOWELS);
  return word + random.pick(ENDINGS);
}
