// A narrow scope as a config has it. A pattern that no name could match is an error: its string would guard nothing, in silence.
import { type ConfigFields, type JsonNode, kind } from "../../../config/index.js";
import type { NarrowScope } from "./scope.js";

const KEYS = ["namespaces", "pods", "labels"] as const;
/** Patterns of one key, and labels. */
const MOST = 32;
/** What names are made of, and how long they may be (Kubernetes: RFC 1123 labels and subdomains, label keys and values). */
const NAMES = {
  namespace: { form: /^[a-z0-9.*?-]+$/, most: 63, of: "small letters, digits, `-`, `*` and `?`" },
  pod: { form: /^[a-z0-9.*?-]+$/, most: 253, of: "small letters, digits, `-`, `.`, `*` and `?`" },
  value: { form: /^[\w.*?-]*$/, most: 63, of: "letters, digits, `-`, `_`, `.`, `*` and `?`" },
} as const;
const LABEL = /^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?$/;

/** @param node - An object. */
export function parseNarrow(
  fields: Pick<ConfigFields, "problem" | "members">,
  node: Extract<JsonNode, { readonly type: "object" }>,
  place: string,
): NarrowScope | undefined {
  const members = fields.members(node.members, KEYS, place);
  if (members.size === 0) {
    fields.problem(place, "one of namespaces, pods and labels", "none", 'for any container there is "containers"');
    return undefined;
  }
  const namespaces = patternsIn(fields, members.get("namespaces"), `${place}.namespaces`, "namespace");
  const pods = patternsIn(fields, members.get("pods"), `${place}.pods`, "pod");
  const labels = labelsIn(fields, members.get("labels"), `${place}.labels`);
  return {
    ...(namespaces === undefined ? {} : { namespaces }),
    ...(pods === undefined ? {} : { pods }),
    ...(labels === undefined ? {} : { labels }),
  };
}

function labelsIn(
  fields: Pick<ConfigFields, "problem">,
  node: JsonNode | undefined,
  place: string,
): NarrowScope["labels"] | undefined {
  if (node === undefined) return undefined;
  if (node.type !== "object" || node.members.length === 0 || node.members.length > MOST) {
    const got = node.type === "object" ? `${node.members.length}` : kind(node);
    fields.problem(place, `an object of 1 to ${MOST} labels, each with its patterns`, got);
    return undefined;
  }
  const labels: [string, readonly string[]][] = [];
  for (const { key, value } of node.members) {
    if (LABEL.test(key)) {
      const patterns = patternsIn(fields, value, `${place}.${key}`, "value");
      if (patterns !== undefined) labels.push([key, patterns]);
    } else fields.problem(place, "names of labels, without patterns", "another word", "patterns are for their values");
  }
  return Object.fromEntries(labels);
}

function patternsIn(
  fields: Pick<ConfigFields, "problem">,
  node: JsonNode | undefined,
  place: string,
  which: keyof typeof NAMES,
): readonly string[] | undefined {
  if (node === undefined) return undefined;
  const items = node.type === "array" ? node.items : [node];
  if (items.length === 0 || items.length > MOST) {
    fields.problem(place, `1 to ${MOST} patterns`, `${items.length}`);
    return undefined;
  }
  const { form, most, of } = NAMES[which];
  const patterns: string[] = [];
  for (const [i, item] of items.entries()) {
    const where = node.type === "array" ? `${place}[${i}]` : place;
    if (item.type !== "string") {
      fields.problem(where, "a pattern", kind(item));
      continue;
    }
    const { value } = item;
    const least = value.replaceAll("*", "").length;
    if (!form.test(value))
      fields.problem(
        where,
        of,
        "something else",
        `no ${which === "value" ? "label's value" : `${which}'s name`} has it`,
      );
    else if (least > most || value.length > 4 * most) fields.problem(where, `at most ${most} characters`, `${least}`);
    else patterns.push(value);
  }
  return patterns;
}
