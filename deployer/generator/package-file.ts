// Finds the package's own data: this file runs as dist/generator/package-file.js.
import { fileURLToPath } from "node:url";

/** Absolute path of a file of the package, given relative to the package's folder. */
export function packageFile(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}
