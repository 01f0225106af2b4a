// What is told of a kill, in each receiver's form. Everything foreign in it stands where it is not obeyed: no mention, no link.
import { createHash } from "node:crypto";
import { visible } from "../show/html.js";
import { maskedLine, maskOf } from "../show/mask.js";
import type { Sighting } from "../types.js";
import type { Target } from "./settings.js";

export interface Message {
  readonly type: "kill" | "resolved";
  /** Of its pod and rule: the same for all that is told of them. */
  readonly group: string;
  readonly number: string;
  readonly sighting: Sighting;
  /** Processes before it that were not told. */
  readonly held: number;
  readonly total: number;
  readonly first: number;
  readonly at: number;
}

export interface Body {
  readonly type: string;
  readonly text: string;
}

/** A fact's name and its text, masked. */
function facts({ sighting, number, held, total, type }: Message, showStrings: boolean): (readonly [string, string])[] {
  const { namespace, pod, user, repository, address, detector, rule, node, image, cmdline, matched, wallet } = sighting;
  const mask = maskOf(matched, showStrings);
  const all: readonly (readonly [string, string | null])[] = [
    ["pod", pod === null ? null : `${namespace ?? ""}/${pod}`],
    ["user", user],
    ["repository", repository],
    ["client", address],
    ["image", image],
    ["node", node],
    ["detector", detector],
    ["rule", rule],
    ["wallet", wallet],
    ["command", type === "resolved" || cmdline === "" ? null : maskedLine(cmdline, matched, showStrings)],
    ["not told before", type === "kill" && held > 0 ? String(held) : null],
    ["in all", total > 1 ? String(total) : null],
    ["case", type === "resolved" ? null : number],
  ];
  return all.flatMap(([name, value]) =>
    value === null || value === "" ? [] : [[name, visible(mask(value)).replaceAll("\n", " ").slice(0, 500)] as const],
  );
}

const TITLES: Readonly<Record<string, string>> = {
  killed: "Killed a process",
  "kill-failed": "Could not kill a process",
  "missed-kill": "A process exited before it could be killed",
  "would-kill": "Would have killed a process",
};

function title({ type, sighting, total }: Message): string {
  if (type === "resolved")
    return `Over: ${total} ${total === 1 ? "process" : "processes"} of one pod and rule, and no more for a while`;
  const what = TITLES[sighting.action] ?? `Process: ${sighting.action}`;
  return sighting.count > 1 ? `${what}, and ${sighting.count - 1} more` : what;
}

export function bodyOf(message: Message, target: Target, consoleUrl: string | null): Body {
  const { kind, showStrings } = target;
  const shown = facts(message, showStrings);
  const link =
    consoleUrl === null || message.type === "resolved"
      ? null
      : `${consoleUrl.replace(/\/$/, "")}/kills/${message.number}`;
  if (kind === "alertmanager") return json("application/json", [alertOf(message, shown, link)]);
  if (kind === "cloudevents") return json("application/cloudevents+json", eventOf(message, shown, link));
  // Within a code span neither chat looks for mentions, links or marks.
  const lines = shown.map(([name, value]) => `${name}: \`${value.replaceAll("`", "'")}\``);
  const text = [`*${title(message)}*`, ...lines, ...(link === null ? [] : [link])].join("\n");
  if (kind === "zulip") {
    const form = {
      type: "stream",
      to: target.stream!,
      topic: target.topic ?? "cryptnono",
      content: text.replace(/^\*(.*)\*/, "**$1**"),
    };
    return { type: "application/x-www-form-urlencoded", text: new URLSearchParams(form).toString() };
  }
  if (kind === "mattermost") return json("application/json", { text: text.replace(/^\*(.*)\*/, "**$1**") });
  // https://api.slack.com/reference/surfaces/formatting#escaping
  return json("application/json", {
    text: text.replace(/[&<>]/g, (char) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[char]!),
  });
}

/** The same for each try: a receiver may tell by it what it has. */
export function idOf({ type, group, number, at }: Message): string {
  return createHash("sha256")
    .update(JSON.stringify([type, group, number, at]))
    .digest("hex")
    .slice(0, 32);
}

/** @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md */
function eventOf(message: Message, shown: readonly (readonly [string, string])[], link: string | null): unknown {
  const { sighting, type, total, held, first, at } = message;
  return {
    specversion: "1.0",
    id: idOf(message),
    source: "/cryptnono/console",
    type: type === "resolved" ? "io.cryptnono.resolved" : `io.cryptnono.${sighting.action}`,
    subject: visible(sighting.pod === null ? sighting.node : `${sighting.namespace ?? ""}/${sighting.pod}`),
    time: new Date(at).toISOString(),
    datacontenttype: "application/json",
    data: {
      title: title(message),
      ...Object.fromEntries(shown),
      count: sighting.count,
      total,
      held,
      first: new Date(first).toISOString(),
      ...(link === null ? {} : { link }),
    },
  };
}

/** @see https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml */
function alertOf(message: Message, shown: readonly (readonly [string, string])[], link: string | null): unknown {
  const { sighting, type, first, at } = message;
  const labels = {
    alertname: "CryptnonoKill",
    severity: "warning",
    namespace: sighting.namespace,
    pod: sighting.pod,
    rule: sighting.rule,
    detector: sighting.detector,
    action: sighting.action,
  };
  return {
    labels: Object.fromEntries(
      Object.entries(labels).flatMap(([key, value]) => (value ? [[key, visible(value).slice(0, 500)]] : [])),
    ),
    annotations: { summary: title(message), description: shown.map(([name, value]) => `${name}: ${value}`).join("\n") },
    startsAt: new Date(first).toISOString(),
    ...(type === "resolved" ? { endsAt: new Date(at).toISOString() } : {}),
    ...(link === null ? {} : { generatorURL: link }),
  };
}

const json = (type: string, value: unknown): Body => ({ type, text: JSON.stringify(value) });
