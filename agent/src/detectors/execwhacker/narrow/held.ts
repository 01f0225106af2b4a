// Which narrow scopes hold in a container, by what its runtime tells of its pod.
import { NARROW } from "@cryptnono/matcher";
import type { CgroupIdentity, ContainerResult } from "../../../types.js";
import { holdsFor, type NarrowScope } from "./scope.js";

export interface Held {
  /** Their numbers. */
  readonly scopes: readonly number[];
  /** False: nobody could say what container it is, or a scope hangs on labels that nobody told. */
  readonly isJudged: boolean;
  /** Of the container that it stands in, if it is known. */
  readonly id?: string;
}

export interface HeldParts {
  readonly containerOf: (cgroup: CgroupIdentity) => Promise<ContainerResult>;
  readonly podLabels: (uid: string) => Promise<Readonly<Record<string, string>> | null>;
}

const POD = "io.kubernetes.pod.name";
const NAMESPACE = "io.kubernetes.pod.namespace";
const UID = "io.kubernetes.pod.uid";
/** Pods whose labels are remembered: they are those that it was made with, for as long as it is there. */
const MOST_PODS = 1024;

export class HeldScopes {
  readonly #parts: HeldParts;
  readonly #labels = new Map<string, Promise<Readonly<Record<string, string>> | null>>();

  constructor(parts: HeldParts) {
    this.#parts = parts;
  }

  /** @param scopes - Those of the list, in its order. */
  async in(cgroup: CgroupIdentity, scopes: readonly NarrowScope[]): Promise<Held> {
    const container = await this.#parts.containerOf(cgroup);
    if (container.kind === "failed")
      return { scopes: [], isJudged: false, ...(container.id === undefined ? {} : { id: container.id }) };
    // Labels of a container of Docker's may be its image's.
    if (container.kind === "host" || container.type !== "cri") return { scopes: [], isJudged: true };
    const { id, labels: words } = container;
    const { [POD]: pod, [NAMESPACE]: namespace, [UID]: uid } = words;
    if (pod === undefined || namespace === undefined) return { scopes: [], isJudged: true, id };
    const unlabelled = { pod, namespace, labels: null };
    const wantsLabels = scopes.some((scope) => holdsFor(scope, unlabelled) === null);
    const labels = wantsLabels && uid !== undefined ? await this.#labelsOf(uid) : null;
    const facts = { ...unlabelled, labels };
    const results = scopes.map((scope) => holdsFor(scope, facts));
    return {
      id,
      scopes: results.flatMap((result, i) => (result === true ? [NARROW.first + i] : [])),
      isJudged: !results.includes(null),
    };
  }

  async #labelsOf(uid: string): Promise<Readonly<Record<string, string>> | null> {
    const known = this.#labels.get(uid);
    if (known !== undefined) return known;
    const asked = this.#parts.podLabels(uid);
    this.#labels.set(uid, asked);
    const [oldest] = this.#labels.keys();
    if (this.#labels.size > MOST_PODS) this.#labels.delete(oldest!);
    const labels = await asked;
    if (labels === null) this.#labels.delete(uid);
    return labels;
  }
}
