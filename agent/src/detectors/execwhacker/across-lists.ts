// A flag of everything that reads lists.
import { Option } from "commander";

export function acrossListsFlag(): Option {
  return new Option(
    "--allow-across-lists",
    "an allow pattern that does not say whose strings it spares spares those of all config files",
  ).default(false);
}
