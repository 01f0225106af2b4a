// The commands: one word a detector.
import { execwhackerCommand } from "./detectors/execwhacker/command.js";
import { execwhackerTools } from "./detectors/execwhacker/tools/commands.js";
import { flowkillerCommand } from "./detectors/flowkiller/command.js";
import { flowkillerTools } from "./detectors/flowkiller/tools/commands.js";
import { moneroCommand, moneroTools } from "./detectors/monero/command.js";
import { main } from "./run/command.js";

await main(
  [execwhackerCommand, flowkillerCommand, moneroCommand],
  [...execwhackerTools, ...flowkillerTools, ...moneroTools],
);
