// The encrypted values file: what is in it, and how one list in it is replaced without touching any other ciphertext.
import { randomBytes } from "node:crypto";
import { chmod, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { DeployerError } from "../errors.js";
import { runSops } from "./run.js";

/** An entry of `bannedCommandStrings`: a plain string has the default mode `word`. */
export type Entry = string | { readonly value: string; readonly mode: string };

/** One reading of the values file. `ciphertext` is null when the file does not exist yet. */
export interface Values {
  readonly ciphertext: Buffer | null;
  /** The decrypted document. */
  readonly document: unknown;
}

const LISTS = ["cryptnono", "detectors", "execwhacker", "configs"];
const TEMPORARY = /^\.enc-.*\.secret\.values\.(\d+)-[0-9a-f]+\.tmp\.yaml$/;

/** Read and decrypt `path`, in memory. A file that is not there is an empty document. */
export async function readValues(root: string, path: string): Promise<Values> {
  const ciphertext = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return null;
    throw new DeployerError(`read ${relative(root, path)}: ${cause.message}`, { cause });
  });
  return { ciphertext, document: ciphertext === null ? {} : await decrypt(root, path, ciphertext) };
}

/** The entries of `configs.<list>.bannedCommandStrings`; empty when there is no such list. */
export function entriesOf({ document }: Values, list: string): readonly Entry[] {
  const node = at(document, [...LISTS, list, "bannedCommandStrings"]);
  return Array.isArray(node) ? (node as Entry[]) : [];
}

/**
 * Replace `configs.<list>` in the values file at `path` by `entries`, atomically.
 *
 * The change is made by `sops set` on a copy of the ciphertext. sops keeps the IV of each value it has decrypted, filed under
 * the value and its key path (list positions are no part of the path), and takes it again when it encrypts that value: so
 * what stays keeps its ciphertext byte for byte wherever it moves, and the diff shows what changed, the date and the MAC.
 * The copy is decrypted again, MAC and all, and compared with what was meant, before it takes the file's place.
 *
 * @throws DeployerError, SopsError. The file is then as it was.
 */
export async function replaceList(
  root: string,
  path: string,
  before: Values,
  list: string,
  entries: readonly Entry[],
): Promise<void> {
  const name = relative(root, path);
  const wanted = withList(before.document, list, entries);
  await removeLeftovers(dirname(path));
  const stem = basename(path).replace(/\.yaml$/, "");
  const copy = join(dirname(path), `.${stem}.${process.pid}-${randomBytes(4).toString("hex")}.tmp.yaml`);
  try {
    if (before.ciphertext === null) {
      await write(copy, name, await encrypt(root, path, wanted), 0o644);
    } else {
      await write(copy, name, before.ciphertext, (await stat(path)).mode & 0o777);
      // The list's parent, as sops takes an object here and no bare list.
      const keys = [...LISTS, list];
      await runSops({
        act: `edit ${name}`,
        args: ["set", "--value-stdin", copy, keys.map((key) => `[${JSON.stringify(key)}]`).join("")],
        cwd: root,
        input: JSON.stringify(at(wanted, keys)),
      });
    }
    const after = await readFile(copy);
    if (!isDeepStrictEqual(await decrypt(root, path, after), wanted)) {
      throw new DeployerError(`edit ${name}: what sops wrote does not decrypt to what was meant`, {
        hint: "sops 3.13.3 is known to work",
      });
    }
    await sync(copy);
    const now = await readFile(path).catch(() => null);
    if (!(now === null ? before.ciphertext === null : before.ciphertext?.equals(now))) {
      throw new DeployerError(`write ${name}: somebody else changed it meanwhile`, { hint: "run the command again" });
    }
    await rename(copy, path).catch((cause: Error) => {
      throw new DeployerError(`write ${name}: ${cause.message}`, { cause });
    });
    await sync(dirname(path));
  } finally {
    await rm(copy, { force: true });
  }
}

function at(document: unknown, keys: readonly string[]): unknown {
  let node = document;
  for (const key of keys) {
    if (typeof node !== "object" || node === null) return undefined;
    node = (node as Record<string, unknown>)[key];
  }
  return node;
}

async function decrypt(root: string, path: string, ciphertext: Uint8Array): Promise<unknown> {
  const name = relative(root, path);
  const json = await runSops({
    act: `decrypt ${name}`,
    args: ["decrypt", "--filename-override", name, "--input-type", "yaml", "--output-type", "json"],
    cwd: root,
    input: ciphertext,
  });
  return JSON.parse(json.toString());
}

// JSON is YAML: sops's own YAML writer gives the file its shape.
function encrypt(root: string, path: string, document: unknown): Promise<Buffer> {
  const name = relative(root, path);
  return runSops({
    act: `encrypt ${name}`,
    args: ["encrypt", "--filename-override", name, "--input-type", "json", "--output-type", "yaml"],
    cwd: root,
    input: JSON.stringify(document),
  });
}

function withList(document: unknown, list: string, entries: readonly Entry[]): unknown {
  const copy = structuredClone(document) as Record<string, unknown>;
  let node = copy;
  for (const key of [...LISTS, list]) {
    node[key] ??= {};
    node = node[key] as Record<string, unknown>;
  }
  node["bannedCommandStrings"] = entries;
  return copy;
}

async function write(copy: string, name: string, ciphertext: Uint8Array, mode: number): Promise<void> {
  try {
    const file = await open(copy, "wx", mode);
    await file.writeFile(ciphertext);
    await file.close();
    await chmod(copy, mode);
  } catch (cause) {
    throw new DeployerError(`write ${name}: ${(cause as Error).message}`, {
      cause,
      hint: "the folder must exist and be writable: the new file is made beside the old one",
    });
  }
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, "r");
  await handle.sync();
  await handle.close();
}

// Copies (ciphertext) of runs that were killed. One whose process still lives belongs to it.
async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const pid = TEMPORARY.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) await rm(join(folder, name), { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
