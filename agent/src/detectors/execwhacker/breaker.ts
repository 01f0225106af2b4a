// The circuit breaker: a string that kills in many pods of several namespaces within a short time is a wrong list, and no attack.
import type { ContainerResult } from "../../types.js";
import { SELF_TEST_LIST } from "./self-test.js";
import { placeOfRule as placeOf } from "./tell/index.js";
import type { Rule } from "./types.js";

export { placeOf };

export interface BreakerLimits {
  /** Pods in which a string may kill; 0: any number, the breaker is off. */
  readonly pods: number;
  /** Namespaces that they must be of. At least 2, or whoever acts in one could trip it. */
  readonly namespaces: number;
  readonly windowSeconds: number;
}

export interface Tripped {
  readonly rule: Rule;
  readonly pods: number;
  readonly namespaces: number;
}

interface Pod {
  readonly uid: string;
  readonly namespace: string;
}

const POD_UID = "io.kubernetes.pod.uid";
const POD_NAMESPACE = "io.kubernetes.pod.namespace";
/** Lists with this word in their names hold strings that are there to be run by anybody: `unencrypted-test-01`. */
const TEST_LIST = /(^|[^a-z0-9])test([^a-z0-9]|$)/i;
/** Pods remembered of one string, and strings; the longest unseen go. */
const MAX_PODS = 4096;
const MAX_STRINGS = 1024;

export class Breaker {
  readonly #limits: BreakerLimits;
  readonly #trip: (tripped: Tripped) => void;
  readonly #now: () => number;
  /** By string, pods by uid, the last seen last. */
  readonly #killedIn = new Map<string, Map<string, { readonly namespace: string; readonly atMs: number }>>();
  readonly #tripped = new Set<string>();

  /** @param trip - Takes the string out of force. Called once for each, until {@link reset}. */
  constructor(limits: BreakerLimits, trip: (tripped: Tripped) => void, nowMs: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#trip = trip;
    this.#now = nowMs;
  }

  /** Whether the breaker has anything to do with this rule. */
  watches({ list, action }: Rule): boolean {
    return this.#limits.pods > 0 && action === "enforce" && list !== SELF_TEST_LIST && !TEST_LIST.test(list);
  }

  /** `rule` has killed in this container. */
  killed(rule: Rule, container: ContainerResult): void {
    const pod = podOf(container);
    const key = placeOf(rule);
    if (pod === null || !this.watches(rule) || this.#tripped.has(key)) return;
    const pods = this.#remember(key, pod);
    const counted = this.#count(pods);
    if (counted.pods <= this.#limits.pods || counted.namespaces < this.#limits.namespaces) return;
    this.#tripped.add(key);
    this.#killedIn.delete(key);
    this.#trip({ rule, ...counted });
  }

  /** A list has come into force: what was seen before is not of it. */
  reset(): void {
    this.#killedIn.clear();
    this.#tripped.clear();
  }

  get trippedNow(): number {
    return this.#tripped.size;
  }

  #remember(key: string, { uid, namespace }: Pod) {
    const atMs = this.#now();
    const pods = this.#killedIn.get(key) ?? new Map<string, { readonly namespace: string; readonly atMs: number }>();
    this.#killedIn.delete(key);
    this.#killedIn.set(key, pods);
    pods.delete(uid);
    pods.set(uid, { namespace, atMs });
    for (const [oldest, seen] of pods) {
      if (atMs - seen.atMs <= this.#limits.windowSeconds * 1000 && pods.size <= MAX_PODS) break;
      pods.delete(oldest);
    }
    if (this.#killedIn.size > MAX_STRINGS) this.#killedIn.delete(this.#killedIn.keys().next().value!);
    return pods;
  }

  /** A namespace counts with no more than its share: many pods of one, and a single one of another, are no wrong list. */
  #count(pods: ReadonlyMap<string, { readonly namespace: string }>): { pods: number; namespaces: number } {
    const share = Math.ceil((this.#limits.pods + 1) / this.#limits.namespaces);
    const byNamespace = new Map<string, number>();
    for (const { namespace } of pods.values()) byNamespace.set(namespace, (byNamespace.get(namespace) ?? 0) + 1);
    let counted = 0;
    for (const count of byNamespace.values()) counted += Math.min(count, share);
    return { pods: counted, namespaces: byNamespace.size };
  }
}

/** By what the kubelet wrote: a container of Docker's has labels that its image may have made. */
function podOf(container: ContainerResult): Pod | null {
  if (container.kind !== "container" || container.type !== "cri") return null;
  const { [POD_UID]: uid, [POD_NAMESPACE]: namespace } = container.labels;
  return uid === undefined || namespace === undefined ? null : { uid, namespace };
}
