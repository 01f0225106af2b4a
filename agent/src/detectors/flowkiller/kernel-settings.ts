// The settings in the kernel's numbers.
import { constant, type Layout } from "@cryptnono/native";
import type { KernelSettings } from "./sensor.js";
import type { Settings } from "./settings.js";

/** What is not of the operator's settings. */
export interface Terms {
  readonly isAudit: boolean;
  readonly generation: number;
  readonly wholeLines: number;
}

const NS_PER_S = 1_000_000_000n;
/** linux include/uapi/asm-generic/errno.h */
const ERRNOS: Readonly<Record<string, number>> = { EPERM: 1, ECONNREFUSED: 111 };

export function kernelSettings(
  settings: Settings,
  { isAudit, generation, wholeLines }: Terms,
  layout: Layout,
): KernelSettings {
  const flags: readonly (readonly [string, boolean])[] = [
    ["FLOW_AUDIT", isAudit],
    ["FLOW_LOG_CONNECTS", settings.log_connects],
    ["FLOW_SHARED_IS_PUBLIC", settings.shared_addresses_are_public],
    ["FLOW_MULTICAST_IS_PUBLIC", settings.multicast_is_public],
    ["FLOW_COUNT_UDP_CONNECTS", settings.egress_counts_udp_connects],
    ["FLOW_TELL_PODS", settings.egress_exempt_pods.length > 0],
    ["FLOW_SCAN_DECIDES", !isAudit && settings.allowed_command_patterns.length === 0],
  ];
  const pod = bucketOf(settings.egress_per_pod, settings.egress_window_seconds);
  const node = bucketOf(settings.egress_per_node, settings.egress_window_seconds);
  return {
    flags: flags.reduce((sum, [name, isOn]) => sum | (isOn ? constant(layout, name) : 0), 0),
    generation,
    whole_lines: wholeLines,
    window_s: settings.lookback_duration_seconds,
    scan_most: settings.unique_destinations_threshold,
    pod_most: settings.unique_destinations_per_pod,
    pod_burst: pod.burst,
    node_burst: node.burst,
    pod_every_ns: pod.everyNs,
    node_every_ns: node.everyNs,
    memory_ns: BigInt(settings.egress_memory_seconds) * NS_PER_S,
    silent_ns: BigInt(settings.egress_silent_seconds) * NS_PER_S,
    refusal: ERRNOS[settings.egress_refusal]!,
  };
}

/**
 * A bucket that lets no more than `most` pass in any time of `seconds`: half of them at once, and the other half evenly over that
 * time.
 */
export function bucketOf(most: number, seconds: number): { readonly burst: number; readonly everyNs: bigint } {
  if (most === 0) return { burst: 0, everyNs: 0n };
  const burst = Math.max(1, Math.floor(most / 2));
  const evenly = BigInt(Math.max(1, most - burst));
  // Rounded up: a little less, never more.
  return { burst, everyNs: (BigInt(seconds) * NS_PER_S + evenly - 1n) / evenly };
}
