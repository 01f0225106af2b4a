// What is in force about names: lists and modes, out of flowkiller's settings.
import { ConfigError, type ConfigProblem, readWhole, unreadable } from "../../../config/index.js";
import { AddressError, type Network, parseNetwork } from "../address.js";
import { globFiles } from "../files.js";
import type { Settings } from "../settings.js";
import { randomBase } from "./hash.js";
import { type NameEntry, normalName, readNames } from "./lists.js";
import type { NamesMode } from "./sensor.js";

export interface NameRules {
  readonly mode: NamesMode | "off";
  readonly listed: readonly NameEntry[];
  readonly spared: readonly NameEntry[];
  readonly dropsQuestions: boolean;
  readonly dnsPorts: readonly number[];
  /** null: every pod reaches what it likes. */
  readonly egress: EgressRules | null;
  /** Of the hash. */
  readonly base: bigint;
}

/** A network and where it was written. */
export interface ListedNetwork extends Network {
  readonly list: string;
  readonly line: number;
}

export interface EgressRules {
  /** A pod's namespace, or `label=value`. */
  readonly learn: readonly string[];
  readonly enforce: readonly string[];
  readonly refusesUnknown: boolean;
  readonly names: readonly NameEntry[];
  readonly networks: readonly ListedNetwork[];
  /** null: only the log has them. */
  readonly learntFile: string | null;
}

/** There is something for the names object to do. */
export function wantsNames(settings: Settings): boolean {
  return (settings.names !== "off" && settings.names_file_globs.length > 0) || wantsEgress(settings);
}

export function wantsEgress({ egress_learn_pods, egress_enforce_pods }: Settings): boolean {
  return egress_learn_pods.length + egress_enforce_pods.length > 0;
}

export function nameGlobs(settings: Settings): readonly string[] {
  return [...settings.names_file_globs, ...settings.allowed_names_file_globs, ...settings.egress_allowed_file_globs];
}

/**
 * @param mode - Of the whole detector: in audit mode nothing is enforced here either.
 * @throws ConfigError
 */
export function readNameRules(settings: Settings, mode: "audit" | "enforce"): NameRules {
  const isOff = settings.names === "off";
  return {
    mode: isOff ? "off" : mode === "audit" ? "audit" : (settings.names as NamesMode),
    listed: isOff ? [] : readNames(settings.names_file_globs),
    spared: readNames(settings.allowed_names_file_globs, {
      setting: "FlowKiller.allowed_names",
      names: settings.allowed_names,
    }),
    dropsQuestions: settings.names_questions === "drop",
    dnsPorts: portsOf(settings.names_dns_ports),
    egress: wantsEgress(settings) ? readEgress(settings, mode) : null,
    base: randomBase(),
  };
}

function readEgress(settings: Settings, mode: "audit" | "enforce"): EgressRules {
  const enforced = settings.egress_enforce_pods;
  return {
    learn: mode === "audit" ? [...settings.egress_learn_pods, ...enforced] : settings.egress_learn_pods,
    enforce: mode === "audit" ? [] : enforced,
    refusesUnknown: mode === "enforce" && settings.egress_unknown_pods === "refuse",
    ...readDestinations(settings.egress_allowed_file_globs),
    learntFile: settings.egress_learnt_file === "" ? null : settings.egress_learnt_file,
  };
}

/** DNS_PORTS of bpf/flowkiller/names.h. */
const MOST_PORTS = 4;

function portsOf(texts: readonly string[]): readonly number[] {
  const ports = texts.map(Number);
  const isGood =
    ports.length <= MOST_PORTS && ports.every((port) => Number.isInteger(port) && port > 0 && port < 65536);
  if (isGood) return ports;
  const place = "FlowKiller.names_dns_ports";
  throw new ConfigError([{ file: "", place, expected: `at most ${MOST_PORTS} ports`, got: "another list" }]);
}

/**
 * Files whose lines are names or networks.
 *
 * @throws ConfigError
 */
export function readDestinations(globs: readonly string[]): {
  readonly names: NameEntry[];
  readonly networks: ListedNetwork[];
} {
  const problems: ConfigProblem[] = [];
  const names: NameEntry[] = [];
  const networks: ListedNetwork[] = [];
  for (const file of globFiles(globs)) {
    let text: string;
    try {
      text = Buffer.from(readWhole(file)).toString("latin1");
    } catch (error) {
      problems.push(unreadable(file, error));
      continue;
    }
    for (const [i, line] of text.split("\n").entries()) {
      const entry = line.replace(/#.*/, "").trim();
      if (entry !== "") add(file, i + 1, entry);
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return { names, networks };

  function add(file: string, line: number, text: string): void {
    const place = `line ${line}`;
    if (/^[\d.:/[\]]+$|:/.test(text)) {
      try {
        const network = parseNetwork(text);
        if (network.port === 0) networks.push({ ...network, list: file, line });
        else problems.push({ file, place, expected: "a network without a port", got: "one with a port" });
      } catch (error) {
        if (!(error instanceof AddressError)) throw error;
        problems.push({ file, place, expected: error.expected, got: error.got });
      }
      return;
    }
    const name = normalName(text);
    if (typeof name === "string") names.push({ name, list: file, line });
    else problems.push({ file, place, expected: "a name or a network", got: name.problem });
  }
}
