// From the generator's decrypted source to its function, in memory: transpiled by esbuild over a pipe, evaluated from a string.
import { createRequire, SourceMap } from "node:module";
import { basename } from "node:path";
import { compileFunction } from "node:vm";
import { type Message, transform } from "esbuild";
import { DeployerError, GeneratorError } from "../../../errors.js";
import type { Generate, Tools } from "../../../generator/index.js";
import * as generatorApi from "../../../generator/index.js";

/** A generator that is ready to run. */
export interface LoadedGenerator {
  /** @throws GeneratorError naming file and line; a DeployerError from `tools` passes as it is. */
  run(valuesPath: string, tools: Tools): Promise<void>;
}

/**
 * @param source - TypeScript. It may import `deployer/generator`, Node's modules and installed packages.
 * @param file - The decrypted file's path: what messages and stack traces call it, and where its imports start from. Nothing
 *   is written or read there.
 * @param showMessages - Put the text of the generator's own exceptions into the error. They may hold banned strings.
 * @throws GeneratorError for a syntax error (with its line), an exception while loading, or no `generate`.
 */
export async function loadGenerator(source: string, file: string, showMessages: boolean): Promise<LoadedGenerator> {
  const name = basename(file);
  const { code, map } = await transform(source, {
    loader: "ts",
    format: "cjs",
    target: "node20",
    sourcemap: "external",
    sourcefile: name,
    logLevel: "silent",
  }).catch((cause: { errors?: Message[] }) => {
    throw syntaxError(name, cause);
  });
  const blame = (error: unknown) => exception(error, file, new SourceMap(JSON.parse(map)), showMessages);

  const module: { exports: Record<string, unknown> } = { exports: {} };
  const nodeRequire = createRequire(file);
  const require = (id: string) => (id === "deployer/generator" ? generatorApi : nodeRequire(id));
  try {
    compileFunction(code, ["module", "exports", "require"], { filename: file })(module, module.exports, require);
  } catch (error) {
    throw blame(error);
  }
  const generate = module.exports["generate"];
  if (typeof generate !== "function") {
    throw new GeneratorError(`load ${name}: it exports no function called generate`, {
      hint: "export const generate: Generate = async (valuesPath, tools) => { ... }",
    });
  }
  return {
    async run(valuesPath, tools) {
      try {
        await (generate as Generate)(valuesPath, tools);
      } catch (error) {
        throw error instanceof DeployerError ? error : blame(error);
      }
    },
  };
}

function syntaxError(name: string, cause: { errors?: Message[] }): GeneratorError {
  const first = cause.errors?.[0];
  const place = first?.location ? `${name}:${first.location.line}:${first.location.column + 1}` : name;
  // esbuild's own words quote what it met, which may be a banned string.
  return new GeneratorError(`compile ${place}: a syntax error`, {
    hint: "deployer generate check-blocklist-generator lists all errors",
  });
}

/** Errors whose names are the language's; any other class is the generator's, and may be named after anything. */
const KNOWN_ERRORS = ["Error", "EvalError", "RangeError", "ReferenceError", "SyntaxError", "TypeError", "URIError"];

function exception(error: unknown, file: string, map: SourceMap, showMessages: boolean): GeneratorError {
  const name = basename(file);
  const thrown = error instanceof Error ? error : new Error(String(error));
  const at = (thrown.stack ?? "").split("\n").find((line) => /^\s+at /.test(line) && line.includes(file));
  const [, line, column] = /:(\d+):(\d+)\)?$/.exec(at ?? "") ?? [];
  const entry = line === undefined ? undefined : map.findEntry(Number(line) - 1, Number(column) - 1);
  const place = entry !== undefined && "originalLine" in entry ? `${name}:${Number(entry.originalLine) + 1}` : name;
  const kind = error instanceof Error ? nameOf(error) : `a ${typeof error}`;
  return new GeneratorError(`run ${place}: ${showMessages ? `${kind}: ${thrown.message}` : `it threw ${kind}`}`, {
    hint: showMessages ? undefined : "--show-strings prints what it said, which may hold banned strings",
  });
}

function nameOf(error: Error): string {
  return KNOWN_ERRORS.find((name) => name === error.constructor?.name) ?? "an error of its own class";
}
