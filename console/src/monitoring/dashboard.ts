// The Grafana dashboard: what an operator asks of a fleet of agents. Written to helm-charts/cryptnono/files/dashboard.json by
// write-dashboard.ts. The metrics' names are those of today's dashboards.
import {
  DashboardBuilder as Dashboard,
  type DashboardBuilder,
  DatasourceVariableBuilder,
  RowBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { DataqueryBuilder } from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder as StatBuilder } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as TimeseriesBuilder } from "@grafana/grafana-foundation-sdk/timeseries";

const DETECTORS = ["execwhacker", "flowkiller", "monero"] as const;
// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana's own variable.
const SOURCE = { type: "prometheus", uid: "${datasource}" };

/** The same of each detector, with its name as a label; one that does not run is left out. */
const each = (make: (detector: string) => string) =>
  DETECTORS.map(
    (detector) => `label_replace(${make(`cryptnono_${detector}`)}, "detector", "${detector}", "", "")`,
  ).join(" or ");

interface Shown {
  readonly title: string;
  readonly description: string;
  readonly unit?: string;
  readonly queries: readonly (readonly [expr: string, legend: string])[];
}

const query = (expr: string, legend: string) =>
  new DataqueryBuilder().expr(expr).legendFormat(legend).datasource(SOURCE);

function stat({ title, description, queries }: Shown, badFrom: number, isBadBelow = false): StatBuilder {
  const steps = isBadBelow
    ? [
        { value: null, color: "red" },
        { value: badFrom, color: "green" },
      ]
    : [
        { value: null, color: "green" },
        { value: badFrom, color: "red" },
      ];
  const thresholds = new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps as never);
  let panel = new StatBuilder()
    .title(title)
    .description(description)
    .datasource(SOURCE)
    .thresholds(thresholds)
    .height(4)
    .span(6);
  for (const [expr, legend] of queries) panel = panel.withTarget(query(expr, legend).instant());
  return panel;
}

function lines({ title, description, unit = "short", queries }: Shown): TimeseriesBuilder {
  let panel = new TimeseriesBuilder()
    .title(title)
    .description(description)
    .datasource(SOURCE)
    .unit(unit)
    .min(0)
    .height(8)
    .span(12);
  for (const [expr, legend] of queries) panel = panel.withTarget(query(expr, legend));
  return panel;
}

const RATE = "[$__rate_interval]";

export function dashboard(): DashboardBuilder {
  return new Dashboard("cryptnono")
    .uid("cryptnono")
    .tags(["cryptnono", "security"])
    .refresh("1m")
    .time({ from: "now-24h", to: "now" })
    .timezone("browser")
    .withVariable(new DatasourceVariableBuilder("datasource").label("Prometheus").type("prometheus"))
    .withRow(new RowBuilder("Is everything guarded"))
    .withPanel(
      stat(
        {
          title: "Detectors that guard",
          description: "Agents that say they are ready.",
          queries: [['count({__name__=~"cryptnono_(execwhacker|flowkiller|monero)_ready"} == 1) or vector(0)', ""]],
        },
        1,
        true,
      ),
    )
    .withPanel(
      stat(
        {
          title: "Detectors that do not",
          description: "Agents that are not ready: /readyz and the console say why.",
          queries: [['count({__name__=~"cryptnono_(execwhacker|flowkiller|monero)_ready"} == 0) or vector(0)', ""]],
        },
        1,
      ),
    )
    .withPanel(
      stat(
        {
          title: "Lists differ",
          description: "Most less fewest banned strings in force. While a change spreads this is not 0 for a minute.",
          queries: [["max(cryptnono_execwhacker_banned_strings) - min(cryptnono_execwhacker_banned_strings)", ""]],
        },
        1,
      ),
    )
    .withPanel(
      stat(
        {
          title: "Lists refused, last day",
          description: "The log names file and place.",
          queries: [[`sum(${each((name) => `increase(${name}_config_reloads_total{result="refused"}[1d])`)})`, ""]],
        },
        1,
      ),
    )
    .withRow(new RowBuilder("What died"))
    .withPanel(
      lines({
        title: "Kills by detector",
        description: "Processes killed, an hour.",
        queries: [
          [
            `sum by (detector) (${each((name) => `rate(${name}_processes_killed_total${RATE})`)}) * 3600`,
            "{{detector}}",
          ],
        ],
      }),
    )
    .withPanel(
      lines({
        title: "Kills by how they were found",
        description: "At exec, or by the scan of running processes.",
        queries: [[`sum by (source) (rate(cryptnono_execwhacker_processes_killed_total${RATE})) * 3600`, "{{source}}"]],
      }),
    )
    .withPanel(
      lines({
        title: "Kills by node",
        description: "The ten that have most.",
        queries: [
          [
            `topk(10, sum by (instance) (${each((name) => `rate(${name}_processes_killed_total${RATE})`)})) * 3600`,
            "{{instance}}",
          ],
        ],
      }),
    )
    .withPanel(
      lines({
        title: "Spared, and would have been killed",
        description: "By allow patterns, as parts of words, and by audit mode.",
        queries: [
          [
            `sum by (allowedby) (rate(cryptnono_execwhacker_processes_allowed_total{allowedby!="no-match"}${RATE})) * 3600`,
            "{{allowedby}}",
          ],
          [
            `sum by (detector) (${each((name) => `rate(${name}_processes_would_kill_total${RATE})`)}) * 3600`,
            "would kill, {{detector}}",
          ],
        ],
      }),
    )
    .withRow(new RowBuilder("What is missed"))
    .withPanel(
      lines({
        title: "Not killed",
        description: "Failed signals, processes that had gone, and those let go without a verdict.",
        queries: [
          [
            `sum by (detector) (${each((name) => `rate(${name}_processes_kill_failed_total${RATE})`)}) * 3600`,
            "failed, {{detector}}",
          ],
          [
            `sum by (detector) (${each((name) => `rate(${name}_processes_missed_total${RATE})`)}) * 3600`,
            "gone, {{detector}}",
          ],
          [`sum(rate(cryptnono_execwhacker_processes_let_go_total${RATE})) * 3600`, "let go"],
        ],
      }),
    )
    .withPanel(
      lines({
        title: "Not seen whole",
        description:
          "Command lines that could not be searched, and execs at which the kernel could not run the program.",
        queries: [
          [`sum by (reason) (rate(cryptnono_execwhacker_command_lines_unsearched_total${RATE})) * 3600`, "{{reason}}"],
          [`sum(rate(cryptnono_execwhacker_program_missed_runs_total${RATE})) * 3600`, "program did not run"],
        ],
      }),
    )
    .withPanel(
      lines({
        title: "Not told one by one",
        description: "Log lines dropped, events without room, and processes that a summary counts.",
        queries: [
          [
            `sum by (kind) (${each((name) => `rate(${name}_log_lines_dropped_total${RATE})`)}) * 3600`,
            "dropped, {{kind}}",
          ],
          [`sum(${each((name) => `rate(${name}_events_lost_total${RATE})`)}) * 3600`, "events lost"],
          [
            `sum by (action) (${each((name) => `rate(${name}_processes_tallied_total${RATE})`)}) * 3600`,
            "summed, {{action}}",
          ],
        ],
      }),
    )
    .withPanel(
      lines({
        title: "Containers that could not be named",
        description: "By why.",
        queries: [
          [
            `sum by (reason) (${each((name) => `rate(${name}_container_lookup_failures_total${RATE})`)}) * 3600`,
            "{{reason}}",
          ],
        ],
      }),
    )
    .withRow(new RowBuilder("What it costs"))
    .withPanel(
      lines({
        title: "Execs searched",
        description: "A second, all nodes.",
        unit: "ops",
        queries: [
          [`sum(rate(cryptnono_execwhacker_processes_checked_total{source="execwhacker.bpf"}${RATE}))`, "execs"],
        ],
      }),
    )
    .withPanel(
      lines({
        title: "Time to the signal",
        description: "From the first look at a found process to the verdict's signal.",
        unit: "s",
        queries: [
          [
            `histogram_quantile(0.5, sum by (le) (increase(cryptnono_execwhacker_kill_if_needed_execution_seconds_bucket[1d])))`,
            "median",
          ],
          [
            `histogram_quantile(0.99, sum by (le) (increase(cryptnono_execwhacker_kill_if_needed_execution_seconds_bucket[1d])))`,
            "99 %",
          ],
        ],
      }),
    )
    .withPanel(
      lines({
        title: "Delay of the agents' event loops",
        description: "Of the last minutes; verdicts do not wait for it.",
        unit: "s",
        queries: [
          [`max by (detector) (${each((name) => `${name}_event_loop_delay_seconds{stat="p99"}`)})`, "{{detector}}"],
        ],
      }),
    )
    .withPanel(
      lines({
        title: "Faults of the agents",
        description: "Failed self-tests, and what nobody expected.",
        queries: [
          [
            `sum by (detector) (${each((name) => `rate(${name}_unexpected_errors_total${RATE})`)}) * 3600`,
            "{{detector}}",
          ],
        ],
      }),
    );
}
