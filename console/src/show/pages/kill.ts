// One process, with everything that is known of it.
import { type Row, rowsByNumber, searchRows } from "../../keep/queries.js";
import { linkTo } from "../address.js";
import { type Html, html } from "../html.js";
import { type Mask, maskedLine, maskOf, stands } from "../mask.js";
import { actionMark, layout, number, type PageParts, rowTable, time } from "../parts.js";
import { suggestPattern } from "../pattern.js";
import type { Asked } from "../server.js";
import { knownBy } from "./offenders.js";

export function kill(parts: PageParts, { path }: Asked): Html | null {
  const wanted = /^\/kills\/([0-9A-Z]{4}-[0-9A-Z]{4})$/.exec(path)?.[1];
  if (wanted === undefined) return null;
  const rows = rowsByNumber(parts.db(), wanted);
  if (rows.length === 0) return null;
  return layout(`Case ${wanted}`, "/kills", html`${rows.map((row) => one(row, parts))}`);
}

function one(row: Row, { db, showStrings, elsewhere }: PageParts): Html {
  const mask = maskOf(row.matched, showStrings);
  const others =
    row.pod === null
      ? []
      : searchRows(
          db(),
          { filters: { pod: row.pod, ...(row.namespace === null ? {} : { namespace: row.namespace }) } },
          21,
        ).filter(({ id }) => id !== row.id);
  const link = (name: string, value: string | null) =>
    value === null
      ? null
      : html`<a href="${linkTo("/kills", new URLSearchParams(), { [name]: value })}">${mask(value)}</a>`;
  const facts: readonly (readonly [string, Html | string | null])[] = [
    ["Outcome", html`${actionMark(row.action)}${row.count > 1 ? html` × ${number(row.count)}` : ""}`],
    ["Time", html`${time(row.at)} UTC`],
    ["Detector", link("detector", row.detector)],
    ["Rule", link("rule", row.rule)],
    ["String", row.matched === null ? null : html`<code>${mask(row.matched)}</code>${showStrings ? "" : " (hidden)"}`],
    ["Hub", link("namespace", row.namespace)],
    ["Pod", link("pod", row.pod)],
    ["Container", row.container],
    ["User", link("user", row.user)],
    ["Image", link("image", row.image)],
    ["Repository", link("repository", row.repository)],
    ["Client address", link("address", row.address)],
    ["Wallet", link("wallet", row.wallet)],
    ...(["repository", "address", "wallet", "image"] as const).map((kind) => {
      const known = row[kind] === null ? null : (elsewhere?.(kind, row[kind]) ?? null);
      return [`This ${kind} elsewhere`, known === null ? null : html`${knownBy(known)}`] as const;
    }),
    ["Node", link("node", row.node)],
    ["Process", row.pid === null ? null : `${row.pid}${row.start_time === null ? "" : `, started ${row.start_time}`}`],
    ["Lines about it", row.times > 1 ? number(row.times) : null],
  ];
  const pattern = row.cmdline === "" ? null : suggestPattern(row.cmdline);
  return html`
<section><h2>Command line</h2>
<pre class="quoted"><code>${row.cmdline === "" ? "none: this line stands for many processes" : marked(row, showStrings)}</code></pre>
<dl>${facts.map(([name, value]) => (value === null ? "" : html`<div><dt>${name}</dt><dd>${value}</dd></div>`))}</dl>
</section>
<section><h2>Evidence</h2>
<dl>${evidence(row, mask, showStrings)}</dl>
</section>
${
  pattern === null
    ? ""
    : html`<section><h2>To allow exactly this</h2>
<p>A pattern for <code>allowedCommandPatterns</code>, which spares this command line and no other:</p>
<pre class="quoted"><code>${maskedLine(pattern, row.matched, showStrings)}</code></pre>
<p><a href="/explain">Explain</a> tells what a change of the lists would do.</p></section>`
}
<section><h2>What else this pod did</h2>
${rowTable(others.slice(0, 20), showStrings)}
${others.length > 20 ? html`<p>${link("pod", row.pod)} has more.</p>` : ""}</section>`;
}

/** The line with its match marked. Hidden: what is marked are the few characters that are shown of it. */
function marked({ cmdline, matched }: Row, showStrings: boolean): Html {
  const shown = maskedLine(cmdline, matched, showStrings);
  const needle = matched === null ? null : maskOf(matched, showStrings)(matched);
  if (needle === null || needle === "" || (!showStrings && !stands(matched!, cmdline))) return html`${shown}`;
  const parts = shown.toLowerCase().includes(needle.toLowerCase()) ? split(shown, needle) : [shown];
  return html`${parts.map((part, i) => (i % 2 === 1 ? html`<mark>${part}</mark>` : part))}`;
}

function split(text: string, needle: string): string[] {
  const parts: string[] = [];
  let at = 0;
  for (let found = find(text, needle, at); found >= 0; found = find(text, needle, at)) {
    parts.push(text.slice(at, found), text.slice(found, found + needle.length));
    at = found + needle.length;
  }
  return [...parts, text.slice(at)];
}

const find = (text: string, needle: string, at: number) => text.toLowerCase().indexOf(needle.toLowerCase(), at);

/** Keys whose text would give the string away in another form, or that stand above already. */
const NOT_SHOWN = new Set([
  "cmdline",
  "matched",
  "timestamp",
  "action",
  "event",
  "rule",
  "image",
  "pid",
  "start_time",
  "node",
]);
const MOST_VALUES = 60;

function evidence(row: Row, mask: Mask, showStrings: boolean): Html[] {
  const facts: Html[] = [];
  const add = (key: string, value: unknown) => {
    if (facts.length >= MOST_VALUES) return;
    if (key.endsWith("_base64") && !showStrings) return;
    if (typeof value === "object" && value !== null) {
      for (const [inner, one] of Object.entries(value))
        if (!NOT_SHOWN.has(`${key}${inner}`)) add(`${key}.${inner}`, one);
    } else facts.push(html`<div><dt>${mask(key)}</dt><dd>${mask(String(value))}</dd></div>`);
  };
  for (const [key, value] of Object.entries(JSON.parse(row.line) as Record<string, unknown>))
    if (!NOT_SHOWN.has(key)) add(key, value);
  return facts;
}
