// BinderHub's ban lists out of what was killed, as text for a person to review: nothing of it is put in force here.

import type { Database } from "../keep/database.js";
import { offenders } from "../keep/queries.js";
import { DAY_MS } from "../keep/store.js";

export interface ListOptions {
  /** Kills that make an entry. */
  readonly atLeast: number;
  readonly days: number;
  readonly now: number;
}

/** YAML for BinderHub's chart, and for JupyterHub's `blocked_users`. */
export function binderLists(db: Database, { atLeast, days, now }: ListOptions): string {
  const until = new Date(now + days * DAY_MS).toISOString().slice(0, 10);
  const of = (kind: "repository" | "address" | "user") =>
    offenders(db, kind, now - (days - 1) * DAY_MS, 500).filter(({ kills }) => kills >= atLeast);
  const note = (kills: number) => `  # ${kills} kills in ${days} days; look again on ${until}`;
  const specs = of("repository").map(
    ({ name, kills }) =>
      `    - ${quoted(`^${pathOf(name).replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")}(/.*)?$`)}${note(kills)}`,
  );
  const networks = of("address")
    .filter(({ name }) => /^[0-9a-f.:]+$/i.test(name))
    .map(
      ({ name, kills }) =>
        `    ${quoted(`${name}/${name.includes(":") ? 128 : 32}`)}: ${quoted("cryptomining")}${note(kills)}`,
    );
  const users = of("user").map(({ name, kills }) => `        - ${quoted(name)}${note(kills)}`);
  const list = (head: string, lines: readonly string[], none: string) =>
    lines.length === 0 ? [`${head} ${none}`] : [head, ...lines];
  return `${[
    "# To be reviewed. An address may be shared by many who did nothing: universities and offices have one.",
    "config:",
    "  GitHubRepoProvider:",
    ...list(
      "    banned_specs:",
      specs.map((line) => `  ${line}`),
      "[]",
    ),
    "  BinderHub:",
    ...list(
      "    ban_networks:",
      networks.map((line) => `  ${line}`),
      "{}",
    ),
    "jupyterhub:",
    "  hub:",
    "    config:",
    "      Authenticator:",
    ...list(
      "        blocked_users:",
      users.map((line) => `  ${line}`),
      "[]",
    ),
  ].join("\n")}\n`;
}

/** What the provider's spec begins with: owner and repository. */
const pathOf = (repository: string) => /^https?:\/\/[^/]+\/([^/]+\/[^/]+)/.exec(repository)?.[1] ?? repository;

/** JSON's strings are YAML's, when nothing in them is invisible. */
const quoted = (text: string) =>
  JSON.stringify(text).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (char) =>
    [...char].map((_, i) => `\\u${char.charCodeAt(i).toString(16).padStart(4, "0")}`).join(""),
  );
