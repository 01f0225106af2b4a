// Prometheus' text format, OpenMetrics, and the three metric types of the contract. By hand: prom-client costs 6 MB and 30 ms (11 MB and
// 160 ms unbundled), a tenth of the agent's memory and of its start.

/** Values of labels, in a closed set: one row per series, written down in the code. */
export type Labels = Readonly<Record<string, string>>;

/** `open`: OpenMetrics, for scrapers that ask for it. The samples are the same. */
export type Form = "text" | "open";

export interface Metric {
  /** Its lines, each with a line feed. */
  expose(form?: Form): string;
}

/** One of what a counter counted. */
export interface Exemplar {
  /** Names and values have 128 characters at most. */
  readonly labels: Labels;
  readonly value: number;
  /** Since 1970. */
  readonly seconds: number;
}

/** A value read at the time of the scrape. */
export type Read = () => readonly (readonly [labels: Labels, value: number | bigint])[];

/** A counter whose series all exist from the start, at 0. */
export class Counter<K extends string> implements Metric {
  readonly #help: string;
  readonly #name: string;
  readonly #series: readonly (readonly [K, Labels])[];
  readonly #values = new Map<K, number>();

  /** @param series - For each series the key that {@link add} takes, and its labels. */
  constructor(name: string, help: string, series: readonly (readonly [K, Labels])[]) {
    this.#name = name;
    this.#help = help;
    this.#series = series;
    for (const [key] of series) this.#values.set(key, 0);
  }

  add(key: K, count = 1): void {
    this.#values.set(key, this.#values.get(key)! + count);
  }

  get(key: K): number {
    return this.#values.get(key)!;
  }

  expose(form: Form = "text"): string {
    const samples = this.#series.map(([key, labels]) => sample(this.#name, labels, this.get(key)));
    return head(this.#name, this.#help, "counter", form) + samples.join("");
  }
}

/** A counter or gauge whose values are kept elsewhere. */
export class Reading implements Metric {
  readonly #name: string;
  readonly #help: string;
  readonly #type: "counter" | "gauge";
  readonly #read: Read;
  readonly #exemplarOf: (labels: Labels) => Exemplar | undefined;

  /** @param exemplarOf - Of a counter's series, for OpenMetrics alone. */
  constructor(
    name: string,
    help: string,
    type: "counter" | "gauge",
    read: Read,
    exemplarOf: (labels: Labels) => Exemplar | undefined = () => undefined,
  ) {
    this.#name = name;
    this.#help = help;
    this.#type = type;
    this.#read = read;
    this.#exemplarOf = exemplarOf;
  }

  expose(form: Form = "text"): string {
    const samples = this.#read().map(([labels, value]) =>
      sample(this.#name, labels, value, form === "open" ? this.#exemplarOf(labels) : undefined),
    );
    return head(this.#name, this.#help, this.#type, form) + samples.join("");
  }
}

export class Histogram implements Metric {
  readonly #name: string;
  readonly #help: string;
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #count = 0;
  #sum = 0;

  /** @param bounds - Upper bounds, rising, without infinity. */
  constructor(name: string, help: string, bounds: readonly number[]) {
    this.#name = name;
    this.#help = help;
    this.#bounds = bounds;
    this.#counts = bounds.map(() => 0);
  }

  observe(value: number): void {
    const bucket = this.#bounds.findIndex((bound) => value <= bound);
    if (bucket >= 0) this.#counts[bucket]!++;
    this.#count++;
    this.#sum += value;
  }

  expose(form: Form = "text"): string {
    let below = 0;
    const buckets = this.#bounds.map((bound, i) => {
      below += this.#counts[i]!;
      return sample(`${this.#name}_bucket`, { le: String(bound) }, below);
    });
    return [
      head(this.#name, this.#help, "histogram", form),
      ...buckets,
      sample(`${this.#name}_bucket`, { le: "+Inf" }, this.#count),
      sample(`${this.#name}_sum`, {}, this.#sum),
      sample(`${this.#name}_count`, {}, this.#count),
    ].join("");
  }
}

/** @see https://prometheus.io/docs/instrumenting/exposition_formats/ and https://prometheus.io/docs/specs/om/open_metrics_spec/ */
export const CONTENT_TYPES: Readonly<Record<Form, string>> = {
  text: "text/plain; version=0.0.4; charset=utf-8",
  open: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

/** The last line of OpenMetrics: what was cut off before it is no exposition. */
export const END_OF_OPEN = "# EOF\n";

/** The form that a scraper wants, by its `accept`: OpenMetrics where it says so, and does not like the text better. */
export function formFor(accept: string): Form {
  let [open, text] = [0, 0];
  for (const part of accept.toLowerCase().split(",")) {
    const [type = "", ...parameters] = part.split(";").map((one) => one.trim());
    const of = (name: string) => parameters.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1);
    const weight = Number(of("q") ?? 1);
    if (type === "text/plain") text = Math.max(text, weight);
    if (type === "application/openmetrics-text" && (of("version") ?? "1.0.0") === "1.0.0")
      open = Math.max(open, weight);
  }
  return open > 0 && open >= text ? "open" : "text";
}

/** OpenMetrics names a counter's family without the ending of its samples. */
function head(name: string, help: string, type: string, form: Form): string {
  const family = form === "open" && type === "counter" ? name.replace(/_total$/, "") : name;
  const escaped = form === "open" ? escapeLabel(help) : help.replace(/\\/g, "\\\\").replace(/\n/g, "\\n");
  return `# HELP ${family} ${escaped}\n# TYPE ${family} ${type}\n`;
}

function sample(name: string, labels: Labels, value: number | bigint, exemplar?: Exemplar): string {
  const text = seriesOf(labels);
  const shown =
    exemplar === undefined ? "" : ` # {${seriesOf(exemplar.labels)}} ${exemplar.value} ${exemplar.seconds.toFixed(3)}`;
  return `${name}${text === "" ? "" : `{${text}}`} ${value}${shown}\n`;
}

/** Labels as they stand in the exposition. */
export function seriesOf(labels: Labels): string {
  return Object.entries(labels)
    .map(([key, text]) => `${key}="${escapeLabel(text)}"`)
    .join(",");
}

function escapeLabel(text: string): string {
  return text.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n");
}
