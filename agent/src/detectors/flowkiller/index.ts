// Flowkiller: refuses banned destinations in the kernel, before their first packet, and kills who meant them; bounds scans.
import { ConfigError, readWhole, unreadable } from "../../config/index.js";
import type { Detector } from "../../run/detector.js";
import { objectDir, readObject } from "../../run/objects.js";
import { findCgroupRoot } from "./cgroup-root.js";
import { explainFailure } from "./failures.js";
import { watchedPaths } from "./files.js";
import { type KernelAbility, type KillWay, tryKernel } from "./kill-way.js";
import { live } from "./life.js";
import { type Entries, readLists } from "./lists.js";
import { type NameRules, nameGlobs, readNameRules, wantsEgress, wantsNames } from "./names/rules.js";
import { AllowedCommands } from "./scan.js";
import { flowkillerSensor, OBJECT } from "./sensor.js";
import { parseSettings, type Said, type Settings, settingsOf } from "./settings.js";

export interface FlowkillerOptions {
  /** Files with settings. */
  readonly config: readonly string[];
  /** Settings by flags, which win over files. */
  readonly said: Said;
  readonly mode: "enforce" | "audit";
  /** null: it is looked for. */
  readonly cgroupRoot: string | null;
  /** Lines of one kind in one pod before most are only counted; 0: all. */
  readonly wholeLines: number;
  /** Tests: another way than the best that this kernel has. */
  readonly killWay?: KillWay;
}

/** What is in force. */
export interface FlowRules {
  readonly settings: Settings;
  readonly banned: Entries;
  readonly allowed: Entries;
  readonly commands: AllowedCommands;
  readonly names: NameRules;
  readonly generation: number;
}

/** @throws UnsupportedError, ConfigError */
export function flowkiller(options: FlowkillerOptions): Detector<FlowRules> {
  const first = readSettings(options);
  const object = readObject(objectDir(), OBJECT);
  const ability: KernelAbility =
    options.killWay === undefined ? tryKernel(object) : { way: options.killWay, hasErrno: false };
  const root = ability.way === "at-state" ? null : findCgroupRoot(options.cgroupRoot);
  let globs = globsOf(first);
  // An agent's numbers must not be taken for those of the agent before it, whose events it may inherit.
  let generation = (Math.random() * 0x7fffffff) >>> 0;

  return {
    name: "flowkiller",
    sensor: {
      ...flowkillerSensor(ability, root?.path ?? "", { windows: first.scan_windows }),
      object: OBJECT,
    },
    wishes: {
      ...(first.metrics_port === 0 ? {} : { serveMetricsPort: first.metrics_port }),
      ...(first.log_container_info || wantsEgress(first) ? { lookupContainer: true } : {}),
      // Whose pod it is decides whether it is exempt.
      ...(first.egress_exempt_pods.length === 0 ? {} : { lookupContainer: true }),
      ...(first.log_container_envs.length === 0 ? {} : { lookupContainer: true, lookupEnvs: first.log_container_envs }),
    },
    watched: () => [...options.config, ...watchedPaths(globs)],
    async load() {
      const settings = readSettings(options);
      globs = globsOf(settings);
      generation = (generation + 1) >>> 0;
      const commands = new AllowedCommands(settings.allowed_command_patterns);
      const names = readNameRules(settings, options.mode);
      return { settings, ...readNetworks(settings), commands, names, generation };
    },
    begin: (house) => live(house, options, ability, root, wantsNames(first)),
    explain: explainFailure,
  };
}

/** @throws ConfigError */
export function readSettings({ config, said }: Pick<FlowkillerOptions, "config" | "said">): Settings {
  const files = config.map((file) => {
    let bytes: Uint8Array;
    try {
      bytes = readWhole(file);
    } catch (error) {
      throw new ConfigError([unreadable(file, error)]);
    }
    return parseSettings(file, Buffer.from(bytes).toString());
  });
  return settingsOf(...files, said);
}

/** @throws ConfigError */
export function readNetworks(settings: Settings): { readonly banned: Entries; readonly allowed: Entries } {
  const globs = [...settings.banned_ipv4_file_globs, ...settings.banned_file_globs];
  return {
    banned: readLists(globs, { setting: "FlowKiller.banned_networks", networks: [] }),
    allowed: readLists(
      settings.allowed_file_globs,
      { setting: "FlowKiller.allowed_networks", networks: settings.allowed_networks },
      { withoutPorts: true },
    ),
  };
}

function globsOf(settings: Settings): readonly string[] {
  return [
    ...settings.banned_ipv4_file_globs,
    ...settings.banned_file_globs,
    ...settings.allowed_file_globs,
    ...nameGlobs(settings),
  ];
}
