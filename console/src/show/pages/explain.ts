// What would become of a command line, by the lists that the console was given.
import { describeError } from "@cryptnono/agent/errors";
import type { Explanation } from "../explainer.js";
import { type Html, html } from "../html.js";
import { layout, type PageParts } from "../parts.js";
import type { Asked } from "../server.js";

export async function explain({ explainer }: PageParts, { path, form, formKey }: Asked): Promise<Html | null> {
  if (path !== "/explain") return null;
  const line = form?.get("line") ?? "";
  const main = html`
<p>Paste a command line, or a line of the log. It is split as a shell would, and nothing of it runs.</p>
<form action="/explain" method="post" class="ask">
<input type="hidden" name="key" value="${formKey}">
<label for="line">Command line</label>
<textarea id="line" name="line" rows="4" spellcheck="false" autocomplete="off" required>${line}</textarea>
<button${explainer === null ? html` disabled` : ""}>Explain</button>
</form>
${explainer === null ? html`<p class="none">The console was started without --config, and knows no lists.</p>` : ""}
<div aria-live="polite">${explainer === null || line.trim() === "" ? "" : await answer(explainer, line)}</div>`;
  return layout("Explain", "/explain", main);
}

async function answer(explainer: NonNullable<PageParts["explainer"]>, line: string): Promise<Html> {
  try {
    const { explanation, sentence } = await explainer.explain(line);
    return verdict(explanation, sentence);
  } catch (error) {
    if (!(error instanceof Error) || !("hint" in error || error.name === "ConfigError")) throw error;
    return html`<div class="box alarm"><p>${describeError(error)}</p></div>`;
  }
}

const TONES = { killed: "alarm", "would-kill": "warn", spared: "good", passes: "good" } as const;

function verdict({ verdict, strings, patterns, notes }: Explanation, sentence: string): Html {
  return html`<section class="box ${TONES[verdict]}"><h2>${sentence}</h2>
${notes.map((note) => html`<p>${note}</p>`)}
${strings.length === 0 ? "" : html`<h3>Strings</h3><ul>${strings.map(({ rule, mode, outcome, note, sparedBy }) => html`<li><code>${rule}</code> (${mode}): ${outcome}${sparedBy === undefined ? "" : html`, by <code>${sparedBy}</code>`}${note === undefined ? "" : html`. ${note}`}</li>`)}</ul>`}
${patterns.length === 0 ? "" : html`<h3>Allow patterns</h3><ul>${patterns.map(({ rule, pattern, matches, went }) => html`<li><code>${rule}</code> ${matches ? "matches" : "does not match"}: <code>${pattern}</code>${went === undefined || matches ? "" : html`; it goes along for ${went.bytes} of ${went.of} bytes`}</li>`)}</ul>`}
</section>`;
}
