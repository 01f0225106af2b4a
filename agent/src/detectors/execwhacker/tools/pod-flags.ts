// Flags that say which pod a line ran in.
import { type Command, InvalidArgumentError } from "commander";

export function addPodFlags(command: Command): void {
  command
    .option("--namespace <name>", "the pod's namespace, where the line does not say it, for strings with such a scope")
    .option("--pod <name>", "the pod's name, the same")
    .option(
      "--label <name=value>",
      "a label that the pod's owner gave it, the same (again and again)",
      (text: string, before: Readonly<Record<string, string>> = {}) => {
        const at = text.indexOf("=");
        if (at < 1) throw new InvalidArgumentError("It must be NAME=VALUE.");
        return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
      },
    );
}
