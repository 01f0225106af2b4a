// Miners' options. Most programs have a `--config`; few have a `--dag-load-mode`.
import type { Fact } from "../facts.js";
import type { Candidate } from "../types.js";

/** Parts of option names that only mining software has a use for. */
const MINING =
  /(^|[-_])(dag|lhr|donate|donation|stratum|zil|kaspa|ethash|ethb3|etchash|eth|kas|ton|autolykos2?|progpow|kawpow|randomx|xintensity|bfactor|wallet|coinbase|longpoll|gbt|hashrate|avalon\d*|bitmain|icarus|bflsc|klondike|gridseed|zeusminer|hashfast|cointerra|drillbit|bab|hfa|cclock|mclock|scantime|devfee|dynex|verus|warthog|nicehash|miner|p2pool|quai)([-_]|$)/;

/** Shortest option worth banning by itself, in bytes. */
const MIN_OPTION = 10;

/** `option`: options that the facts call distinctive. Without the dashes: configuration files name them so too. */
export function distinctiveOptions(facts: readonly Fact[]): Candidate[] {
  return facts
    .filter(({ rarity }) => rarity === "distinctive")
    .map(({ value, source }) => ({ value: value.replace(/^--?/, ""), mode: "word", source, rule: "option" }));
}

/** `option-word`: long options of two words or more, one of which belongs to mining alone. With the dashes. */
export function miningOptions(facts: readonly Fact[]): Candidate[] {
  return facts
    .filter(({ value, rarity }) => rarity !== "never" && value.length >= MIN_OPTION && /^--\w+[-_]\w/.test(value))
    .filter(({ value }) => MINING.test(value.slice(2)))
    .map(({ value, source }) => ({ value, mode: "word", source, rule: "option-word" }));
}
