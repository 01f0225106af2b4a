// Which files the globs of the settings name. A directory stands for the files in it, as a mounted ConfigMap is one.
import { readdirSync, type Stats, statSync } from "node:fs";
import { join } from "node:path";

/**
 * The files that `globs` name, each once, in their order. `*`, `?` and `[...]` as in a shell: within one name, and not its first
 * dot. What a mounted ConfigMap keeps beside its keys (`..data`) is passed over.
 */
export function globFiles(globs: readonly string[]): string[] {
  return [...new Set(globs.flatMap((glob) => expand(glob)).flatMap(filesOf))];
}

/** The directories that must be watched for what the globs name to change, and the files that they name now. */
export function watchedPaths(globs: readonly string[]): string[] {
  return [...new Set(globs.flatMap((glob) => [fixedPart(glob), ...expand(glob)]))];
}

const WILD = /[*?[]/;

/** The part of a glob before its first wild name. */
function fixedPart(glob: string): string {
  const names = glob.split("/");
  const wild = names.findIndex((name) => WILD.test(name));
  return wild < 0 ? glob : names.slice(0, wild).join("/") || "/";
}

/** Paths that exist; a glob without wild names is itself, whether it exists or not: its absence is an error. */
function expand(glob: string): string[] {
  if (!WILD.test(glob)) return [glob];
  const base = fixedPart(glob);
  const rest = glob.slice(base === "/" ? 1 : base.length + 1).split("/");
  return rest.reduce<string[]>((paths, name) => paths.flatMap((path) => below(path, name)), [base]);
}

function below(path: string, name: string): string[] {
  if (!WILD.test(name)) return stat(join(path, name)) === null ? [] : [join(path, name)];
  const pattern = nameExpression(name);
  return namesIn(path)
    .filter((found) => pattern.test(found) && (name.startsWith(".") || !found.startsWith(".")))
    .map((found) => join(path, found));
}

function nameExpression(name: string): RegExp {
  const source = name.replace(/\[!?[^\]]+\]|[*?]|[\\^$.|+(){}[\]]/g, (part) => {
    if (part === "*") return ".*";
    if (part === "?") return ".";
    if (part.length > 1) return part.replace(/^\[!/, "[^").replace(/\\/g, "\\\\");
    return `\\${part}`;
  });
  return new RegExp(`^${source}$`, "s");
}

function filesOf(path: string): string[] {
  if (stat(path)?.isDirectory() !== true) return [path];
  return namesIn(path)
    .filter((name) => !name.startsWith("."))
    .map((name) => join(path, name))
    .filter((file) => stat(file)?.isFile());
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(path).toSorted();
  } catch {
    return [];
  }
}

function stat(path: string): Stats | null {
  try {
    return statSync(path);
  } catch {
    return null;
  }
}
