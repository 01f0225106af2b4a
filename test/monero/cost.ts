// What a task switch costs with the detector's programs, as `make bench` measures it, alone and with more turns.
// node test/dist/monero/cost.js [TURNS]; needs root.
import { formatResults } from "../bench/result.js";
import { measureSwitches } from "../bench/switch-cost.js";

console.log(formatResults(await measureSwitches(Number(process.argv[2] ?? 1000))));
