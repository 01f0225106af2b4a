// What the rules go by, as flags say it and as the program reads it.
import { type Layout, structLayout } from "@cryptnono/native";

/** What becomes of a process that a rule finds. */
export type RuleMode = "off" | "audit" | "enforce";

export const RULE_MODES: readonly RuleMode[] = ["off", "audit", "enforce"];

export interface RoundingSettings {
  readonly registers: RuleMode;
  readonly fourModes: RuleMode;
  /** Four modes: so many samples together, */
  readonly minSamples: number;
  /** so many of each directed mode, */
  readonly minEach: number;
  /** which are at least this share of all. */
  readonly minPercent: number;
  /** Seconds after which counts are halved. */
  readonly halfLife: number;
}

/** Samples that are closer together count as one: a program that is switched a thousand times a second has not computed more. */
const GAP_NS = 10_000_000n;
const NS_PER_SECOND = 1_000_000_000n;
const MODE_NUMBERS: Readonly<Record<RuleMode, string>> = {
  off: "RULE_OFF",
  audit: "RULE_AUDIT",
  enforce: "RULE_ENFORCE",
};

/** Under `--mode audit` nothing is killed, whatever a rule's own flag says. */
export function capped(mode: RuleMode, all: "enforce" | "audit"): RuleMode {
  return mode === "enforce" && all === "audit" ? "audit" : mode;
}

/** `struct settings`. @param asks - There are allow patterns. */
export function settingsBytes(
  settings: RoundingSettings,
  asks: boolean,
  generation: number,
  layout: Layout,
): Uint8Array {
  const { size, offsets } = structLayout(layout, "settings");
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  const u32 = (field: string, value: number) => view.setUint32(offsets[field]!, value, true);
  const modes = layout.enums["rule_mode"] ?? {};
  u32("registers", modes[MODE_NUMBERS[settings.registers]]!);
  u32("four_modes", modes[MODE_NUMBERS[settings.fourModes]]!);
  u32("asks", Number(asks));
  u32("generation", generation);
  u32("min_samples", settings.minSamples);
  u32("min_each", settings.minEach);
  u32("min_percent", settings.minPercent);
  view.setBigUint64(offsets["gap_ns"]!, GAP_NS, true);
  view.setBigUint64(offsets["half_life_ns"]!, BigInt(settings.halfLife) * NS_PER_SECOND, true);
  return bytes;
}
