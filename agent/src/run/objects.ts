// Where the BPF objects are, and their bytes.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { UnsupportedError } from "../errors.js";

/** Set by the bundle, whose place in the tree is another. */
declare const CRYPTNONO_BPF_DIR: string | undefined;

export function objectDir(): string {
  return typeof CRYPTNONO_BPF_DIR === "string"
    ? CRYPTNONO_BPF_DIR
    : fileURLToPath(new URL("../../../../build/bpf", import.meta.url));
}

/** @throws UnsupportedError when it has not been built. */
export function readObject(dir: string, name: string): Uint8Array {
  const file = join(dir, name);
  try {
    return readFileSync(file);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    throw new UnsupportedError(`read BPF object ${file}: ${code}`, "build it with: make build");
  }
}
