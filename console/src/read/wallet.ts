// The wallet that a command line pays into: what stays the same while pods, users and addresses change.

/** Case is lost: the log shows command lines folded. Base58 has no `0`, capital I and O, and no small l. */
const WALLETS: readonly RegExp[] = [
  // Monero, and with a payment id 106 characters. https://docs.getmonero.org/public-address/standard-address/
  /(?<![a-z0-9])[48][1-9a-z]{94}(?:[1-9a-z]{11})?(?![a-z0-9])/i,
  // Ethereum and its kin.
  /(?<![a-z0-9])0x[0-9a-f]{40}(?![a-z0-9])/i,
  // Bitcoin, bech32. https://github.com/bitcoin/bips/blob/master/bip-0173.mediawiki
  /(?<![a-z0-9])bc1[02-9ac-hj-np-z]{38,58}(?![a-z0-9])/i,
];

export function walletIn(cmdline: string): string | null {
  for (const wallet of WALLETS) {
    const found = wallet.exec(cmdline)?.[0];
    if (found !== undefined) return found.toLowerCase();
  }
  return null;
}
