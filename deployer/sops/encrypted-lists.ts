// What stands in the values file itself, without a key: which entries of its lists are ciphertext. Whether sops encrypts a
// value is up to options and comments of many kinds, so the file is asked and not its rules.

/** How the strings of one list stand in the file. */
export interface Standing {
  readonly encrypted: number;
  readonly clear: number;
}

/** Where lists of a kind are in the document. */
export interface ListKind {
  /** The keys above the lists' names. */
  readonly parents: readonly string[];
  /** The key of a list's entries below its name; null: they are what its name stands for. */
  readonly entries: string | null;
}

/** Banned strings. */
export const STRINGS: ListKind = {
  parents: ["cryptnono", "detectors", "execwhacker", "configs"],
  entries: "bannedCommandStrings",
};

/** Banned strings that are tried before they kill. */
export const CANDIDATES: ListKind = { ...STRINGS, parents: ["cryptnono", "detectors", "execwhacker", "candidates"] };

/** Names of pools. */
export const POOL_NAMES: ListKind = {
  parents: ["cryptnono", "detectors", "tcpflowkiller", "poolNames"],
  entries: null,
};

/** The keys of a list's entries. */
export function keysOf({ parents, entries }: ListKind, list: string): string[] {
  return [...parents, list, ...(entries === null ? [] : [entries])];
}

const CIPHERTEXT = /^(["']?)ENC\[AES256_GCM,data:[A-Za-z0-9+/=]*,iv:[A-Za-z0-9+/=]+,tag:[A-Za-z0-9+/=]+,type:\w+\]\1$/;
const KEY = /^(?:"([^"\\]*)"|'([^']*)'|([^\s"'#[\]{},&*!|>%@`-][^\s:]*|-[^\s:]+)):(?: +(.*))?$/;

/**
 * The lists in the text of a values file, by name, in the shape that sops writes: block style, an item a line, which is the
 * ciphertext or a map of `value` or `allOf`, `mode`, `scope` and `note`. What has another shape counts as clear: people look at an odd file then.
 */
export function standingOf(text: string, kind = STRINGS): ReadonlyMap<string, Standing> {
  const { parents } = kind;
  const depth = keysOf(kind, "").length;
  const lists = new Map<string, { encrypted: number; clear: number }>();
  const path: { readonly indent: number; readonly key: string }[] = [];
  let list: { encrypted: number; clear: number } | undefined;
  for (const line of text.split("\n")) {
    const content = line.trim();
    if (content === "" || content.startsWith("#") || content === "---") continue;
    const indent = line.length - line.trimStart().length;
    const isItem = /^-( |$)/.test(content);
    // A list's items may stand as deep as its key.
    while (path.length > 0 && (path.at(-1)!.indent > indent || (path.at(-1)!.indent === indent && !isItem))) path.pop();
    if (path.length < depth) list = undefined;
    if (list !== undefined) {
      const item = content.replace(/^- +/, "");
      if (/^(mode|scope|note): /.test(item) || item === "allOf:") continue;
      if (CIPHERTEXT.test(item.replace(/^value: +/, ""))) list.encrypted += 1;
      else list.clear += 1;
      continue;
    }
    const [, quoted, single, plain, value = ""] = KEY.exec(content) ?? [];
    path.push({ indent, key: quoted ?? single ?? plain ?? content });
    if (path.length !== depth || !keysOf(kind, path[parents.length]!.key).every((key, i) => key === path[i]!.key))
      continue;
    list = { encrypted: 0, clear: /^(\[\])?$/.test(value) ? 0 : 1 };
    lists.set(path[parents.length]!.key, list);
  }
  return lists;
}

/** The options in the file's sops section that leave values in clear, for a message. */
export function leavingClear(text: string): string[] {
  const section = text.slice(text.search(/^sops:/m));
  return [...section.matchAll(/^ {4}((?:un)?encrypted_(?:regex|suffix|comment_regex)): /gm)].map(
    ([, option]) => option!,
  );
}
