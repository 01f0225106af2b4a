// What was done at hubs, why, and its undoing; and the ban lists to review.
import type { Actor } from "../../act/actor.js";
import { binderLists } from "../../act/binder-lists.js";
import { type Html, html } from "../html.js";
import { layout, type PageParts, time } from "../parts.js";
import type { Answer, Asked } from "../server.js";

const LIST_DAYS = 30;
const LIST_KILLS = 3;

export async function actions(
  { db, now }: PageParts,
  actor: Actor | null,
  { path, form, formKey }: Asked,
): Promise<Answer | null> {
  if (path === "/actions/lists.yaml") {
    const body = binderLists(db(), { atLeast: LIST_KILLS, days: LIST_DAYS, now: now() });
    return { type: "text/plain; charset=utf-8", body, file: "lists.yaml" };
  }
  if (path !== "/actions") return null;
  if (form !== null && actor !== null) {
    await actor.undo(Number(form.get("undo") ?? Number.NaN) || 0);
    return { redirect: "/actions" };
  }
  const rows = actor?.rows() ?? [];
  const undo = (id: number): Html =>
    html`<form method="post" action="/actions"><input type="hidden" name="key" value="${formKey}"><input type="hidden" name="undo" value="${id}"><button>Undo</button></form>`;
  const main = html`
${actor === null ? html`<p class="none">The console was started without --act, and does nothing at any hub.</p>` : ""}
${
  rows.length === 0
    ? html`<p class="none">Nothing was done.</p>`
    : html`<div class="wide"><table class="rows"><thead><tr><th scope="col">Time (UTC)</th><th scope="col">Hub</th><th scope="col">User</th><th scope="col">Step</th><th scope="col">Reason</th><th scope="col">Result</th><th scope="col">Undo</th></tr></thead>
<tbody>${rows.map(
        (
          row,
        ) => html`<tr><td data-label="Time">${time(row.at)}</td><td data-label="Hub">${row.namespace}</td><td data-label="User">${row.user}</td><td data-label="Step">${row.step}${row.dry === 1 ? " (dry run)" : ""}</td><td data-label="Reason">${row.reason}</td><td data-label="Result">${row.result}</td>
<td data-label="Undo">${row.undone !== null ? html`undone ${time(row.undone)}` : row.dry === 0 && row.ok === 1 && row.step !== "stop" ? undo(row.id) : ""}</td></tr>`,
      )}</tbody></table></div>`
}
<section><h2>Lists to review</h2>
<p><a href="/actions/lists.yaml">banned_specs, ban_networks and blocked_users</a> of who had ${LIST_KILLS} kills or more in ${LIST_DAYS} days. Nothing of it is in force until you put it there.</p></section>`;
  return layout("Actions", "/actions", main);
}
