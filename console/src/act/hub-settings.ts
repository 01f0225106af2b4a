// The file that says on which hubs something is done, and what. Nothing is done on a hub that it does not name.
import { readFileSync } from "node:fs";
import { SettingError } from "../errors.js";

export const STEPS = ["stop", "block", "delete"] as const;
export type Step = (typeof STEPS)[number];

export interface Hub {
  /** Of its users' pods. */
  readonly namespace: string;
  /** JupyterHub's API, as http://hub.spyglass:8081/hub/api */
  readonly api: string;
  readonly tokenFile: string;
  /** So many kills of one user within the window. */
  readonly afterKills: number;
  readonly windowMinutes: number;
  readonly steps: readonly Step[];
  /** For `block`: the hub's group whose members it lets in no more. */
  readonly blockGroup: string;
  /** Say what would be done, and do nothing. True unless it says false. */
  readonly dryRun: boolean;
}

const KEYS = ["namespace", "api", "tokenFile", "afterKills", "windowMinutes", "steps", "blockGroup", "dryRun"];

/** @throws SettingError */
export function readHubs(file: string, read = (name: string) => readFileSync(name, "utf8")): readonly Hub[] {
  let value: unknown;
  try {
    value = JSON.parse(read(file));
  } catch (error) {
    throw new SettingError(
      `${file}: ${(error as Error).message}`,
      'expected JSON: {"hubs": [{"namespace": ..., "api": ..., "tokenFile": ...}]}',
    );
  }
  const hubs = (value as { hubs?: unknown } | null)?.hubs;
  if (!Array.isArray(hubs)) throw wrong(file, "hubs", "a list of hubs");
  return hubs.map((one, i) => hubOf(one, file, `hubs[${i}]`));
}

function hubOf(value: unknown, file: string, at: string): Hub {
  if (typeof value !== "object" || value === null) throw wrong(file, at, "an object");
  const given = value as Record<string, unknown>;
  for (const key of Object.keys(given))
    if (!KEYS.includes(key)) throw wrong(file, `${at}.${key}`, `one of ${KEYS.join(", ")}`);
  const text = (key: string, or?: string): string => {
    const found = given[key] ?? or;
    if (typeof found !== "string" || found === "") throw wrong(file, `${at}.${key}`, "a text");
    return found;
  };
  const count = (key: string, or: number): number => {
    const found = given[key] ?? or;
    if (!Number.isInteger(found) || (found as number) < 1) throw wrong(file, `${at}.${key}`, "a whole number above 0");
    return found as number;
  };
  const api = text("api").replace(/\/$/, "");
  if (!/^https?:\/\//.test(api)) throw wrong(file, `${at}.api`, "an address with http or https");
  const steps = given["steps"] ?? ["stop"];
  if (!Array.isArray(steps) || steps.length === 0 || steps.some((step) => !STEPS.includes(step as Step)))
    throw wrong(file, `${at}.steps`, `some of ${STEPS.join(", ")}`);
  const dryRun = given["dryRun"] ?? true;
  if (typeof dryRun !== "boolean") throw wrong(file, `${at}.dryRun`, "true or false");
  return {
    namespace: text("namespace"),
    api,
    tokenFile: text("tokenFile"),
    afterKills: count("afterKills", 3),
    windowMinutes: count("windowMinutes", 60),
    // A block alone leaves what runs alive: it is ended after that, when no new one can be begun.
    steps: STEPS.filter(
      (step) => (steps as Step[]).includes(step) || (step === "stop" && (steps as Step[]).includes("block")),
    ).toSorted((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b)),
    blockGroup: text("blockGroup", "cryptnono-blocked"),
    dryRun,
  };
}

/** First nobody comes in any more, then what runs is ended. */
const ORDER: readonly Step[] = ["block", "stop", "delete"];

const wrong = (file: string, at: string, expected: string) =>
  new SettingError(`${file}: ${at}: expected ${expected}`, "docs/howto/act-on-the-hub.md has an example");
