// A look-up that is there before its code is loaded: what is asked meanwhile waits for it.
import type { ContainerLookup } from "../types.js";

/** @param opening - Must not reject. */
export function lateLookup(opening: Promise<ContainerLookup>): ContainerLookup {
  let opened: ContainerLookup | null = null;
  void opening.then((lookup) => {
    opened = lookup;
  });
  return {
    lookup: async (cgroup) => (await opening).lookup(cgroup),
    runtimes: () => opened?.runtimes() ?? [],
    hurry: () => void opening.then((lookup) => lookup.hurry()),
    close: async () => (await opening).close(),
  };
}
