// A narrow scope: containers of some namespaces, pods and labels, by patterns.

/** What must hold of a container's pod; of each list one pattern. */
export interface NarrowScope {
  readonly namespaces?: readonly string[];
  readonly pods?: readonly string[];
  /** By the name of a label that the pod must have. */
  readonly labels?: Readonly<Record<string, readonly string[]>>;
}

/** A pod, as its runtime tells of it. */
export interface PodFacts {
  readonly namespace: string;
  readonly pod: string;
  /** Those that its owner gave it, when it was made; null: they are not known. */
  readonly labels: Readonly<Record<string, string>> | null;
}

/** Two that say the same have the same. */
export function narrowKey({ namespaces, pods, labels }: NarrowScope): string {
  const sorted = (patterns: readonly string[] | undefined) => patterns && [...new Set(patterns)].sort();
  const ofLabels =
    labels &&
    Object.keys(labels)
      .sort()
      .map((name) => [name, sorted(labels[name])]);
  return JSON.stringify([sorted(namespaces), sorted(pods), ofLabels]);
}

/** In the log: `namespaces=hub-*,binder pods=jupyter-* labels.component=singleuser-server`. */
export function narrowText({ namespaces, pods, labels = {} }: NarrowScope): string {
  return [
    ...(namespaces === undefined ? [] : [`namespaces=${namespaces.join()}`]),
    ...(pods === undefined ? [] : [`pods=${pods.join()}`]),
    ...Object.entries(labels).map(([name, patterns]) => `labels.${name}=${patterns.join()}`),
  ].join(" ");
}

/** Whether it holds for a pod; null when that hangs on labels that are not known. */
export function holdsFor({ namespaces, pods, labels }: NarrowScope, facts: PodFacts): boolean | null {
  if (namespaces !== undefined && !namespaces.some((pattern) => matchesGlob(pattern, facts.namespace))) return false;
  if (pods !== undefined && !pods.some((pattern) => matchesGlob(pattern, facts.pod))) return false;
  if (labels === undefined) return true;
  const own = facts.labels;
  if (own === null) return null;
  return Object.entries(labels).every(
    ([name, patterns]) => Object.hasOwn(own, name) && patterns.some((pattern) => matchesGlob(pattern, own[name]!)),
  );
}

/**
 * Whether the whole text is as the pattern says: `*` is any number of characters, `?` one, anything else itself, capitals too. In
 * time that grows with the product of the lengths at most.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let from = 0;
  while (t < text.length) {
    if (pattern[p] === "*") {
      star = p++;
      from = t;
    } else if (p < pattern.length && (pattern[p] === "?" || pattern[p] === text[t])) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++from;
    } else return false;
  }
  while (pattern[p] === "*") p++;
  return p === pattern.length;
}
