// One container's log from the API, followed until it breaks. The client library has a way of its own, which does not tell that
// a stream has broken.
import { request as requestHttp } from "node:http";
import { type RequestOptions, request as requestHttps } from "node:https";
import type { KubeConfig } from "@kubernetes/client-node";

export interface LogOf {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** RFC 3339. Null: from its beginning. */
  readonly sinceTime: string | null;
  /** What the container wrote before it was started again, and not what it writes now. */
  readonly isPrevious?: boolean;
  /** Up to what there is now. */
  readonly isOnce?: boolean;
}

/** The API refused. */
export class LogRefused extends Error {
  override readonly name = "LogRefused";
}

/** For the answer's head; after that an agent may be silent for days, and TCP's own probes find a peer that is gone. */
const ANSWER_MS = 30_000;

/**
 * Resolves when the log has ended: the container has, or did before.
 *
 * @throws LogRefused, or the error of a connection.
 */
export async function followLog(
  config: KubeConfig,
  log: LogOf,
  onBytes: (bytes: Uint8Array) => void,
  signal: AbortSignal,
): Promise<void> {
  const server = config.getCurrentCluster()?.server;
  if (server === undefined) throw new LogRefused("no cluster is configured");
  const { namespace, pod, container, sinceTime, isPrevious = false, isOnce = false } = log;
  const url = new URL(
    `${server}/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/log`,
  );
  url.searchParams.set("container", container);
  if (isPrevious) url.searchParams.set("previous", "true");
  else if (!isOnce) url.searchParams.set("follow", "true");
  url.searchParams.set("timestamps", "true");
  if (sinceTime !== null) url.searchParams.set("sinceTime", sinceTime);
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const request = url.protocol === "http:" ? requestHttp : requestHttps;
  await new Promise<void>((resolve, reject) => {
    const asked = request(
      url,
      { ...options, agent: url.protocol === "http:" ? false : (options.agent ?? false), signal },
      (answer) => {
        asked.setTimeout(0);
        if (answer.statusCode !== 200) {
          let body = "";
          answer.on("data", (bytes: Buffer) => {
            if (body.length < 4096) body += bytes.toString();
          });
          answer.on("end", () => reject(new LogRefused(`${answer.statusCode}: ${messageOf(body)}`)));
          answer.on("error", reject);
          return;
        }
        answer.on("data", onBytes);
        answer.on("end", () => (answer.complete ? resolve() : reject(new Error("the stream broke off"))));
        answer.on("error", reject);
      },
    );
    asked.setTimeout(ANSWER_MS, () => asked.destroy(new Error(`no answer within ${ANSWER_MS / 1000} s`)));
    asked.on("socket", (socket) => socket.setKeepAlive(true, 30_000));
    asked.on("error", reject);
    asked.end();
  });
}

function messageOf(body: string): string {
  try {
    const { message } = JSON.parse(body) as { message?: unknown };
    return typeof message === "string" ? message.slice(0, 300) : "";
  } catch {
    return "";
  }
}
