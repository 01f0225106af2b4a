// Where things are: the repository worked on is found from the current directory, the package's data from this file.
import { existsSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { DeployerError } from "./errors.js";

const GENERATOR_FOLDER = "deployer/commands/generate/cryptnono_config";

/** Absolute paths of the files that one run reads and writes. */
export interface Paths {
  /** The folder with `.sops.yaml`. */
  readonly root: string;
  readonly encryptedGenerator: string;
  /** The decrypted generator's name: git-ignored, written by people only, never by the deployer. */
  readonly plainGenerator: string;
  readonly values: string;
}

/** @throws DeployerError when neither `from` nor a folder above it is a repository with `.sops.yaml` and a deployer. */
export function findPaths(from = process.cwd()): Paths {
  let root = resolve(from);
  while (!(existsSync(join(root, ".sops.yaml")) && existsSync(join(root, "deployer")))) {
    const parent = dirname(root);
    if (parent === root) {
      throw new DeployerError(`find repository from ${from}: no folder above it has .sops.yaml and deployer/`, {
        hint: "run deployer from inside the repository's checkout",
      });
    }
    root = parent;
  }
  return {
    root,
    encryptedGenerator: join(root, GENERATOR_FOLDER, "enc-blocklist-generator.secret.ts"),
    plainGenerator: join(root, GENERATOR_FOLDER, "blocklist-generator.secret.ts"),
    values: join(root, "helm-charts/support/enc-cryptnono.secret.values.yaml"),
  };
}

/** `path` as people type it: relative to the repository. */
export function shown(paths: Paths, path: string): string {
  return relative(paths.root, path);
}
