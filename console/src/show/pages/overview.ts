// The first page: what is not guarded, what died and when, and whether all nodes go by the same lists.
import { agentWords, killsOver, searchRows } from "../../keep/queries.js";
import { HOUR_MS } from "../../keep/store.js";
import { type Html, html } from "../html.js";
import { layout, number, type PageParts, picture, rowTable, time } from "../parts.js";
import type { Asked } from "../server.js";

const SPANS = { day: 24, week: 24 * 7, month: 24 * 30 } as const;
type Span = keyof typeof SPANS;

export function overview(parts: PageParts, { path, params }: Asked): Html | null {
  if (path !== "/") return null;
  const asked = params.get("span");
  const span: Span = asked === "day" || asked === "month" ? asked : "week";
  const main = html`
${troubles(parts)}
${coverage(parts)}
<p class="choices">Last ${(Object.keys(SPANS) as Span[]).map(
    (name) => html` <a href="/?span=${name}"${name === span ? html` aria-current="true"` : ""}>${name}</a>`,
  )}</p>
${pictures(parts, span)}
<section><h2>Newest</h2>
${rowTable(searchRows(parts.db(), { filters: {} }, 12), parts.showStrings)}
<p><a href="/kills">All processes</a></p></section>
${lists(parts)}`;
  return layout("Overview", "/", main);
}

function troubles({ troubles }: PageParts): Html | string {
  const all = troubles();
  return all.length === 0
    ? ""
    : html`<div class="box alarm" role="alert">${all.map((trouble) => html`<p>${trouble}</p>`)}</div>`;
}

/** A node without a guarding agent is the first thing on the page. */
function coverage({ coverage, now }: PageParts): Html {
  const { agents, unguarded, nodes, counts } = coverage();
  const wrong = agents.filter(({ state }) => state !== "followed");
  const isWell = (unguarded?.length ?? 0) === 0 && wrong.length === 0;
  const guarded =
    nodes === null || unguarded === null
      ? ""
      : html`${number(nodes - unguarded.length)} of ${number(nodes)} nodes guarded. `;
  return html`<section class="box ${isWell ? "good" : "alarm"}"><h2>Coverage</h2>
${unguarded === null || unguarded.length === 0 ? "" : html`<ul>${unguarded.map(({ node, why }) => html`<li><strong>${node} is not guarded</strong>: ${why}</li>`)}</ul>`}
<p>${guarded}${number(agents.length)} ${agents.length === 1 ? "log" : "logs"} followed${wrong.length === 0 ? "" : html`, ${number(wrong.length)} of them silent or unreadable`}.
${number(counts.lines)} lines read since the start, ${number(counts.foreign)} of them not an agent's, ${number(counts.overlong)} too long.</p>
${wrong.length === 0 ? "" : html`<ul>${wrong.slice(0, 50).map(({ name, node, state, lastAt, why }) => html`<li>${name} on ${node}: ${why ?? state}${lastAt === null ? ", no line yet" : html`, last line ${number(Math.round((now() - lastAt) / 60_000))} min ago`}</li>`)}</ul>`}
</section>`;
}

function pictures({ db, now }: PageParts, span: Span): Html {
  const hours = SPANS[span];
  const step = span === "day" ? 1 : span === "week" ? 6 : 24;
  const last = Math.floor(now() / HOUR_MS / step);
  const buckets = Math.ceil(hours / step);
  const first = last - buckets + 1;
  const rows = killsOver(db(), first * step * HOUR_MS, step);
  const times = Array.from({ length: buckets }, (_, i) => (first + i) * step * 3600);
  const by = (key: "namespace" | "detector") => {
    const sums = new Map<string, number[]>();
    for (const row of rows) {
      const name = row[key] === "" ? "no pod" : row[key];
      const values = sums.get(name) ?? new Array<number>(buckets).fill(0);
      const at = Math.min(buckets - 1, Math.floor(row.hour / step) - first);
      values[at] = values[at]! + row.count;
      sums.set(name, values);
    }
    const total = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);
    const sorted = [...sums].toSorted(([, a], [, b]) => total(b) - total(a));
    const shown = sorted.slice(0, MOST_LINES).map(([name, values]) => ({ name, values }));
    const rest = sorted.slice(MOST_LINES).map(([, values]) => values);
    if (rest.length > 0) {
      const values = times.map((_, i) => rest.reduce((all, one) => all + one[i]!, 0));
      shown.push({ name: `${rest.length} others`, values });
    }
    return shown;
  };
  const unit = step === 1 ? "kills an hour" : `kills in ${step} hours`;
  return html`<div class="pictures">
${picture({ title: "Kills by hub", unit, times, lines: by("namespace") })}
${picture({ title: "Kills by detector", unit, times, lines: by("detector") })}
</div>`;
}

const MOST_LINES = 6;

/** What is in force, and whether nodes differ. The lists are secret: their sizes tell, and when each was loaded. */
function lists({ db }: PageParts): Html {
  const words = agentWords(db()).filter(({ topic }) => topic === "lists");
  if (words.length === 0) return html``;
  const text = (fields: Readonly<Record<string, unknown>>) =>
    Object.entries(fields)
      .filter(([key, value]) => typeof value !== "object" && key !== "severity" && key !== "source")
      .map(([key, value]) => `${key}: ${value}`)
      .join(", ");
  const common = new Map<string, Map<string, number>>();
  for (const { detector, fields } of words) {
    const counts = common.get(detector) ?? new Map<string, number>();
    common.set(detector, counts.set(text(fields), (counts.get(text(fields)) ?? 0) + 1));
  }
  const usual = (detector: string) => [...common.get(detector)!].toSorted(([, a], [, b]) => b - a)[0]![0];
  const differing = words.filter(({ detector, fields }) => text(fields) !== usual(detector));
  return html`<section class="${differing.length > 0 ? "box warn" : ""}"><h2>Lists in force</h2>
<ul>${[...common].map(([detector]) => html`<li>${detector}: ${usual(detector)}</li>`)}</ul>
${
  differing.length === 0
    ? html`<p>The same on every node that said so: ${number(new Set(words.map(({ node }) => node)).size)}.</p>`
    : html`<p>Different on ${number(differing.length)}:</p><ul>${differing.slice(0, 50).map(({ node, detector, at, fields }) => html`<li>${node}, ${detector}, ${time(at)}: ${text(fields)}</li>`)}</ul>`
}</section>`;
}
