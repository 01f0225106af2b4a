// Miners' options. Most programs have a `--config`; few have a `--dag-load-mode`.
import type { Fact } from "../facts.js";
import type { Candidate } from "../types.js";

/** Parts of option names that only mining software has a use for. */
const MINING =
  /(^|[-_])(dag|lhr|donate|donation|stratum|zil|kaspa|ethash|ethb3|etchash|eth|kas|ton|autolykos2?|progpow|kawpow|randomx|xintensity|bfactor|wallet|coinbase|longpoll|gbt|hashrate|avalon\d*|bitmain|icarus|bflsc|klondike|gridseed|zeusminer|hashfast|cointerra|drillbit|bab|hfa|cclock|mclock|scantime|devfee|dynex|verus|warthog|nicehash|miner|p2pool|quai)([-_]|$)/;

/** Words of options in no dictionary that any program has. */
const EVERYBODYS = /^(api|cfg|config|cpu|fpga|gpu|id|ip|mcast|url)$/;

/** Distinctive by a part that is no word of {@link MINING}. */
const TELLING = /mining-address|hashrate|gbt|longpoll|randomx|autolykos|rig-id|nicehash|dualpool/;

/** Shortest option worth banning by itself, in bytes. */
const MIN_OPTION = 10;

/** Words of mining that are words of other trades too: Ethernet, workflows, circuits, weights. One alone makes no option a miner's. */
const SHARED = /^(avalon|bab|coinbase|dag|drillbit|dynamic|eth|icarus|kas|klondike|ton|verus|wallet|warthog)$/;

/**
 * `option`: options that the facts call distinctive. Without the dashes where a word of them is mining's alone:
 * configuration files name them so too. One of two ordinary words is left out.
 *
 * @param dictionary - Ordinary words, in small letters.
 */
export function distinctiveOptions(facts: readonly Fact[], dictionary: ReadonlySet<string>): Candidate[] {
  return facts
    .filter(({ value, rarity }) => rarity === "distinctive" && !isOrdinary(value.replace(/^--?/, ""), dictionary))
    .map(({ value, source }) => {
      const name = value.replace(/^--?/, "");
      return { value: isMinings(name) ? name : value, mode: "word", source, rule: "option" };
    });
}

/** `option-word`: long options of two words or more, one of which belongs to mining alone. With the dashes. */
export function miningOptions(facts: readonly Fact[]): Candidate[] {
  return facts
    .filter(({ value, rarity }) => rarity !== "never" && value.length >= MIN_OPTION && /^--\w+[-_]\w/.test(value))
    .filter(({ value }) => isMinings(value.slice(2)))
    .map(({ value, source }) => ({ value, mode: "word", source, rule: "option-word" }));
}

// Two words at most, of the dictionary or shared ones.
function isOrdinary(name: string, dictionary: ReadonlySet<string>): boolean {
  const words = name.split(/[-_]/);
  const known = (word: string) => dictionary.has(word) || SHARED.test(word) || EVERYBODYS.test(word);
  return !isMinings(name) && (words.length <= 2 ? words.every(known) : SHARED.test(words.find(inMining) ?? ""));
}

function inMining(word: string): boolean {
  return MINING.test(word);
}

// A word of mining's own, or two that other trades share.
function isMinings(name: string): boolean {
  const words = name.split(/[-_]/).filter(inMining);
  return words.some((word) => !SHARED.test(word)) || words.length >= 2 || TELLING.test(name);
}
