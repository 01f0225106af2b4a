export { COIN_NAMES, type Coin } from "./coins.js";
export { type FoundWallet, findWallets } from "./find.js";
export { MAX_WALLET_RULES, WALLET_LAYOUT, walletTable } from "./table.js";
