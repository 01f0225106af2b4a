// The program of the second detector: a list of one command, as agent/src/main.ts is another.
import { main } from "@cryptnono/agent/run/command";
import { ROOT } from "./agent.js";
import { execCounterCommand } from "./exec-counter.js";

await main([execCounterCommand], [], { objects: `${ROOT}build/test/bpf` });
