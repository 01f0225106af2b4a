// Delivers what waits, one at a time to each target, until it is taken; a target that fails keeps no other waiting.
import { readFileSync } from "node:fs";
import { bodyOf, idOf, type Message } from "./message.js";
import type { Outbox } from "./outbox.js";
import type { AlertSettings, Target } from "./settings.js";

/** Numbers that only grow. */
export interface SendCounts {
  sent: number;
  failed: number;
  /** Refused for good by the receiver. */
  refused: number;
}

export interface Sender {
  readonly counts: SendCounts;
  /** There may be something new. */
  wake(): void;
  stop(): Promise<void>;
}

export interface SendParts {
  readonly now?: () => number;
  readonly timeoutMs?: number;
  readonly firstRetryMs?: number;
  readonly lookEveryMs?: number;
}

const MAX_RETRY_MS = 300_000;

export function createSender(
  outbox: () => Outbox,
  settings: AlertSettings,
  warn: (message: string) => void,
  parts: SendParts = {},
): Sender {
  const { now = Date.now, timeoutMs = 10_000, firstRetryMs = 1000, lookEveryMs = 1000 } = parts;
  const counts: SendCounts = { sent: 0, failed: 0, refused: 0 };
  let isStopped = false;
  const busy = new Map<string, Promise<void>>();
  const looks = setInterval(wake, lookEveryMs).unref();
  return {
    counts,
    wake,
    async stop() {
      clearInterval(looks);
      isStopped = true;
      // What is under way is waited for: given up, it might have been taken, and would be told twice.
      await Promise.all(busy.values());
    },
  };

  function wake(): void {
    if (isStopped) return;
    for (const target of settings.targets) {
      if (busy.has(target.name)) continue;
      busy.set(
        target.name,
        drain(target).finally(() => busy.delete(target.name)),
      );
    }
  }

  async function drain(target: Target): Promise<void> {
    for (
      let one = outbox().next(target.name, now());
      one !== null && !isStopped;
      one = outbox().next(target.name, now())
    ) {
      const result = await post(target, one.message, settings.consoleUrl, timeoutMs);
      if (result.kind === "taken") {
        counts.sent++;
        outbox().delivered(one.id);
        continue;
      }
      if (result.kind === "refused") {
        counts.refused++;
        outbox().delivered(one.id);
        warn(`alert ${target.name}: refused, and given up: ${result.why}`);
        continue;
      }
      counts.failed++;
      if (one.tries === 0) warn(`alert ${target.name}: ${result.why}; tried again`);
      const wait = Math.max(result.waitMs, Math.min(MAX_RETRY_MS, firstRetryMs * 2 ** Math.min(one.tries, 12)));
      outbox().retry(one.id, now() + wait * (0.75 + Math.random() / 4));
      return;
    }
  }
}

export type Posted =
  | { readonly kind: "taken" }
  | { readonly kind: "refused"; readonly why: string }
  | { readonly kind: "failed"; readonly why: string; readonly waitMs: number };

/** Never rejects. */
export async function post(
  target: Target,
  message: Message,
  consoleUrl: string | null,
  timeoutMs: number,
): Promise<Posted> {
  try {
    const url = target.url ?? readFileSync(target.urlFile!, "utf8").trim();
    const { type, text } = bodyOf(message, target, consoleUrl);
    const token = target.tokenFile === undefined ? null : readFileSync(target.tokenFile, "utf8").trim();
    const authorization =
      token === null
        ? null
        : target.kind === "zulip"
          ? `Basic ${Buffer.from(`${target.user}:${token}`).toString("base64")}`
          : `Bearer ${token}`;
    const answer = await fetch(url, {
      method: "POST",
      body: text,
      headers: {
        "content-type": type,
        "idempotency-key": idOf(message),
        ...(authorization === null ? {} : { authorization }),
      },
      redirect: "error",
      signal: AbortSignal.timeout(timeoutMs),
    });
    await answer.body?.cancel();
    if (answer.ok) return { kind: "taken" };
    const why = `status ${answer.status}`;
    // What the receiver may want later: its own troubles, and a wrong or old secret, which may be put right.
    const isLater = answer.status >= 500 || [401, 403, 404, 408, 425, 429].includes(answer.status);
    if (!isLater) return { kind: "refused", why };
    const after = Number(answer.headers.get("retry-after"));
    return {
      kind: "failed",
      why,
      waitMs: Number.isFinite(after) && after > 0 ? Math.min(after * 1000, MAX_RETRY_MS) : 0,
    };
  } catch (error) {
    // The address may be the secret: only the cause's code is told.
    const cause = (error as { cause?: { code?: string } }).cause?.code ?? (error as Error).name;
    return { kind: "failed", why: `no answer (${cause})`, waitMs: 0 };
  }
}
