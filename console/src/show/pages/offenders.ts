// Who comes back: kills by pod, user, image, repository, address, wallet and rule.
import { offenders as offendersOf } from "../../keep/queries.js";
import { DAY_MS, KINDS, type Kind } from "../../keep/store.js";
import { linkTo } from "../address.js";
import { type Html, html } from "../html.js";
import { layout, number, type PageParts, time } from "../parts.js";
import type { Asked } from "../server.js";

const DAYS = [1, 7, 30, 365];
const MOST = 100;

export function offenders({ db, now, elsewhere }: PageParts, { path, params }: Asked): Html | null {
  if (path !== "/offenders") return null;
  const kind: Kind = KINDS.find((one) => one === params.get("by")) ?? "pod";
  const days = DAYS.find((one) => String(one) === params.get("days")) ?? 7;
  const rows = offendersOf(db(), kind, now() - (days - 1) * DAY_MS, MOST);
  const choice = (name: string, by: string, of: number, isHere: boolean) =>
    html` <a href="/offenders?by=${by}&#38;days=${of}"${isHere ? html` aria-current="true"` : ""}>${name}</a>`;
  const main = html`
<p class="choices">By ${KINDS.map((one) => choice(one, one, days, one === kind))}</p>
<p class="choices">Days ${DAYS.map((one) => choice(String(one), kind, one, one === days))}</p>
${
  rows.length === 0
    ? html`<p class="none">None in this time. Repositories and addresses are known where the agents have <code>lookupEnvs</code>.</p>`
    : html`<div class="wide"><table class="rows">
<thead><tr><th scope="col">${kind}</th><th scope="col" class="n">Kills</th><th scope="col" class="n">On days</th><th scope="col">First (UTC)</th><th scope="col">Last (UTC)</th>${elsewhere === undefined ? "" : html`<th scope="col">Elsewhere</th>`}</tr></thead>
<tbody>${rows.map(
        ({ name, kills, days: on, first, last }) => html`<tr>
<td data-label="${kind}"><a class="open" href="${filterOf(kind, name)}">${name}</a></td>
<td data-label="Kills" class="n">${number(kills)}</td><td data-label="On days" class="n">${number(on)}</td>
<td data-label="First">${time(first)}</td><td data-label="Last">${time(last)}</td>${elsewhere === undefined ? "" : html`<td data-label="Elsewhere">${knownBy(elsewhere(kind, name))}</td>`}</tr>`,
      )}</tbody></table></div>`
}`;
  return layout("Offenders", "/offenders", main);
}

/** Other deployments' word, which is none of ours to act on. */
export function knownBy(line: { readonly kills: number; readonly last: string } | null): Html | string {
  return line === null ? "" : html`${number(line.kills)} kills, the last ${time(Date.parse(line.last))}`;
}

function filterOf(kind: Kind, name: string): string {
  const none = new URLSearchParams();
  if (kind !== "pod") return linkTo("/kills", none, { [kind]: name });
  const slash = name.indexOf("/");
  return linkTo("/kills", none, { namespace: name.slice(0, slash), pod: name.slice(slash + 1) });
}
