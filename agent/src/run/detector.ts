// What a detector gives the house, and what it gets. Neither knows the other's inside.
import type { Layout, SensorMap, SlotContents } from "@cryptnono/native";
import type { Killer } from "../kill/index.js";
import type { ProcFiles } from "../proc/index.js";
import type { Level, ProcessLine, SeriesMaker, SummedAction, TimeOf } from "../report/index.js";
import type { MoreParts, SensorParts } from "../sensor/index.js";
import type { CgroupIdentity, ContainerResult, Counters } from "../types.js";

/** A detector, its flags read. */
export interface Detector<Rules> {
  /** Its command's name, and its directory's below the pin directory. */
  readonly name: string;
  /** Its BPF object: a file's name below the folder of objects, and what to make of it. */
  readonly sensor: SensorParts & { readonly object: string };
  /** What its own config says of the house at start; it wins over the flags. */
  readonly wishes?: HouseWishes;
  /** Files and directories whose change is a reload; a function is asked again and again. */
  readonly watched: readonly string[] | (() => readonly string[]);
  /**
   * Read what it goes by.
   *
   * @throws an error with a hint; at a reload what was before stays in force.
   */
  load(): Promise<Rules>;
  /** Begin its life in the house. Nothing is loaded or attached yet. */
  begin(house: House<Rules>): Life<Rules>;
  /** What an error of loading or attaching means here, and the way out; the error itself where it says enough. */
  explain?(error: unknown): unknown;
}

/** What a detector has of a second object. */
export type SecondSensor = Pick<House<unknown>, "layout" | "map" | "counters">;

/** As in {@link Life}. */
export type SecondLife<Rules> = Pick<Life<Rules>, "contents" | "onRecord">;

export interface HouseWishes {
  readonly serveMetricsPort?: number;
  readonly lookupContainer?: boolean;
  readonly lookupEnvs?: readonly string[];
}

/** What of a detector lives as long as it runs. */
export interface Life<Rules> {
  /**
   * What `rules` want of the same object beside what is loaded, while others of it judge already: loaded and attached before they
   * come in force, once.
   */
  more?(rules: Rules): MoreParts | null;
  /** What comes into the slots of its sensor's outer maps. */
  contents(rules: Rules): Readonly<Record<string, SlotContents>>;
  /** A record of one of its rings. */
  onRecord(record: Uint8Array): void;
  /** It judges from now on, by what was installed. */
  attached?(): void;
  /** `rules` are in force from now on. @returns what the log tells of them. */
  inForce(rules: Rules): Readonly<Record<string, unknown>>;
  /** What readiness says of a detector in whose way nothing stands. */
  readyText(): string;
  /** Proof that it works: made at start, after each reload, and again and again. */
  selfTest?(): Promise<SelfTestResult>;
  /** The same for an operator who asks, with what came of it on the way. */
  askedSelfTest?(): Promise<AskedSelfTest>;
  /** What the kernel counts and does not tell one by one. */
  readonly counts?: Counts;
  /** What is done beside: at start, after each reload, and every so often. */
  readonly alongside?: readonly Alongside[];
}

export interface Counts {
  /** Each second, and at the end. */
  look(): void;
  /**
   * Tell what was counted since the last time.
   *
   * @param isLast - Nothing is counted any more.
   */
  tell(isLast: boolean): void;
  /** For the metrics: what was counted and not told one by one since the start, by what happened; only grows. */
  untold(): Readonly<Partial<Record<SummedAction, bigint>>>;
}

export type SelfTestResult = "killed" | "survived" | "could not be started" | "did not end";

export interface AskedSelfTest {
  readonly result: SelfTestResult;
  /** From the kernel's first look at the child to the signal; null when its event has not come. */
  readonly latencyUs: number | null;
}

export interface Alongside {
  readonly everyMs: number;
  /** It asks `isStopped` whether it should end early. */
  run(isStopped: () => boolean): Promise<void>;
}

/** What every detector gets. */
export interface House<Rules> {
  /** The border's types, out of the detector's own object. */
  readonly layout: Layout;
  readonly proc: ProcFiles;
  readonly kill: Killer;
  /** Where it makes the metrics that are its own. */
  readonly series: SeriesMaker;
  /** What is in force; only once {@link Life.inForce} was called. */
  rules(): Rules;
  /**
   * Another BPF object of the detector's, which from here on lives as the first does: filled, attached, pinned and closed with it.
   * While the detector begins.
   */
  open(sensor: SensorParts & { readonly object: string }, make: (sensor: SecondSensor) => SecondLife<Rules>): void;
  /** A map of its sensor. */
  map(name: string): SensorMap;
  /** Numbers that only grow, as far as they are known. */
  counters(): Counters | null;
  /** One for all lines of a process. */
  readonly timeOf: TimeOf;
  /**
   * Log a line, bounded by the detector, once the process's container is named; `sinceMs` is when the process was first looked
   * at (performance.now()).
   */
  tell(line: ProcessLine, sinceMs: number): void;
  /** The container of a process; a host's process when containers are not looked up. */
  containerOf(cgroup: CgroupIdentity): Promise<ContainerResult>;
  /** The labels that a pod's owner gave it; null when they are not known, or containers are not looked up. */
  podLabels(uid: string): Promise<Readonly<Record<string, string>> | null>;
  /** Log something about the agent itself. */
  notice(level: Level, event: string, fields: Readonly<Record<string, unknown>>): void;
  /** Log and count a fault of the agent. */
  fault(error: unknown): void;
}
