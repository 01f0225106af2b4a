// The address of a page to what is asked, and back: a link shows what its sender saw.
import { FILTERS, type Filter, type Search } from "../keep/queries.js";

const MAX_VALUE = 1024;

/** What is not known, empty or too long is left out. */
export function searchOf(params: URLSearchParams): Search {
  const filters: Partial<Record<Filter, string>> = {};
  for (const filter of FILTERS) {
    const value = given(params, filter);
    if (value !== null) filters[filter] = value;
  }
  const text = given(params, "q");
  const from = timeOf(params, "from");
  const until = timeOf(params, "until");
  const before = Number(params.get("before") ?? Number.NaN);
  return {
    filters,
    ...(text !== null && [...text].length >= 3 ? { text } : {}),
    ...(from === null ? {} : { from }),
    ...(until === null ? {} : { until }),
    ...(Number.isSafeInteger(before) && before > 0 ? { before } : {}),
  };
}

/** The page of what is asked, with some of it changed; null takes it away. */
export function linkTo(
  path: string,
  params: URLSearchParams,
  changes: Readonly<Record<string, string | null>> = {},
): string {
  const next = new URLSearchParams();
  for (const name of [...FILTERS, "q", "from", "until"]) {
    const value = name in changes ? changes[name]! : given(params, name);
    if (value !== null && value !== "") next.set(name, value);
  }
  for (const [name, value] of Object.entries(changes)) if (value !== null && !next.has(name)) next.set(name, value);
  const query = next.toString();
  return query === "" ? path : `${path}?${query}`;
}

function given(params: URLSearchParams, name: string): string | null {
  const value = params.get(name);
  return value === null || value.trim() === "" || value.length > MAX_VALUE ? null : value.trim();
}

/** A day or a time, in UTC where it does not say. */
function timeOf(params: URLSearchParams, name: string): number | null {
  const text = given(params, name);
  if (text === null || !/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?Z?)?$/.test(text)) return null;
  const time = Date.parse(text.includes("T") && !text.endsWith("Z") ? `${text}Z` : text);
  return Number.isFinite(time) ? time : null;
}
