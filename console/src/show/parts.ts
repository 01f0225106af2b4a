// What the pages are made of.

import type { Database } from "../keep/database.js";
import type { Row } from "../keep/queries.js";
import type { Coverage } from "../read/coverage.js";
import { linkTo } from "./address.js";
import type { Explainer } from "./explainer.js";
import { type Html, html, visible } from "./html.js";
import { maskedLine } from "./mask.js";

export interface PageParts {
  readonly db: () => Database;
  readonly showStrings: boolean;
  readonly coverage: () => Coverage;
  /** What the operator must know before all else; empty while all is well. */
  readonly troubles: () => readonly string[];
  readonly explainer: Explainer | null;
  /** What other deployments say of an offender; absent where none is asked. */
  readonly elsewhere?: (kind: string, name: string) => { readonly kills: number; readonly last: string } | null;
  readonly now: () => number;
}

const NO_PARAMS = new URLSearchParams();

/** A whole page. `title` may be anything. */
export function layout(title: string, here: string, main: Html, search = ""): Html {
  const tab = (path: string, name: string, key: string) =>
    html`<a href="${path}"${path === here ? html` aria-current="page"` : ""} data-key="${key}">${name}</a>`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · cryptnono</title>
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/page.css">
<script type="module" src="/page.js"></script>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header>
<a class="name" href="/">cryptnono</a>
<nav aria-label="Pages">${tab("/", "Overview", "o")}${tab("/kills", "Processes", "k")}${tab("/offenders", "Offenders", "f")}${tab("/explain", "Explain", "e")}${tab("/actions", "Actions", "a")}</nav>
<form role="search" action="/kills" method="get">
<input type="search" name="q" value="${search}" minlength="3" placeholder="Search (/)" aria-label="Search command lines, pods, users, images and rules">
</form>
<button type="button" id="theme" hidden>Dark</button>
</header>
<main id="main" tabindex="-1">
<h1>${title}</h1>
${main}
</main>
<footer>Times are UTC<span id="zone"></span>. Keys: <kbd>/</kbd> search, <kbd>j</kbd> <kbd>k</kbd> rows, <kbd>Enter</kbd> open, <kbd>g</kbd> then <kbd>o</kbd> <kbd>k</kbd> <kbd>f</kbd> <kbd>e</kbd> <kbd>a</kbd> pages. <span id="live" role="status"></span></footer>
</body>
</html>
`;
}

export function failurePage(status: number, why: string): Html {
  return layout(`${status}`, "", html`<p>${why}</p>`);
}

/** A moment, to the second. The client adds the reader's own time. */
export function time(at: number): Html {
  const iso = new Date(at).toISOString();
  return html`<time datetime="${iso}">${iso.slice(0, 10)} ${iso.slice(11, 19)}</time>`;
}

export const number = (value: number) => value.toLocaleString("en");

const TONES: Readonly<Record<string, string>> = {
  killed: "bad",
  "kill-failed": "alarm",
  "missed-kill": "alarm",
  "would-kill": "warn",
  "let-go": "warn",
  refused: "warn",
};

export function actionMark(action: string): Html {
  return html`<span class="mark ${TONES[action] ?? "calm"}">${action}</span>`;
}

/** Rows as people look through them. */
export function rowTable(rows: readonly Row[], showStrings: boolean, params = NO_PARAMS): Html {
  if (rows.length === 0) return html`<p class="none">None.</p>`;
  const filter = (name: "namespace" | "pod" | "rule" | "node", value: string | null) =>
    value === null
      ? html`<span class="none">-</span>`
      : html`<a href="${linkTo("/kills", params, { [name]: value })}">${value}</a>`;
  return html`<div class="wide"><table class="rows">
<thead><tr><th scope="col">Time (UTC)</th><th scope="col">Outcome</th><th scope="col">Hub</th><th scope="col">Pod</th><th scope="col">Command line</th><th scope="col">Rule</th><th scope="col">Node</th></tr></thead>
<tbody>${rows.map(
    (row) => html`<tr>
<td data-label="Time"><a class="open" href="/kills/${row.number}">${time(row.at)}</a></td>
<td data-label="Outcome">${actionMark(row.action)}${row.count > 1 ? html` <span class="count">× ${number(row.count)}</span>` : ""}</td>
<td data-label="Hub">${filter("namespace", row.namespace)}</td>
<td data-label="Pod">${filter("pod", row.pod)}</td>
<td data-label="Command line" class="line"><code>${short(row.cmdline === "" ? summaryText(row) : maskedLine(row.cmdline, row.matched, showStrings), 160)}</code></td>
<td data-label="Rule">${filter("rule", row.rule)}</td>
<td data-label="Node">${filter("node", row.node)}</td>
</tr>`,
  )}</tbody></table></div>`;
}

const summaryText = (row: Row) => `${row.count} more, without a line of their own`;

export function short(text: string, max: number): string {
  const chars = [...text.slice(0, max * 2)];
  return chars.length <= max && text.length <= max * 2 ? text : `${chars.slice(0, max).join("")}…`;
}

/** What is drawn; read by the client out of the element, and by everybody else out of the table. */
export interface Picture {
  readonly title: string;
  readonly unit: string;
  /** Seconds since 1970. */
  readonly times: readonly number[];
  readonly lines: readonly { readonly name: string; readonly values: readonly number[] }[];
}

export function picture({ title, unit, times, lines }: Picture): Html {
  const data = JSON.stringify({ times, unit, lines: lines.map((line) => ({ ...line, name: visible(line.name) })) });
  const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);
  return html`<figure class="picture"><figcaption>${title}</figcaption>
<div class="plot" data-plot="${data}"></div>
<table><thead><tr><th scope="col">${unit}</th><th scope="col">Sum</th></tr></thead>
<tbody>${lines.map(({ name, values }) => html`<tr><th scope="row">${name}</th><td>${number(sum(values))}</td></tr>`)}</tbody></table>
</figure>`;
}
