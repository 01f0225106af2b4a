// Pods that may reach only what is listed, and what they reached while that was learnt.
import { renameSync, writeFileSync } from "node:fs";
import { constant, type Layout, type SensorMap, structLayout } from "@cryptnono/native";
import type { ContainerResult } from "../../../types.js";
import { isWithin, parseAddress, showAddress } from "../address.js";
import { shownName } from "./lines.js";
import { findName } from "./lists.js";
import { type NamesRecord, type TalliedNames, tallyDecoder } from "./record.js";
import type { EgressRules } from "./rules.js";
import { POLICIES, TALLIES } from "./sensor.js";

export type EgressMode = "free" | "learn" | "enforce";

const MODES: Readonly<Record<EgressMode, string>> = {
  free: "EGRESS_FREE",
  learn: "EGRESS_LEARN",
  enforce: "EGRESS_ENFORCE",
};

/** The labels of a pod: what a selector is compared with. */
type Labels = Readonly<Record<string, string>>;

const NAMESPACE = "io.kubernetes.pod.namespace";
const POD = "io.kubernetes.pod.name";

/** Enforced where both fit. */
export function modeOf(labels: Labels, { learn, enforce }: Pick<EgressRules, "learn" | "enforce">): EgressMode {
  const fits = (selector: string) => {
    const equals = selector.indexOf("=");
    return equals < 0
      ? labels[NAMESPACE] === selector
      : labels[selector.slice(0, equals)] === selector.slice(equals + 1);
  };
  if (enforce.some(fits)) return "enforce";
  return learn.some(fits) ? "learn" : "free";
}

/** A destination that was learnt. */
export interface Destination {
  /** Empty when it was the answer to no question that was seen. */
  readonly name: string;
  readonly addresses: Set<string>;
  readonly ports: Set<number>;
  readonly pods: Set<string>;
  /** Connects by the kernel's tallies: group and destination to their number. */
  readonly counts: Map<string, bigint>;
}

/** Of a record's owner, or of a tally. */
type Seen = Pick<NamesRecord["owner"], "group" | "address" | "port">;

const MAX_DESTINATIONS = 10_000;
/** Of one destination, as the file shows them. */
const MAX_SHOWN = 8;
const MAX_PODS = 4096;

export interface EgressParts {
  readonly layout: Layout;
  readonly map: (name: string) => SensorMap;
  readonly writeFile?: (file: string, text: string) => void;
}

export class Egress {
  readonly #layout: Layout;
  readonly #map: (name: string) => SensorMap;
  readonly #writeFile: (file: string, text: string) => void;
  /** By the cgroup that pods are counted for. The oldest are forgotten. */
  readonly #pods = new Map<bigint, Labels>();
  readonly #destinations = new Map<string, Destination>();
  /** Tallies that are among some destination's. */
  readonly #counted = new Set<string>();
  readonly #tallyOf: (key: Uint8Array, tally: Uint8Array) => TalliedNames | null;
  #rules: EgressRules | null = null;
  #hasNews = false;

  constructor({ layout, map, writeFile = replaceFile }: EgressParts) {
    this.#layout = layout;
    this.#map = map;
    this.#writeFile = writeFile;
    this.#tallyOf = tallyDecoder(layout);
  }

  /** These are in force from now on, for the pods that are known too. */
  inForce(rules: EgressRules | null): void {
    this.#rules = rules;
    if (rules === null) return;
    // What is on the list now is to be learnt no more.
    this.#hasNews ||= this.#destinations.size > 0;
    for (const [group, labels] of this.#pods) this.#set(group, modeOf(labels, rules));
  }

  /**
   * A pod without a policy reached for something, and this is its container.
   *
   * @param owners - The labels that the pod's owner gave it, where they are known.
   * @returns its policy; null: it is still not known.
   */
  know(group: bigint, container: ContainerResult, owners: Labels | null = null): EgressMode | null {
    if (this.#rules === null || container.kind === "failed") return null;
    // The kubelet's own words come last: nobody's label may speak for a namespace.
    const labels = container.kind === "host" ? {} : { ...owners, ...container.labels };
    this.#pods.delete(group);
    this.#pods.set(group, labels);
    const [oldest] = this.#pods.keys();
    if (this.#pods.size > MAX_PODS) this.#pods.delete(oldest!);
    const mode = modeOf(labels, this.#rules);
    this.#set(group, mode);
    return mode;
  }

  #set(group: bigint, mode: EgressMode): void {
    this.#map(POLICIES).set(group, constant(this.#layout, MODES[mode]));
  }

  // ---- what was learnt ----

  seen({ name, owner, apart }: NamesRecord): void {
    this.#note(name, owner, apart);
  }

  #note(name: Uint8Array, { address, port, group }: Seen, apart: number): void {
    const shown = showAddress(address);
    const text = shownName(name);
    const key = text === "" ? shown : text;
    let destination = this.#destinations.get(key);
    if (destination === undefined) {
      if (this.#destinations.size >= MAX_DESTINATIONS) return;
      destination = { name: text, addresses: new Set(), ports: new Set(), pods: new Set(), counts: new Map() };
      this.#destinations.set(key, destination);
    }
    const labels = this.#pods.get(group);
    add(destination.addresses, shown);
    add(destination.ports, port);
    if (labels !== undefined) add(destination.pods, `${labels[NAMESPACE] ?? "?"}/${labels[POD] ?? "?"}`);
    this.#hasNews = true;
    const tally = `${group} ${apart}`;
    if (this.#counted.has(tally) || destination.counts.size >= MAX_PODS) return;
    this.#counted.add(tally);
    destination.counts.set(tally, 1n);
  }

  /** Write the file anew, when there is something new and a file to write. */
  write(): void {
    const rules = this.#rules;
    if (rules === null || rules.learntFile === null) return;
    this.#count();
    if (!this.#hasNews) return;
    const allowed = new Map(rules.names.map((entry) => [entry.name, entry]));
    const isNew = ({ name, addresses }: Destination) =>
      name === ""
        ? [...addresses].some((address) => !rules.networks.some((network) => isWithin(parseAddress(address)!, network)))
        : findName(name, allowed) === undefined;
    this.#writeFile(rules.learntFile, listOf([...this.#destinations.values()].filter(isNew)));
    this.#hasNews = false;
  }

  /**
   * From the kernel's tallies, which know of all connects and not only of those that were told, and of those that an agent before this
   * one saw.
   */
  #count(): void {
    const key = structLayout(this.#layout, "tally_key").offsets;
    const tally = structLayout(this.#layout, "tally").offsets;
    const totals = new Map<string, bigint>();
    for (const { key: keyBytes, value } of this.#map(TALLIES).entries()) {
      const of = this.#tallyOf(keyBytes, value);
      if (of?.evidence !== "seen") continue;
      const [k, v] = [viewOf(keyBytes), viewOf(value)];
      const group = k.getBigUint64(key["group"]!, true);
      const name = `${group} ${of.apart}`;
      totals.set(name, (totals.get(name) ?? 0n) + v.getBigUint64(tally["total"]!, true));
      if (this.#counted.has(name)) continue;
      const address = value.slice(tally["address"]!, tally["address"]! + 16);
      this.#note(of.name, { group, address, port: v.getUint32(tally["port"]!, true) }, of.apart);
    }
    for (const { counts } of this.#destinations.values())
      for (const [name, count] of counts) counts.set(name, totals.get(name) ?? count);
  }
}

/** A list that can be put in force once somebody has read it: what has no name stands as its addresses. */
export function listOf(destinations: readonly Destination[]): string {
  const lines = destinations.map((destination) => {
    const { name, addresses, ports, pods, counts } = destination;
    const count = [...counts.values()].reduce((sum, one) => sum + one, 0n);
    const words = [
      `${count} ${count === 1n ? "connect" : "connects"}`,
      `ports ${some(ports)}`,
      ...(pods.size > 0 ? [`pods ${some(pods)}`] : []),
      ...(name === "" ? ["no question for it was seen"] : [`addresses ${some(addresses)}`]),
    ];
    return { count, text: `${name === "" ? [...addresses][0] : name}  # ${words.join("; ")}` };
  });
  const sorted = lines.toSorted((a, b) => (a.count === b.count ? 0 : a.count < b.count ? 1 : -1));
  const head = [
    "# Public destinations that pods reached while they were learnt. Read it, shorten names to what is meant (a name stands for",
    "# those below it too), remove what should not be there, and name the result by egress_allowed_file_globs.",
  ];
  return `${[...head, ...sorted.map(({ text }) => text)].join("\n")}\n`;
}

function some(all: ReadonlySet<string | number>): string {
  const shown = [...all].slice(0, MAX_SHOWN).join(", ");
  return all.size > MAX_SHOWN ? `${shown} and ${all.size - MAX_SHOWN} more` : shown;
}

/** Sets that are for people stay small. */
function add<T>(set: Set<T>, one: T): void {
  if (set.size < MAX_PODS) set.add(one);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function replaceFile(file: string, text: string): void {
  writeFileSync(`${file}.new`, text, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
