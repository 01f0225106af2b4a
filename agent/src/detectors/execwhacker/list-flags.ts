// Flags of everything that reads lists.
import { Option } from "commander";

export function acrossListsFlag(): Option {
  return new Option(
    "--allow-across-lists",
    "an allow pattern that does not say whose strings it spares spares those of all config files",
  ).default(false);
}

export function candidateFlag(): Option {
  return new Option(
    "--candidate <file>",
    "JSON file of a list that kills nothing and is compared with those in force (again and again)",
  )
    .argParser((file: string, before: readonly string[]) => [...before, file])
    .default([]);
}
