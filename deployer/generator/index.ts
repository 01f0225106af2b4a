// What a generator imports as `deployer/generator`: facts, rules that make candidates, and the sieve that makes the list.

export { type BenignLine, benignLines } from "./benign-lines.js";
export { type Fact, type FactKind, facts, hosts, words } from "./facts.js";
export { algorithmNames, algorithmOptions } from "./rules/algorithms.js";
export { archives } from "./rules/archives.js";
export { base64Forms, hexForm } from "./rules/encodings.js";
export { hostSwitches } from "./rules/host.js";
export { browserHosts, poolHosts } from "./rules/hosts.js";
export { distinctiveOptions, miningOptions } from "./rules/options.js";
export { dictionary, isOrdinary, isSilent, telling, told } from "./rules/ordinary.js";
export { byHand, fromFacts } from "./rules/plain.js";
export { soloMiners } from "./rules/solo.js";
export { glued, respelled } from "./rules/variants.js";
export { type SieveSettings, sieve } from "./sieve.js";
export type { BannedList, Candidate, Dropped, Generate, Override, Tools } from "./types.js";
