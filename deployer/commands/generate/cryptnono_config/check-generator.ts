// `deployer generate check-blocklist-generator`: the compiler's opinion on the generator, which it reads from memory.
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { API, type Diagnostic } from "typescript/unstable/sync";
import { GeneratorError } from "../../../errors.js";
import { type Paths, shown } from "../../../paths.js";
import { decryptGenerator } from "./run.js";

/**
 * Type-check the decrypted generator if there is one, else the encrypted one, decrypted into memory.
 *
 * @returns What was checked, relative to the repository.
 * @throws GeneratorError with one line per error, `file:line:column: TScode`: the compiler's text quotes literals, which
 *   are the list's.
 */
export async function checkGenerator(paths: Paths): Promise<string> {
  const decrypted = existsSync(paths.plainGenerator);
  const source = decrypted ? readFileSync(paths.plainGenerator, "utf8") : await decryptGenerator(paths);
  const errors = typeErrors(source, paths.plainGenerator);
  if (errors.length > 0) {
    throw new GeneratorError(`check ${basename(paths.plainGenerator)}:\n${errors.join("\n")}`, {
      hint: "the compiler's own words could quote the list; an editor shows them in the decrypted file",
    });
  }
  return shown(paths, decrypted ? paths.plainGenerator : paths.encryptedGenerator);
}

/** The compiler's errors on `source`, as if it stood in `file`; the compiler reads it over a pipe. */
export function typeErrors(source: string, file: string): string[] {
  // A configuration file of its own, in memory too: the package's leaves out everything secret.
  const config = join(dirname(file), "tsconfig.generator-check.json");
  const compilerOptions = {
    strict: true,
    noEmit: true,
    target: "es2023",
    lib: ["es2023"],
    module: "nodenext",
    skipLibCheck: true,
    types: ["node"],
  };
  const files = new Map([
    [file, source],
    [config, JSON.stringify({ compilerOptions, files: [basename(file)] })],
  ]);
  const api = new API({
    fs: {
      readFile: (name) => files.get(name),
      fileExists: (name) => (files.has(name) ? true : undefined),
    },
  });
  try {
    const program = api.updateSnapshot({ openProjects: [config] }).getProject(config)!.program;
    const syntactic = program.getSyntacticDiagnostics();
    const found =
      syntactic.length > 0 ? syntactic : [...program.getProgramDiagnostics(), ...program.getSemanticDiagnostics()];
    return found.map((diagnostic) => line(diagnostic, source, file));
  } finally {
    api.close();
  }
}

function line({ fileName, pos, code }: Diagnostic, source: string, file: string): string {
  if (fileName !== file) return `${fileName === undefined ? "compiler" : basename(fileName)}: TS${code}`;
  const before = source.slice(0, pos).split("\n");
  return `${basename(file)}:${before.length}:${before.at(-1)!.length + 1}: TS${code}`;
}
