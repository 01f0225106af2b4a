// Open pages are told that there is something new; they ask for it themselves, by the address they have.
import type { ServerResponse } from "node:http";

const MAX_CLIENTS = 128;
/** Of many rows in a moment the pages hear once. */
const GATHER_MS = 250;
const KEEPALIVE_MS = 20_000;

export class Live {
  readonly #clients = new Set<ServerResponse>();
  readonly #keepalive = setInterval(() => this.#send(": still here\n\n"), KEEPALIVE_MS).unref();
  #timer: NodeJS.Timeout | null = null;

  add(response: ServerResponse): void {
    if (this.#clients.size >= MAX_CLIENTS) this.#clients.values().next().value?.end();
    response.writeHead(200, { "content-type": "text/event-stream", "x-accel-buffering": "no" });
    response.write("retry: 2000\n\n");
    this.#clients.add(response);
    response.on("close", () => this.#clients.delete(response));
  }

  changed(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#send("event: changed\ndata: 1\n\n");
    }, GATHER_MS).unref();
  }

  close(): void {
    clearInterval(this.#keepalive);
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const client of this.#clients) client.end();
  }

  #send(text: string): void {
    for (const client of this.#clients) {
      // A client that does not read must not cost memory.
      if (client.writableLength > 65_536) client.destroy();
      else client.write(text);
    }
  }
}
