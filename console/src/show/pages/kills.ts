// All processes, the newest first, and those that a search and filters leave.
import { FILTERS, searchRows } from "../../keep/queries.js";
import { linkTo, searchOf } from "../address.js";
import { type Html, html } from "../html.js";
import { layout, type PageParts, rowTable } from "../parts.js";
import type { Asked } from "../server.js";

const PAGE_ROWS = 50;

export function kills({ db, showStrings }: PageParts, { params }: Asked): Html {
  const search = searchOf(params);
  const rows = searchRows(db(), search, PAGE_ROWS + 1);
  const shown = rows.slice(0, PAGE_ROWS);
  const q = params.get("q") ?? "";
  const set = FILTERS.filter((filter) => search.filters[filter] !== undefined);
  const chips = set.map(
    (filter) =>
      html`<a class="chip" href="${linkTo("/kills", params, { [filter]: null })}" title="Take this filter away">${filter}: ${search.filters[filter]} <span aria-hidden="true">×</span></a>`,
  );
  const tooShort = q.trim() !== "" && search.text === undefined;
  const main = html`
<form class="filters" action="/kills" method="get">
${set.map((filter) => html`<input type="hidden" name="${filter}" value="${search.filters[filter]}">`)}
<label>Search <input type="search" name="q" value="${q}"></label>
<label>From <input name="from" value="${params.get("from") ?? ""}" placeholder="2026-01-31T12:00" pattern="\\d{4}-\\d\\d-\\d\\d(T\\d\\d:\\d\\d(:\\d\\d)?Z?)?"></label>
<label>Until <input name="until" value="${params.get("until") ?? ""}" placeholder="2026-02-01" pattern="\\d{4}-\\d\\d-\\d\\d(T\\d\\d:\\d\\d(:\\d\\d)?Z?)?"></label>
${set.includes("action") ? "" : html`<label>Outcome <select name="action"><option value="">any</option>${OUTCOMES.map((action) => html`<option>${action}</option>`)}</select></label>`}
<button>Show</button>
</form>
<p class="chips">${chips}</p>
${tooShort ? html`<p class="none">A search needs three characters.</p>` : ""}
<div aria-live="polite">${rowTable(shown, showStrings, params)}</div>
${rows.length > PAGE_ROWS ? html`<p><a rel="next" href="${linkTo("/kills", params, { before: String(shown.at(-1)!.id) })}">Older</a></p>` : ""}`;
  return layout("Processes", "/kills", main, q);
}

const OUTCOMES = [
  "killed",
  "missed-kill",
  "kill-failed",
  "would-kill",
  "candidate",
  "would-live",
  "refused",
  "spared",
  "let-go",
];
