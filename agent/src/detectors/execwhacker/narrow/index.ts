export { AskedExecs } from "./asked.js";
export { HeldScopes } from "./held.js";
export { KnownCgroups, NARROW_CGROUPS } from "./known.js";
export { narrowMetrics } from "./metrics.js";
export { NarrowNeedsNames } from "./needs-names.js";
export { walkContainers } from "./walk.js";
