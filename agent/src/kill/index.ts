export { createKiller, type Killer, type KillerOptions, type KillResult, type PidfdCalls } from "./kill.js";
