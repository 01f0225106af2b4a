// Owns which environment variables of a container's own specification are told. Not a process's environment, which the
// process chooses.

/**
 * The chosen ones of `env`, in the order they were chosen.
 *
 * @param env - `NAME=value` each. Of a name that stands twice the last counts, as when a runtime sets them one by one.
 */
export function chosenEnvs(env: readonly string[], chosen: readonly string[]): Readonly<Record<string, string>> {
  const values = new Map<string, string>();
  for (const entry of env) {
    const end = entry.indexOf("=");
    const name = end === -1 ? "" : entry.slice(0, end);
    if (chosen.includes(name)) values.set(name, entry.slice(end + 1));
  }
  return Object.fromEntries(chosen.flatMap((name) => (values.has(name) ? [[name, values.get(name)!]] : [])));
}

/** A specification of more is not read: it would take the agent's thread for some ten milliseconds. */
const MAX_INFO_LENGTH = 4 * 1024 * 1024;

/**
 * The environment in a CRI runtime's own words of a container (`info` of a verbose status): the OCI specification's, which has
 * the image's variables too, else what the kubelet passed. Empty when there is none.
 */
export function specEnv(info: string): readonly string[] {
  if (info.length > MAX_INFO_LENGTH) return [];
  let words: unknown;
  try {
    words = JSON.parse(info);
  } catch {
    return [];
  }
  const env = at(at(at(words, "runtimeSpec"), "process"), "env");
  if (Array.isArray(env)) return env.filter((entry) => typeof entry === "string");
  const passed = at(at(words, "config"), "envs");
  return Array.isArray(passed) ? passed.map((entry) => `${at(entry, "key")}=${at(entry, "value") ?? ""}`) : [];
}

function at(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}
