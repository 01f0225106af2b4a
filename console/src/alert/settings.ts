// The file that says whom to tell: checked once, with the place of what is wrong. Secrets are in files of their own.
import { readFileSync } from "node:fs";
import { SettingError } from "../errors.js";
import { ACTIONS, type Action, KILLS } from "../types.js";

export const TARGET_KINDS = ["slack", "mattermost", "zulip", "cloudevents", "alertmanager"] as const;
export type TargetKind = (typeof TARGET_KINDS)[number];

export interface Bucket {
  /** Of one pod and rule: so many at once. */
  readonly atOnce: number;
  /** Then one each so many seconds. */
  readonly everySeconds: number;
  /** Without a new one for so long it is over. */
  readonly resetMinutes: number;
}

export interface Target {
  readonly name: string;
  readonly kind: TargetKind;
  readonly url?: string;
  /** File with the address, where the address is the secret. Read at each try. */
  readonly urlFile?: string;
  /** File with a bearer token; for Zulip with the bot's key. */
  readonly tokenFile?: string;
  /** Zulip's bot, stream and topic. */
  readonly user?: string;
  readonly stream?: string;
  readonly topic?: string;
  /** Only these; what is left out is not looked at. */
  readonly filters: Readonly<Partial<Record<FilterName, readonly string[]>>>;
  readonly actions: readonly Action[];
  readonly bucket: Bucket;
  readonly showStrings: boolean;
}

export const FILTER_NAMES = ["namespace", "detector", "rule", "node"] as const;
export type FilterName = (typeof FILTER_NAMES)[number];

export interface AlertSettings {
  readonly targets: readonly Target[];
  /** Where the page is, for links. */
  readonly consoleUrl: string | null;
}

const DEFAULT_BUCKET: Bucket = { atOnce: 4, everySeconds: 60, resetMinutes: 10 };

/** @throws SettingError */
export function readAlertSettings(file: string, read = (name: string) => readFileSync(name, "utf8")): AlertSettings {
  let value: unknown;
  try {
    value = JSON.parse(read(file));
  } catch (error) {
    throw new SettingError(
      `${file}: ${(error as Error).message}`,
      'expected JSON: {"targets": [{"name": ..., "kind": ..., "urlFile": ...}]}',
    );
  }
  const root = objectOf(value, file, "", ["targets", "consoleUrl"]);
  const list = root["targets"];
  if (!Array.isArray(list) || list.length === 0) throw wrong(file, "targets", "a list of targets");
  const targets = list.map((one, i) => targetOf(one, file, `targets[${i}]`));
  if (new Set(targets.map(({ name }) => name)).size < targets.length)
    throw wrong(file, "targets", "names of their own");
  return { targets, consoleUrl: textOf(root["consoleUrl"], file, "consoleUrl") ?? null };
}

const KEYS = [
  "name",
  "kind",
  "url",
  "urlFile",
  "tokenFile",
  "user",
  "stream",
  "topic",
  "filters",
  "actions",
  "bucket",
  "showStrings",
];

function targetOf(value: unknown, file: string, at: string): Target {
  const given = objectOf(value, file, at, KEYS);
  const text = (key: string) => textOf(given[key], file, `${at}.${key}`);
  const kind = TARGET_KINDS.find((one) => one === given["kind"]);
  if (kind === undefined) throw wrong(file, `${at}.kind`, `one of ${TARGET_KINDS.join(", ")}`);
  const name = text("name");
  if (name === undefined) throw wrong(file, `${at}.name`, "a name");
  const [url, urlFile, tokenFile, user, stream, topic] = ["url", "urlFile", "tokenFile", "user", "stream", "topic"].map(
    text,
  );
  if ((url === undefined) === (urlFile === undefined)) throw wrong(file, at, "url or urlFile");
  if (url !== undefined && !/^https?:\/\//.test(url)) throw wrong(file, `${at}.url`, "an address with http or https");
  if (kind === "zulip" && [tokenFile, user, stream].includes(undefined))
    throw wrong(file, at, "user, tokenFile and stream, as Zulip needs them");
  const filters = objectOf(given["filters"] ?? {}, file, `${at}.filters`, FILTER_NAMES);
  const actions = namesOf(given["actions"] ?? KILLS, file, `${at}.actions`);
  if (actions.some((action) => !ACTIONS.includes(action as Action)))
    throw wrong(file, `${at}.actions`, `of ${ACTIONS.join(", ")}`);
  const bucket = objectOf(given["bucket"] ?? {}, file, `${at}.bucket`, Object.keys(DEFAULT_BUCKET));
  for (const [key, number] of Object.entries(bucket))
    if (typeof number !== "number" || !(number > 0)) throw wrong(file, `${at}.bucket.${key}`, "a number above 0");
  const showStrings = given["showStrings"] ?? false;
  if (typeof showStrings !== "boolean") throw wrong(file, `${at}.showStrings`, "true or false");
  return {
    name,
    kind,
    ...(url === undefined ? {} : { url }),
    ...(urlFile === undefined ? {} : { urlFile }),
    ...(tokenFile === undefined ? {} : { tokenFile }),
    ...(user === undefined ? {} : { user }),
    ...(stream === undefined ? {} : { stream }),
    ...(topic === undefined ? {} : { topic }),
    filters: Object.fromEntries(
      Object.entries(filters).map(([key, names]) => [key, namesOf(names, file, `${at}.filters.${key}`)]),
    ),
    actions: actions as readonly Action[],
    bucket: { ...DEFAULT_BUCKET, ...(bucket as Partial<Bucket>) },
    showStrings,
  };
}

function objectOf(value: unknown, file: string, at: string, keys: readonly string[]): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong(file, at, "an object");
  for (const key of Object.keys(value))
    if (!keys.includes(key)) throw wrong(file, at === "" ? key : `${at}.${key}`, `one of ${keys.join(", ")}`);
  return value as Record<string, unknown>;
}

function textOf(value: unknown, file: string, at: string): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== "string" || value === "") throw wrong(file, at, "a text");
  return value;
}

function namesOf(value: unknown, file: string, at: string): readonly string[] {
  if (!Array.isArray(value) || value.some((one) => typeof one !== "string")) throw wrong(file, at, "a list of names");
  return value as readonly string[];
}

const wrong = (file: string, at: string, expected: string) =>
  new SettingError(`${file}: ${at}: expected ${expected}`, "docs/howto/alerts.md has an example");
