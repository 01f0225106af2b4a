// The last kill behind each series of a counter, for scrapers that ask for OpenMetrics. Its case leads to the line; nothing of the process
// itself is in it.
import type { ContainerResult } from "../types.js";
import { type Exemplar, type Labels, seriesOf } from "./exposition.js";

const POD = "io.kubernetes.pod.name";
const NAMESPACE = "io.kubernetes.pod.namespace";
/** Of names and values together, by the standard: OpenMetrics 1.0, Exemplars. */
const MAX_CHARS = 128;

export class Exemplars {
  readonly #last = new Map<string, Exemplar>();

  /** @param series - Its labels: one of a closed set. */
  killed(series: Labels, number: string, container: ContainerResult, seconds: number): void {
    const words = container.kind === "container" ? container.labels : {};
    const pod = { namespace: words[NAMESPACE] ?? "", pod: words[POD] ?? "" };
    const whole = pod.pod === "" ? { case: number } : { case: number, ...pod };
    this.#last.set(seriesOf(series), { labels: fits(whole) ? whole : { case: number }, value: 1, seconds });
  }

  of(series: Labels): Exemplar | undefined {
    return this.#last.get(seriesOf(series));
  }
}

function fits(labels: Labels): boolean {
  return [...Object.entries(labels).flat().join("")].length <= MAX_CHARS;
}
