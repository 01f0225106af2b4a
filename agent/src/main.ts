// The commands: one word a detector.
import { addExplain, execwhackerCommand } from "./detectors/execwhacker/command.js";
import { addCheck } from "./detectors/execwhacker/tools/commands.js";
import { main } from "./run/command.js";

await main([execwhackerCommand], [addExplain, addCheck]);
