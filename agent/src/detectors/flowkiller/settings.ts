// The settings by their names of the config, `FlowKiller.<name>`: from files, and from flags that win over them.
import {
  ConfigError,
  type ConfigProblem,
  JsonError,
  type JsonNode,
  nearest,
  Positions,
  parseJson,
} from "../../config/index.js";

export interface Settings {
  /** Globs of files with banned addresses; `banned_ipv4_file_globs` is its older name, and means the same. */
  readonly banned_file_globs: readonly string[];
  readonly banned_ipv4_file_globs: readonly string[];
  readonly allowed_file_globs: readonly string[];
  /** Networks that win over banned ones, and are free of the scan rule. */
  readonly allowed_networks: readonly string[];
  readonly unique_destinations_threshold: number;
  readonly lookback_duration_seconds: number;
  /** The same of a pod's processes together. */
  readonly unique_destinations_per_pod: number;
  /** Command lines that the scan rule spares: regular expressions as execwhacker's are. */
  readonly allowed_command_patterns: readonly string[];
  readonly scan_windows: number;
  readonly shared_addresses_are_public: boolean;
  readonly multicast_is_public: boolean;
  /** New public destinations within `egress_window_seconds`. */
  readonly egress_per_pod: number;
  readonly egress_per_node: number;
  readonly egress_window_seconds: number;
  readonly egress_memory_seconds: number;
  readonly egress_silent_seconds: number;
  readonly egress_refusal: string;
  readonly egress_counts_udp_connects: boolean;
  /** `label=value`, of pods that spend of no budget. */
  readonly egress_exempt_pods: readonly string[];
  /** What is done about names of `names_file_globs`. */
  readonly names: string;
  readonly names_file_globs: readonly string[];
  readonly allowed_names: readonly string[];
  readonly allowed_names_file_globs: readonly string[];
  readonly names_questions: string;
  readonly names_dns_ports: readonly string[];
  /** Namespaces, or `label=value` of pods. */
  readonly egress_learn_pods: readonly string[];
  readonly egress_enforce_pods: readonly string[];
  readonly egress_unknown_pods: string;
  /** Names and networks that these may reach. */
  readonly egress_allowed_file_globs: readonly string[];
  readonly egress_learnt_file: string;
  readonly log_connects: boolean;
  readonly log_container_info: boolean;
  readonly log_container_envs: readonly string[];
  readonly metrics_port: number;
  readonly debug: boolean;
}

export type SettingName = keyof Settings;

type Value = readonly string[] | number | boolean | string;

interface Kind<T extends Value> {
  readonly preset: T;
  /** For the help. */
  readonly about: string;
  readonly expected: string;
  /** From a JSON value; undefined when it is another kind of thing. */
  readonly read: (value: unknown) => T | undefined;
}

function strings(about: string): Kind<readonly string[]> {
  return {
    preset: [],
    about,
    expected: "a list of texts",
    read: (value) => {
      const all = typeof value === "string" ? [value] : value;
      return Array.isArray(all) && all.every((one) => typeof one === "string" && one !== "") ? all : undefined;
    },
  };
}

function text(about: string): Kind<string> {
  return {
    preset: "",
    about,
    expected: "a text",
    read: (value) => (typeof value === "string" ? value : undefined),
  };
}

function numeric(about: string, preset: number, least: number, most: number): Kind<number> {
  return {
    preset,
    about,
    expected: `a whole number from ${least} to ${most}`,
    read: (value) =>
      typeof value === "number" && Number.isInteger(value) && value >= least && value <= most ? value : undefined,
  };
}

function choice(about: string, choices: readonly string[]): Kind<string> {
  return {
    preset: choices[0]!,
    about: `${about}: ${choices.join(" or ")}`,
    expected: `one of ${choices.join(", ")}`,
    read: (value) => choices.find((word) => word === value),
  };
}

function flag(about: string, preset: boolean): Kind<boolean> {
  return {
    preset,
    about,
    expected: "true or false",
    read: (value) => (typeof value === "boolean" ? value : undefined),
  };
}

/** Most destinations that a window can hold (bpf/flowkiller/flowkiller.h, WINDOW_SLOTS). */
export const MOST_DESTINATIONS = 63;
const DAY = 86_400;
const MANY = 1_000_000;

export const KINDS: { readonly [Name in SettingName]: Kind<Settings[Name]> } = {
  banned_file_globs: strings("files or directories with banned addresses and networks, one a line"),
  banned_ipv4_file_globs: strings("the same, by its older name"),
  allowed_file_globs: strings("files or directories with networks that win over banned ones"),
  allowed_networks: strings("networks that win over banned ones"),
  unique_destinations_threshold: numeric(
    "public destinations within the window that a process or a session may have; 0: any number",
    15,
    0,
    MOST_DESTINATIONS,
  ),
  lookback_duration_seconds: numeric("seconds of the window", 30, 1, DAY),
  unique_destinations_per_pod: numeric(
    "the same of a pod's processes together; 0: any number",
    0,
    0,
    MOST_DESTINATIONS,
  ),
  allowed_command_patterns: strings("regular expressions of command lines that may have any number of destinations"),
  scan_windows: numeric("processes and sessions that are counted at a time; read at start", 10_240, 64, 1_000_000),
  shared_addresses_are_public: flag("count 100.64.0.0/10 as public", false),
  multicast_is_public: flag("count multicast as public", false),
  egress_per_pod: numeric(
    "new public destinations that may leave a pod within the time below; 0: any number",
    0,
    0,
    MANY,
  ),
  egress_per_node: numeric("the same of the whole node", 0, 0, MANY),
  egress_window_seconds: numeric("seconds of that time", 30, 1, DAY),
  egress_memory_seconds: numeric("seconds after its last use from which a destination is new again", 600, 1, DAY),
  egress_silent_seconds: numeric(
    "with a budget: seconds for which a destination that did not answer is refused; 0: it is not",
    60,
    0,
    DAY,
  ),
  egress_refusal: choice("the error of what is refused for the budget", ["ECONNREFUSED", "EPERM"]),
  egress_counts_udp_connects: flag("count UDP connects, which resolvers make without sending", false),
  egress_exempt_pods: {
    ...strings("pods that spend of no budget, as label=value"),
    expected: "a list of label=value",
    read: (value) =>
      strings("")
        .read(value)
        ?.every((text) => /^[^=]+=/.test(text))
        ? strings("").read(value)
        : undefined,
  },
  names: choice("what is done about pools' names and miners' logins, once there is a list of names", [
    "audit",
    "enforce",
    "off",
  ]),
  names_file_globs: strings("files or directories with names of pools, one a line; each stands for those below it too"),
  allowed_names: strings("names that win over those"),
  allowed_names_file_globs: strings("files or directories with the same"),
  names_questions: choice("enforce: what becomes of a DNS question for a listed name", ["drop", "answer"]),
  names_dns_ports: { ...strings("ports of name servers"), preset: ["53"] },
  egress_learn_pods: strings("pods whose public destinations are written down, as namespace or label=value"),
  egress_enforce_pods: strings("pods that reach only the public destinations that are allowed, likewise"),
  egress_unknown_pods: choice("what a pod may reach until it is known which of these it is", ["pass", "refuse"]),
  egress_allowed_file_globs: strings(
    "files or directories with the names and networks that they may reach, one a line",
  ),
  egress_learnt_file: text("file that the destinations are written to, as such a list"),
  log_connects: flag("log every TCP connect", false),
  log_container_info: flag("name the container in the log", false),
  log_container_envs: strings("environment variables of the container's specification that stand in the log"),
  metrics_port: numeric("port of the metrics; 0: none", 0, 0, 65_535),
  debug: flag("log more", false),
};

export const SETTING_NAMES = Object.keys(KINDS) as readonly SettingName[];

export const SECTION = "FlowKiller";

/** What stands in files and flags, checked; what is not said is not there. */
export type Said = { -readonly [Name in SettingName]?: Settings[Name] };

export function settingsOf(...said: readonly Said[]): Settings {
  const presets = Object.fromEntries(SETTING_NAMES.map((name) => [name, KINDS[name].preset]));
  return Object.assign(presets, ...said) as Settings;
}

/**
 * One file: `{"FlowKiller": {"<name>": <value>}}`.
 *
 * @throws ConfigError with all problems of the file.
 */
export function parseSettings(file: string, text: string): Said {
  const problems: ConfigProblem[] = [];
  const said: Record<string, unknown> = {};
  const found = (place: string, expected: string, got: string, hint?: string) =>
    problems.push({ file, place, expected, got, ...(hint === undefined ? {} : { hint }) });
  try {
    const root = parseJson(text);
    if (root.type !== "object") found("", `an object with the key ${SECTION}`, `a ${root.type}`);
    else {
      for (const { key, value } of root.members) {
        if (key !== SECTION) found(shown(key), `the key ${SECTION}`, "another key", meant(key, [SECTION]));
        else if (value.type !== "object") found(SECTION, "an object", `a ${value.type}`);
        else for (const member of value.members) take(member.key, member.value);
      }
    }
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    const { line, column } = new Positions(text).of(error.at);
    found(`line ${line} column ${column}`, error.expected, error.got);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return said as Said;

  function take(key: string, node: JsonNode): void {
    const place = `${SECTION}.${shown(key)}`;
    if (!isName(key)) {
      found(place, "a known setting", "another key", meant(key, SETTING_NAMES));
      return;
    }
    const value = KINDS[key].read(plain(node, text));
    if (value === undefined) found(place, KINDS[key].expected, describe(node));
    else said[key] = value;
  }
}

/** A flag's text: JSON, or what Python writes for the same, or a list's one text. @returns undefined when it is neither. */
export function parseFlag(name: SettingName, text: string): Value | undefined {
  return KINDS[name].read(flagValue(text));
}

function flagValue(text: string): unknown {
  const words: Readonly<Record<string, unknown>> = { True: true, False: false, true: true, false: false };
  if (text in words) return words[text];
  if (/^-?\d+$/.test(text)) return Number(text);
  if (!text.startsWith("[")) return text;
  try {
    return JSON.parse(text);
  } catch {
    // Python's quotes. A text that holds either kind of quote is for a file.
    const list = /^\[\s*(?:'[^'"\\]*'\s*(?:,\s*'[^'"\\]*'\s*)*,?)?\s*\]$/.test(text);
    return list ? [...text.matchAll(/'([^']*)'/g)].map(([, item]) => item) : undefined;
  }
}

function isName(key: string): key is SettingName {
  return Object.hasOwn(KINDS, key);
}

function meant(key: string, words: readonly string[]): string {
  const close = nearest(key, words);
  return close === null ? `known: ${words.join(", ")}` : `did you mean ${close}?`;
}

function shown(key: string): string {
  return /^[\w.-]{1,64}$/.test(key) ? key : "a key with other characters";
}

function plain(node: JsonNode, text: string): unknown {
  switch (node.type) {
    case "string":
      return node.value;
    case "array":
      return node.items.map((item) => plain(item, text));
    case "object":
      return {};
    case "null":
      return null;
    default:
      // The reader knows where a number or a word stands, and not what it is.
      return JSON.parse(/^[-+.\w]+/.exec(text.slice(node.at))![0]);
  }
}

function describe(node: JsonNode): string {
  return node.type === "number" ? "another number" : node.type === "array" ? "another list" : `a ${node.type}`;
}
