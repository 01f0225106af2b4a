// Miners without a pool: what mines for a node of its own, or for an interface of another's, has neither host nor scheme.
import type { Candidate } from "../types.js";

const SOURCE = "manuals of miners without a pool (tmrlvi/kaspa-miner, monero-project/monero, iron-fish/ironfish)";

/** Options that have been the same for years and that only a miner's manual has. With the dashes. */
const OPTIONS = [
  "--bg-mining-enable",
  "--devfund-percent",
  "--kaspad-address",
  "--keryxd-address",
  "--mine-when-not-synced",
  "--mining-address",
  "--mining-threads",
];

/** A program that is called a miner, told where its coins go. Texts and processes are mined without an address. */
const PAYEES = [
  "--address",
  "--mining-address",
  "--payout-address",
  "--reward-address",
  "--wallet",
  "--wallet-address",
];

/** Options that take an address, and how the addresses of the coin begin: of one string, for either says nothing alone. */
const PAID: readonly (readonly [option: string, begin: string])[] = [
  ["--start-mining", "4"],
  ["--start-mining", "8"],
  ["--wallet-address", "dero"],
  ["--integrator-address", "dero"],
];

/** Node software's own command to mine, with what follows it. */
const COMMANDS = ["miners:start --pool", "miners:start --threads", "miners:start -t", "ironfish miners:start"];

/** What only a program that computes is told, beside where its coins go. */
const WORK = ["--algo", "--algorithm", "--difficulty", "--hashrate", "--intensity", "--node", "--threads", "--worker"];

/** What servers are told too, whose `--address` is where they listen. */
const SERVED = ["--threads", "--worker"];

/** Chain addresses as an option's value: those whose beginning is nobody's word. An explorer asks an interface for one of them too. */
const ADDRESSES = ["--address=0x", "--address 0x", "--address=bc1", "--address bc1", "--wallet=0x", "--wallet 0x"];

/**
 * `solo-option`, `solo-pair`: options of miners without a pool, and pairs of words that are ordinary one by one. `solo-several`,
 * `api-several`: the same words wherever they stand in the line, with what only a program that computes is told.
 */
export function soloMiners(): Candidate[] {
  const word = (value: string, rule: string): Candidate => ({ value, mode: "word", source: SOURCE, rule });
  return [
    ...OPTIONS.map((value) => word(value, "solo-option")),
    // Of `kaspa-miner` the end is a word, of `gxc_miner` it is not.
    ...PAYEES.map((payee) => word(`miner ${payee}`, "solo-pair")),
    ...PAYEES.map((payee): Candidate => ({ ...word(`_miner ${payee}=`, "solo-pair"), mode: "anywhere" })),
    ...COMMANDS.map((value) => word(value, "solo-pair")),
    // The rest of the address follows: word characters.
    ...PAID.flatMap(([option, begin]) =>
      [" ", "="].map((gap): Candidate => ({ ...word(`${option}${gap}${begin}`, "solo-pair"), mode: "anywhere" })),
    ),
    ...PAYEES.flatMap((payee) =>
      WORK.filter((work) => payee !== "--address" || !SERVED.includes(work)).map((work) => ({
        ...word(payee, "solo-several"),
        also: ["miner", work],
      })),
    ),
    ...ADDRESSES.flatMap((address) =>
      WORK.filter((work) => work !== "--node").map(
        (work): Candidate => ({ ...word(address, "api-several"), also: ["--api=http", work], mode: "anywhere" }),
      ),
    ),
  ];
}
