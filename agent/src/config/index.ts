export { ConfigError, type ConfigProblem } from "./config-error.js";
export { ConfigFields, kind, type Place } from "./fields.js";
export { JsonError, type JsonMember, type JsonNode, Positions, parseJson } from "./json.js";
export { nearest } from "./nearest.js";
export { MAX_FILE_BYTES, readWhole, unreadable } from "./read.js";
export { type ConfigWatch, type WatchOptions, watchConfig } from "./watch.js";
