// The commands: one word a detector.
import { addExplain, execwhackerCommand } from "./detectors/execwhacker/command.js";
import { addCheck } from "./detectors/execwhacker/tools/commands.js";
import { flowkillerCommand } from "./detectors/flowkiller/command.js";
import { main } from "./run/command.js";

await main([execwhackerCommand, flowkillerCommand], [addExplain, addCheck]);
