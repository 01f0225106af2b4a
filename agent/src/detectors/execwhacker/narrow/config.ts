// What configs need of narrow scopes.
export { parseNarrow } from "./parse.js";
export { type NarrowScope, narrowKey } from "./scope.js";
