// Prometheus' text format and the three metric types of the contract. By hand: prom-client costs 6 MB and 30 ms (11 MB and
// 160 ms unbundled), a tenth of the agent's memory and of its start.

/** Values of labels, in a closed set: one row per series, written down in the code. */
export type Labels = Readonly<Record<string, string>>;

export interface Metric {
  /** Its lines, each with a line feed. */
  expose(): string;
}

/** A value read at the time of the scrape. */
export type Read = () => readonly (readonly [labels: Labels, value: number | bigint])[];

/** A counter whose series all exist from the start, at 0. */
export class Counter<K extends string> implements Metric {
  readonly #head: string;
  readonly #name: string;
  readonly #series: readonly (readonly [K, Labels])[];
  readonly #values = new Map<K, number>();

  /** @param series - For each series the key that {@link add} takes, and its labels. */
  constructor(name: string, help: string, series: readonly (readonly [K, Labels])[]) {
    this.#name = name;
    this.#head = head(name, help, "counter");
    this.#series = series;
    for (const [key] of series) this.#values.set(key, 0);
  }

  add(key: K, count = 1): void {
    this.#values.set(key, this.#values.get(key)! + count);
  }

  get(key: K): number {
    return this.#values.get(key)!;
  }

  expose(): string {
    return this.#head + this.#series.map(([key, labels]) => sample(this.#name, labels, this.get(key))).join("");
  }
}

/** A counter or gauge whose values are kept elsewhere. */
export class Reading implements Metric {
  readonly #head: string;
  readonly #name: string;
  readonly #read: Read;

  constructor(name: string, help: string, type: "counter" | "gauge", read: Read) {
    this.#name = name;
    this.#head = head(name, help, type);
    this.#read = read;
  }

  expose(): string {
    return (
      this.#head +
      this.#read()
        .map(([labels, value]) => sample(this.#name, labels, value))
        .join("")
    );
  }
}

export class Histogram implements Metric {
  readonly #head: string;
  readonly #name: string;
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #count = 0;
  #sum = 0;

  /** @param bounds - Upper bounds, rising, without infinity. */
  constructor(name: string, help: string, bounds: readonly number[]) {
    this.#name = name;
    this.#head = head(name, help, "histogram");
    this.#bounds = bounds;
    this.#counts = bounds.map(() => 0);
  }

  observe(value: number): void {
    const bucket = this.#bounds.findIndex((bound) => value <= bound);
    if (bucket >= 0) this.#counts[bucket]!++;
    this.#count++;
    this.#sum += value;
  }

  expose(): string {
    let below = 0;
    const buckets = this.#bounds.map((bound, i) => {
      below += this.#counts[i]!;
      return sample(`${this.#name}_bucket`, { le: String(bound) }, below);
    });
    return [
      this.#head,
      ...buckets,
      sample(`${this.#name}_bucket`, { le: "+Inf" }, this.#count),
      sample(`${this.#name}_sum`, {}, this.#sum),
      sample(`${this.#name}_count`, {}, this.#count),
    ].join("");
  }
}

/** The content type of the text format. @see https://prometheus.io/docs/instrumenting/exposition_formats/ */
export const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

function head(name: string, help: string, type: string): string {
  return `# HELP ${name} ${help.replace(/\\/g, "\\\\").replace(/\n/g, "\\n")}\n# TYPE ${name} ${type}\n`;
}

function sample(name: string, labels: Labels, value: number | bigint): string {
  const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escapeLabel(text)}"`);
  return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value}\n`;
}

function escapeLabel(text: string): string {
  return text.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n");
}
