// helm as a function: values in, Kubernetes objects out. Each run of it is remembered by what it was given. What it prints is read
// here: helm.test.ts holds that against what helm itself reads.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { CORE_SCHEMA, loadAll, Type } from "js-yaml";

export const CHARTS = join(import.meta.dirname, "../../../helm-charts");

/** helm in PATH, else the one that test/cluster/install-tools builds; undefined when there is none. */
export const HELM = [
  ...(process.env["PATH"] ?? "").split(delimiter),
  process.env["CLUSTER_TOOLS"] ??
    join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "cryptnono-cluster/bin"),
]
  .map((dir) => join(dir, "helm"))
  .find((file) => existsSync(file));

export interface KubernetesObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly annotations?: Record<string, string> };
  // biome-ignore lint/suspicious/noExplicitAny: the tests reach into objects of all kinds
  readonly [key: string]: any;
}

/** The objects that the cryptnono chart makes of `values`, hooks included. Rejects with what helm says. */
export function render(values: unknown, kubeVersion = "1.34.0"): readonly KubernetesObject[] {
  return renderedObjects(values, kubeVersion);
}

/** Their text, as helm prints it. */
export const renderText = remembered((values: unknown, kubeVersion: string): string => {
  const args = ["template", "support", join(CHARTS, "cryptnono"), "-n", "support", "--kube-version", kubeVersion];
  return helm([...args, "-f", "-"], JSON.stringify(values));
});

const renderedObjects = remembered((values: unknown, kubeVersion: string) =>
  parseYaml(renderText(values, kubeVersion)),
);

/** The object of a kind; the agent's DaemonSet is the one that is no hook. */
export function find(objects: readonly KubernetesObject[], kind: string): KubernetesObject {
  const [found] = objects.filter(
    (one) => one.kind === kind && one.metadata.annotations?.["helm.sh/hook"] === undefined,
  );
  if (found === undefined) throw new Error(`no ${kind} was rendered`);
  return found;
}

/** The objects that a chart makes which has the cryptnono chart as its subchart. */
export const renderAsSubchart = remembered((values: unknown): readonly KubernetesObject[] =>
  inChart("", (chart) => {
    addCryptnono(chart);
    return parseYaml(
      helm(["template", "support", chart, "-n", "support", "-f", "-"], JSON.stringify({ cryptnono: values })),
    );
  }),
);

/** What an operator reads after helm install. */
export const notes = remembered((values: unknown): string =>
  inWrapper('{{ include "cryptnono.notes" .Subcharts.cryptnono }}', { cryptnono: values }, addCryptnono),
);

/** The text of a template that has the cryptnono chart's context as `.`, and its named templates. */
export const text = remembered((template: string, values: unknown): string =>
  inWrapper(`{{ with .Subcharts.cryptnono }}${template}{{ end }}`, { cryptnono: values }, addCryptnono),
);

/** A scenario of the chart's, as values. */
export function scenario(name: string): Record<string, unknown> {
  const file = join(CHARTS, `cryptnono/ci/${name}-values.yaml`);
  // A scenario that sets nothing is an empty document, which is none.
  return parseYaml<Record<string, unknown>>(readFileSync(file, "utf8"))[0] ?? {};
}

function addCryptnono(chart: string): void {
  mkdirSync(join(chart, "charts"));
  symlinkSync(join(CHARTS, "cryptnono"), join(chart, "charts/cryptnono"));
}

/** As YAML 1.1, and so helm and Kubernetes, has it: a zero in front means octal, as in a file's mode. */
const INTEGER = new Type("tag:yaml.org,2002:int", {
  kind: "scalar",
  resolve: (text: string | null) => text !== null && /^(0[0-7]*|[-+]?[1-9][0-9]*)$/.test(text),
  construct: (text: string) => Number.parseInt(text, text.startsWith("0") ? 8 : 10),
});
const SCHEMA = CORE_SCHEMA.extend({ implicit: [INTEGER] });

/** The documents of a YAML text. */
export function parseYaml<T = KubernetesObject>(text: string): T[] {
  return (loadAll(text, null, { schema: SCHEMA }) as (T | null | undefined)[]).filter(
    (document): document is T => document !== null && document !== undefined,
  );
}

/** The same as helm reads them, but for those without a key. */
export function parseYamlByHelm<T = KubernetesObject>(text: string): T[] {
  const template =
    '{{ range regexSplit "(?m)^---$" .Values.text -1 }}{{ with fromYaml . }}{{ toJson . }}\n{{ end }}{{ end }}';
  return inWrapper(template, { text })
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as T);
}

/** A chart whose one template is `template`, rendered. */
function inWrapper(template: string, values: unknown, prepare: (chart: string) => void = () => {}): string {
  // helm reads what it rendered as YAML; the text passes through that as a string.
  return inChart(`{{ $out := tpl (.Files.Get "out.tpl") . }}text: {{ $out | b64enc }}\n`, (chart) => {
    writeFileSync(join(chart, "out.tpl"), template);
    prepare(chart);
    const rendered = helm(["template", "support", chart, "-n", "support", "-f", "-"], JSON.stringify(values));
    return Buffer.from(/^text:(.*)$/m.exec(rendered)![1]!, "base64").toString("utf8");
  });
}

function inChart<T>(out: string, work: (chart: string) => T): T {
  const chart = mkdtempSync(join(tmpdir(), "cryptnono-chart-"));
  try {
    writeFileSync(join(chart, "Chart.yaml"), "apiVersion: v2\nname: wrapper\nversion: 0.0.0\n");
    mkdirSync(join(chart, "templates"));
    writeFileSync(join(chart, "templates/out.yaml"), out);
    return work(chart);
  } finally {
    rmSync(chart, { recursive: true });
  }
}

function helm(args: readonly string[], stdin: string): string {
  return execFileSync(HELM!, args, { input: stdin, encoding: "utf8", stdio: ["pipe", "pipe", "pipe"] });
}

/** `make`, which is given the same at most once. */
export function remembered<A extends readonly unknown[], T>(make: (...given: A) => T): (...given: A) => T {
  const known = new Map<string, T>();
  return (...given) => {
    const key = JSON.stringify(given);
    if (!known.has(key)) known.set(key, make(...given));
    return known.get(key)!;
  };
}
