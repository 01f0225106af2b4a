// The encrypted values file: what is in it, and how one list in it is replaced without touching any other ciphertext.
import { randomBytes } from "node:crypto";
import { chmod, open, readdir, readFile, readlink, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { DeployerError } from "../errors.js";
import { keysOf, type ListKind, leavingClear, STRINGS, standingOf } from "./encrypted-lists.js";
import { runSops } from "./run.js";

/** An entry of `bannedCommandStrings`: a string, or several that must all stand in the line. The default mode is `word`. */
export type Entry =
  | string
  | ({ readonly value: string; readonly allOf?: undefined } & How)
  | ({ readonly value?: undefined; readonly allOf: readonly string[] } & How);

interface How {
  readonly mode?: string;
  readonly scope?: string;
}

export function stringsOfEntry(entry: Entry): readonly string[] {
  if (typeof entry === "string") return [entry];
  return entry.allOf ?? [entry.value];
}

/** What a generator's candidate of the same strings is called. */
export function textOfEntry(entry: Entry): string {
  return stringsOfEntry(entry).join(" + ");
}

/** One reading of the values file. `ciphertext` is null when the file does not exist yet. */
export interface Values {
  readonly ciphertext: Buffer | null;
  /** The decrypted document. */
  readonly document: unknown;
}

const TEMPORARY = /^\.enc-.*\.secret\.values\.(\d+)-[0-9a-f]+\.tmp\.yaml$/;

/** Read and decrypt `path`, in memory. A file that is not there is an empty document. */
export async function readValues(root: string, path: string): Promise<Values> {
  const ciphertext = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return null;
    throw new DeployerError(`read ${relative(root, path)}: ${cause.message}`, { cause });
  });
  return { ciphertext, document: ciphertext === null ? {} : await decrypt(root, path, ciphertext) };
}

/** The entries of a list, `configs.<list>.bannedCommandStrings` of strings; empty when there is no such list. */
export function entriesOf({ document }: Values, list: string, kind = STRINGS): readonly Entry[] {
  const node = at(document, keysOf(kind, list));
  return Array.isArray(node) ? (node as Entry[]) : [];
}

/** What stands beside a list's entries in its object; null when there is no such list. */
export function restOf({ document }: Values, list: string, kind = STRINGS): Readonly<Record<string, unknown>> | null {
  const keys = keysOf(kind, list);
  const node = at(document, keys.slice(0, -1));
  if (typeof node !== "object" || node === null) return null;
  return Object.fromEntries(Object.entries(node).filter(([key]) => key !== keys.at(-1)));
}

/** What is changed beside a list's entries. */
export interface Beside {
  /** All that stands beside them in the list's object from now on. */
  readonly rest?: Readonly<Record<string, unknown>>;
  /** Another list that goes. */
  readonly remove?: { readonly list: string; readonly kind: ListKind };
}

/**
 * The lists that stand in clear in the file, in whole or in part.
 *
 * @throws DeployerError when `list` is one of them.
 */
export function listsInClear(
  root: string,
  path: string,
  { ciphertext }: Values,
  list: string,
  kind = STRINGS,
): string[] {
  const text = ciphertext?.toString() ?? "";
  const clear = [...standingOf(text, kind)].filter(([, standing]) => standing.clear > 0).map(([name]) => name);
  if (clear.includes(list)) refuseClear(`read ${relative(root, path)}: ${list} stands there in clear`, text);
  return clear;
}

/**
 * Replace a list, `configs.<list>` of strings, in the values file at `path` by `entries`, atomically. A link is followed.
 *
 * The change is made by `sops set` on a copy of the ciphertext. sops keeps the IV of each value it has decrypted, filed under
 * the value and its key path (list positions are no part of the path), and takes it again when it encrypts that value: so
 * what stays keeps its ciphertext byte for byte wherever it moves, and the diff shows what changed, the date and the MAC.
 * First it is tried with stand-ins, so that no string touches the disk where sops would leave it in clear. The copy is
 * decrypted again, MAC and all, and compared with what was meant, before it takes the file's place.
 *
 * @throws DeployerError, SopsError. The file is then as it was.
 */
export async function replaceList(
  root: string,
  path: string,
  before: Values,
  list: string,
  entries: readonly Entry[],
  kind = STRINGS,
  { rest, remove }: Beside = {},
): Promise<void> {
  const name = relative(root, path);
  const target = await throughLinks(path);
  const listed = withList(before.document, list, entries, kind, rest);
  const wanted = remove === undefined ? listed : without(listed, removedKeys(listed, remove));
  await removeLeftovers(dirname(target));
  const stem = basename(path).replace(/\.yaml$/, "");
  const copy = join(dirname(target), `.${stem}.${process.pid}-${randomBytes(4).toString("hex")}.tmp.yaml`);
  try {
    if (before.ciphertext === null) {
      const ciphertext = await encrypt(root, path, wanted);
      checkEncrypted(name, ciphertext, list, stringCount(entries), kind);
      await write(copy, name, ciphertext, 0o644);
    } else {
      await write(copy, name, before.ciphertext, (await stat(target)).mode & 0o777);
      const substitutes = standIns(entries);
      await setList(root, name, copy, withList(before.document, list, substitutes, kind, rest), list, kind);
      checkEncrypted(name, await readFile(copy), list, stringCount(substitutes), kind);
      await writeFile(copy, before.ciphertext);
      await setList(root, name, copy, listed, list, kind);
      if (remove !== undefined) await unset(root, name, copy, removedKeys(listed, remove));
    }
    const after = await readFile(copy);
    checkEncrypted(name, after, list, stringCount(entries), kind);
    if (!isDeepStrictEqual(await decrypt(root, path, after), wanted)) {
      throw new DeployerError(`edit ${name}: what sops wrote does not decrypt to what was meant`, {
        hint: "sops 3.13.3 is known to work",
      });
    }
    await sync(copy);
    const now = await readFile(target).catch(() => null);
    if (!(now === null ? before.ciphertext === null : before.ciphertext?.equals(now))) {
      throw new DeployerError(`write ${name}: somebody else changed it meanwhile`, { hint: "run the command again" });
    }
    await rename(copy, target).catch((cause: Error) => {
      throw new DeployerError(`write ${name}: ${cause.message}`, { cause });
    });
    await sync(dirname(target));
  } finally {
    await rm(copy, { force: true });
  }
}

/** Where a write to `path` goes: the file at the end of its links, which need not be there yet. */
async function throughLinks(path: string): Promise<string> {
  // Linux's own limit; a loop has already failed to be read.
  for (let links = 0; links < 40; links++) {
    const next = await readlink(path).catch(() => null);
    if (next === null) break;
    path = resolve(dirname(path), next);
  }
  return path;
}

// One for each shape of an entry: what sops does depends on keys and comments, never on a value.
function standIns(entries: readonly Entry[]): Entry[] {
  const shapes = new Map<string, Entry>();
  for (const entry of entries) {
    if (typeof entry === "string") shapes.set("", "stand-in");
    else {
      const { value, allOf, ...how } = entry;
      const strings = allOf === undefined ? { value: "stand-in" } : { allOf: ["stand-in", "another stand-in"] };
      shapes.set(JSON.stringify([Object.keys(strings), how]), { ...strings, ...how } as Entry);
    }
  }
  return [...shapes.values()];
}

function stringCount(entries: readonly Entry[]): number {
  return entries.reduce((sum, entry) => sum + stringsOfEntry(entry).length, 0);
}

/** `sops set`, in place. It is given what is above the entries, as it takes an object and no bare list. */
async function setList(
  root: string,
  name: string,
  copy: string,
  document: unknown,
  list: string,
  kind: ListKind,
): Promise<void> {
  const keys = keysOf(kind, list).slice(0, -1);
  await runSops({
    act: `edit ${name}`,
    args: ["set", "--value-stdin", copy, index(keys)],
    cwd: root,
    input: JSON.stringify(at(document, keys)),
  });
}

async function unset(root: string, name: string, copy: string, keys: readonly string[]): Promise<void> {
  await runSops({ act: `edit ${name}`, args: ["unset", copy, index(keys)], cwd: root });
}

function index(keys: readonly string[]): string {
  return keys.map((key) => `[${JSON.stringify(key)}]`).join("");
}

/** The last list of a kind goes with what it is below. */
function removedKeys(document: unknown, { list, kind }: NonNullable<Beside["remove"]>): string[] {
  const { parents } = kind;
  return Object.keys((at(document, parents) as object | undefined) ?? {}).length > 1
    ? [...parents, list]
    : [...parents];
}

function without(document: unknown, keys: readonly string[]): unknown {
  const copy = structuredClone(document);
  const node = at(copy, keys.slice(0, -1)) as Record<string, unknown> | undefined;
  if (node !== undefined) delete node[keys.at(-1)!];
  return copy;
}

function checkEncrypted(name: string, ciphertext: Buffer, list: string, count: number, kind: ListKind): void {
  const text = ciphertext.toString();
  const { encrypted, clear } = standingOf(text, kind).get(list) ?? { encrypted: 0, clear: 0 };
  if (clear > 0 || encrypted !== count) refuseClear(`write ${name}: sops would leave ${list} in clear`, text);
}

function refuseClear(sentence: string, text: string): never {
  const options = leavingClear(text);
  throw new DeployerError(`${sentence}${options.length > 0 ? ` (its rule has ${options.join(" and ")})` : ""}`, {
    hint: "mend the rule in .sops.yaml and encrypt the file anew: docs/howto/own-keys.md, steps 1 and 2",
  });
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

function withList(
  document: unknown,
  list: string,
  entries: readonly Entry[],
  kind: ListKind,
  rest?: Beside["rest"],
): unknown {
  const copy = structuredClone(document) as Record<string, unknown>;
  const keys = keysOf(kind, list);
  let node = copy;
  for (const [i, key] of keys.slice(0, -1).entries()) {
    if (rest !== undefined && i === keys.length - 2) node[key] = { ...rest };
    // A chart's empty map may be null.
    node[key] ??= {};
    node = node[key] as Record<string, unknown>;
  }
  node[keys.at(-1)!] = entries;
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
