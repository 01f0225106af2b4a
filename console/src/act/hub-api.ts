// What is done at a JupyterHub, by its REST API. https://jupyterhub.readthedocs.io/en/stable/reference/rest-api.html
import { readFileSync } from "node:fs";
import type { Hub, Step } from "./hub-settings.js";

export interface Done {
  readonly ok: boolean;
  readonly what: string;
}

const DEADLINE_MS = 20_000;

/** Whether the hub knows this user, and, where it says so, that the pod is this user's. Never rejects. */
export async function isUsersPod(hub: Hub, user: string, pod: string): Promise<Done> {
  const { status, body } = await ask(hub, "GET", `/users/${encodeURIComponent(user)}`);
  if (status === 404) return { ok: false, what: "the hub has no such user" };
  if (status !== 200) return { ok: false, what: `the hub answers ${status}` };
  const servers = Object.values(
    (body as { servers?: Record<string, { state?: { pod_name?: unknown } }> }).servers ?? {},
  );
  const pods = servers.flatMap(({ state }) => (typeof state?.pod_name === "string" ? [state.pod_name] : []));
  // With the scope admin:server_state the hub names the pods itself.
  if (pods.length > 0 && !pods.includes(pod))
    return { ok: false, what: "the hub says that this pod is not this user's" };
  return { ok: true, what: "" };
}

export async function doStep(hub: Hub, step: Step, user: string): Promise<Done> {
  const name = encodeURIComponent(user);
  const group = `/groups/${encodeURIComponent(hub.blockGroup)}`;
  if (step === "stop")
    return said(
      await ask(hub, "DELETE", `/users/${name}/server`),
      [202, 204],
      "server stopped",
      [400, 404],
      "no server was running",
    );
  if (step === "delete")
    return said(await ask(hub, "DELETE", `/users/${name}`), [204], "user deleted", [404], "no such user");
  // 409: it is there already.
  await ask(hub, "POST", group);
  return said(await ask(hub, "POST", `${group}/users`, { users: [user] }), [200, 201], `put into ${hub.blockGroup}`);
}

/** A stopped server is started again by its user. */
export async function undoStep(hub: Hub, step: Step, user: string): Promise<Done> {
  const name = encodeURIComponent(user);
  if (step === "delete")
    return said(await ask(hub, "POST", `/users/${name}`), [201], "user made again", [409], "the user is there");
  if (step === "block")
    return said(
      await ask(hub, "DELETE", `/groups/${encodeURIComponent(hub.blockGroup)}/users`, { users: [user] }),
      [200, 204],
      `taken out of ${hub.blockGroup}`,
    );
  return { ok: true, what: "the user may start a server again" };
}

function said(
  { status }: Asked,
  good: readonly number[],
  what: string,
  also: readonly number[] = [],
  other = "",
): Done {
  if (good.includes(status)) return { ok: true, what };
  return also.includes(status)
    ? { ok: true, what: other }
    : { ok: false, what: status === 0 ? "the hub does not answer" : `the hub answers ${status}` };
}

interface Asked {
  /** 0: no answer. */
  readonly status: number;
  readonly body: unknown;
}

async function ask(hub: Hub, method: string, path: string, body?: unknown): Promise<Asked> {
  try {
    const answer = await fetch(`${hub.api}${path}`, {
      method,
      headers: {
        authorization: `token ${readFileSync(hub.tokenFile, "utf8").trim()}`,
        "content-type": "application/json",
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: "error",
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    const text = await answer.text();
    return { status: answer.status, body: text.startsWith("{") ? JSON.parse(text) : null };
  } catch {
    return { status: 0, body: null };
  }
}
