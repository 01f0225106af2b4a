// A repository of its own for one test: `.sops.yaml`, an encrypted generator, a values file, home and temporary folder.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { deployer } from "../cli.js";
import { packageFile } from "../generator/package-file.js";

/** The repository that this package stands in. */
export const REPOSITORY = packageFile("..");

const PATH = `${join(REPOSITORY, "build/tools")}${delimiter}${process.env["PATH"] ?? ""}`;

/** The environment of every test: tools of deployer/test/install-tools first, the example's key, nobody's home. */
export const ENVIRONMENT = { ...process.env, PATH, SOPS_AGE_KEY_FILE: packageFile("example-age-key.txt") };

/** For `skip`: false when sops can be run, else the sentence that says what is missing. */
export const withoutSops: string | false =
  spawnSync("sops", ["--version", "--disable-version-check"], { env: ENVIRONMENT }).status === 0
    ? false
    : "sops is not installed: deployer/test/install-tools builds it";

/** How a run of the deployer ended. */
export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a test does with its repository. */
export interface Workspace {
  readonly root: string;
  readonly values: string;
  readonly encryptedGenerator: string;
  /** Encrypt `source` and make it the generator. It never touches the disk as plaintext. */
  setGenerator(source: string): void;
  run(args: readonly string[], environment?: NodeJS.ProcessEnv): Promise<Ended>;
  /** The same as a process of its own. */
  command(args: readonly string[], environment?: NodeJS.ProcessEnv): Ended;
  /** Start without waiting, in a process group of its own. */
  start(args: readonly string[], environment?: NodeJS.ProcessEnv): ChildProcess;
  /** Run another program in the repository. */
  tool(command: string, args: readonly string[], input?: string): Ended;
  /** The decrypted values file. */
  decrypted(): unknown;
  /** Files below the workspace (repository, home, temporary folder) that hold one of `words`, plain or in base64. */
  filesWith(words: readonly string[]): string[];
  remove(): void;
}

/** What sops has made in this process: most tests begin with the same. */
const encrypted = new Map<string, string>();

/** Make one. Its values file has `encrypted-01` alone. */
export function workspace(): Workspace {
  const base = mkdtempSync(join(tmpdir(), "deployer-test-"));
  const root = join(base, "repository");
  const folder = join(root, "deployer/commands/generate/cryptnono_config");
  const encryptedGenerator = join(folder, "enc-blocklist-generator.secret.ts");
  const values = join(root, "helm-charts/support/enc-cryptnono.secret.values.yaml");
  for (const made of [folder, join(root, "helm-charts/support"), join(base, "tmp"), join(base, "home")]) {
    mkdirSync(made, { recursive: true });
  }
  cpSync(join(REPOSITORY, ".sops.yaml"), join(root, ".sops.yaml"));
  // For the generator's imports.
  symlinkSync(join(REPOSITORY, "node_modules"), join(root, "node_modules"));
  const environment = { ...ENVIRONMENT, TMPDIR: join(base, "tmp"), HOME: join(base, "home") };
  const ended = (command: string, args: readonly string[], env: NodeJS.ProcessEnv, input?: string): Ended => {
    const { status, stdout, stderr } = spawnSync(command, args, {
      cwd: root,
      env,
      encoding: "utf8",
      maxBuffer: 1 << 28,
      ...(input === undefined ? {} : { input }),
    });
    return { status, stdout, stderr };
  };
  const encrypt = (file: string, type: string, input: string) => {
    const key = JSON.stringify([file.slice(root.length), readFileSync(join(root, ".sops.yaml"), "utf8"), type, input]);
    const known = encrypted.get(key);
    if (known !== undefined) return writeFileSync(file, known);
    const { status, stdout, stderr } = ended(
      "sops",
      ["encrypt", "--filename-override", file, "--input-type", type, "--output-type", type === "json" ? "yaml" : type],
      environment,
      input,
    );
    if (status !== 0) throw new Error(stderr);
    encrypted.set(key, stdout);
    writeFileSync(file, stdout);
  };
  const configs = { "encrypted-01": { bannedCommandStrings: ["by-hand-one", "by-hand-two"] } };
  encrypt(values, "json", JSON.stringify({ cryptnono: { detectors: { execwhacker: { configs } } } }));
  return {
    root,
    values,
    encryptedGenerator,
    setGenerator: (source) => encrypt(encryptedGenerator, "binary", source),
    run: async (args, more = {}) => {
      let stdout = "";
      let stderr = "";
      const before = { ...process.env };
      // Undefined: not there, as for a process.
      const during = Object.entries({ ...environment, ...more }).filter(([, value]) => value !== undefined);
      try {
        process.env = Object.fromEntries(during);
        const status = await deployer(args, root, {
          out: (text) => {
            stdout += text;
          },
          err: (text) => {
            stderr += text;
          },
        });
        return { status, stdout, stderr };
      } finally {
        process.env = before;
      }
    },
    command: (args, more = {}) =>
      ended(process.execPath, [packageFile("bin/deployer"), ...args], { ...environment, ...more }),
    start: (args, more = {}) =>
      spawn(process.execPath, [packageFile("bin/deployer"), ...args], {
        cwd: root,
        env: { ...environment, ...more },
        detached: true,
        stdio: "ignore",
      }),
    tool: (command, args, input) => ended(command, args, environment, input),
    decrypted: () => JSON.parse(ended("sops", ["decrypt", "--output-type", "json", values], environment).stdout),
    filesWith: (words) => {
      const needles = words.flatMap(encodings);
      return files(base).filter((file) => {
        const content = readFileSync(file, "latin1");
        return needles.some((needle) => content.includes(needle));
      });
    },
    remove: () => rmSync(base, { recursive: true, force: true }),
  };
}

/** A generator that lists `strings` by hand; `extra` are statements before the list is written. */
export function listing(strings: readonly string[], extra = ""): string {
  return `import { byHand, type Generate } from "deployer/generator";
export const generate: Generate = async (valuesPath, tools) => {
  ${extra}
  const kept = byHand(${JSON.stringify(strings)}, "a test");
  await tools.write(valuesPath, { kept, dropped: [], overridden: [] });
};
`;
}

function encodings(word: string): string[] {
  const bytes = Buffer.from(word);
  const base64 = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), bytes])
      .toString("base64")
      .slice(Math.ceil((shift * 8) / 6), -4),
  );
  return [word, ...base64];
}

function files(folder: string): string[] {
  return readdirSync(folder)
    .map((name) => join(folder, name))
    .flatMap((path) => {
      const found = lstatSync(path);
      if (found.isDirectory()) return files(path);
      return found.isFile() ? [path] : [];
    });
}
