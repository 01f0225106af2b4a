// The Docker client: four GET requests of the Engine API over its unix socket. Plain node:http and no library, since the
// libraries for it (dockerode) bring SSH, tar and protobuf code that an agent with a memory limit has no use for.
import { Agent, type IncomingMessage, request } from "node:http";
import { chosenEnvs } from "./envs.js";
import { imageDigest, imageName } from "./image.js";
import {
  asRuntimeError,
  boundFacts,
  type ContainerFacts,
  fromErrno,
  pacer,
  type Runtime,
  RuntimeError,
} from "./runtime.js";

/** A list of 500 containers is about 1 MB. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;
/** One event with its container's labels. */
const MAX_EVENT_BYTES = 256 * 1024;

/**
 * Open a Docker daemon. Connects with the first call; the socket need not be there. Paths carry no API version, which asks
 * for the daemon's own: any version written here falls below the minimum of some later daemon.
 *
 * @param envs - Names of environment variables that `inspect` tells, from the containers' configs.
 * @see https://docs.docker.com/reference/api/engine/
 */
export function openDocker(socketPath: string, envs: readonly string[] = []): Runtime {
  let agent = connections();
  const underWay = new Set<AbortController>();
  let isClosed = false;

  function begin(): AbortController {
    if (isClosed) throw new RuntimeError("failed", "closed");
    const call = new AbortController();
    underWay.add(call);
    return call;
  }

  /** @returns null for 404. */
  async function get(path: string, timeoutMs: number): Promise<unknown> {
    const call = begin();
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      call.abort();
    }, timeoutMs);
    try {
      const response = await send({ socketPath, path, agent, signal: call.signal });
      const body = await readAll(response);
      if (response.statusCode === 404) return null;
      if (response.statusCode !== 200) throw new RuntimeError("failed", `HTTP ${response.statusCode}`);
      return JSON.parse(body);
    } catch (error) {
      throw isLate
        ? new RuntimeError("timeout", `no answer within ${timeoutMs} ms`, { cause: error })
        : fromHttp(error);
    } finally {
      clearTimeout(timer);
      underWay.delete(call);
    }
  }

  return {
    async list(timeoutMs) {
      const answer = await get("/containers/json", timeoutMs);
      if (!Array.isArray(answer)) throw new RuntimeError("unsupported", "answer to /containers/json is not a list");
      return answer.map(fromListed).filter((facts) => facts !== null);
    },

    async inspect(id, timeoutMs) {
      const container = record(await get(`/containers/${encodeURIComponent(id)}/json`, timeoutMs));
      // The daemon takes names and shortened ids too; only the whole id names it here.
      if (container === null || string(container["Id"]) !== id) return null;
      const config = record(container["Config"]);
      const imageId = string(container["Image"]);
      // An image that was removed while its container runs is 404: the container's words remain.
      const image = record(await get(`/images/${encodeURIComponent(imageId)}/json`, timeoutMs));
      const digest = imageDigest([...strings(image?.["RepoDigests"]), imageId]);
      return boundFacts({
        type: "docker",
        id,
        labels: stringRecord(config?.["Labels"]),
        image: imageName([writtenName(string(config?.["Image"]), imageId), ...strings(image?.["RepoTags"]), imageId]),
        ...(digest === undefined ? {} : { imageDigest: digest }),
        ...(envs.length === 0 ? {} : { envs: chosenEnvs(strings(config?.["Env"]), envs) }),
        complete: true,
      });
    },

    async watch(onContainer, signal) {
      const filters = encodeURIComponent(JSON.stringify({ type: ["container"], event: ["create", "start"] }));
      const call = begin();
      const stop = () => call.abort();
      signal.addEventListener("abort", stop, { once: true });
      try {
        // A connection of its own, so that look-ups are never behind the stream.
        const response = await send({
          socketPath,
          path: `/events?filters=${filters}`,
          agent: false,
          signal: call.signal,
        });
        if (response.statusCode !== 200) {
          response.destroy();
          throw new RuntimeError("failed", `HTTP ${response.statusCode}`);
        }
        await readLines(response, (line) => {
          const facts = fromEvent(line);
          if (facts !== null) onContainer(facts.id, facts);
        });
      } catch (error) {
        throw fromHttp(error);
      } finally {
        signal.removeEventListener("abort", stop);
        underWay.delete(call);
      }
    },

    reset() {
      agent.destroy();
      agent = connections();
    },

    close() {
      isClosed = true;
      for (const call of underWay) call.abort();
      agent.destroy();
    },
  };
}

function connections(): Agent {
  return new Agent({ keepAlive: true, maxSockets: 8, maxFreeSockets: 1 });
}

interface Get {
  readonly socketPath: string;
  readonly path: string;
  readonly agent: Agent | false;
  readonly signal: AbortSignal;
}

function send(get: Get): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ ...get, method: "GET", headers: { host: "docker" } }, resolve);
    outgoing.on("error", reject);
    outgoing.end();
  });
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_ANSWER_BYTES) throw new RuntimeError("failed", `answer longer than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** Split into lines as they come. A line that is too long is passed over to its end. */
function readLines(response: IncomingMessage, onLine: (line: string) => void): Promise<void> {
  const pace = pacer(response);
  let rest: Buffer[] = [];
  let restLength = 0;
  return new Promise((resolve, reject) => {
    response.on("data", (chunk: Buffer) => {
      let from = 0;
      for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
        keep(chunk.subarray(from, end));
        from = end + 1;
        if (restLength <= MAX_EVENT_BYTES) onLine(Buffer.concat(rest).toString("utf8"));
        rest = [];
        restLength = 0;
        pace();
      }
      keep(chunk.subarray(from));
    });
    response.on("end", resolve);
    response.on("error", reject);
  });

  function keep(part: Buffer): void {
    restLength += part.length;
    if (restLength <= MAX_EVENT_BYTES) rest.push(part);
    else rest = [];
  }
}

function fromListed(value: unknown): ContainerFacts | null {
  const listed = record(value);
  if (listed === null) return null;
  const imageId = string(listed["ImageID"]);
  const digest = imageDigest([imageId]);
  return boundFacts({
    type: "docker",
    id: string(listed["Id"]),
    labels: stringRecord(listed["Labels"]),
    image: imageName([string(listed["Image"]), imageId]),
    ...(digest === undefined ? {} : { imageDigest: digest }),
    complete: false,
  });
}

/** An event's attributes are the container's labels with `image` and `name` put among them. */
function fromEvent(line: string): ContainerFacts | null {
  let event: unknown;
  try {
    event = JSON.parse(line);
  } catch {
    return null;
  }
  const actor = record(record(event)?.["Actor"]);
  if (actor === null) return null;
  const { image = "", name: _name, ...labels } = stringRecord(actor["Attributes"]);
  return boundFacts({ type: "docker", id: string(actor["ID"]), labels, image, complete: false });
}

/** What the container was made with, unless that was a shortened image id (`docker run 0123456789ab`), which is no name. */
function writtenName(written: string, imageId: string): string {
  const isId = /^[0-9a-f]{4,64}$/.test(written) && imageId.startsWith(`sha256:${written}`);
  return isId ? "" : written;
}

function fromHttp(error: unknown): RuntimeError {
  if (error instanceof SyntaxError) return new RuntimeError("failed", "answer is not JSON", { cause: error });
  const { code = "" } = error as NodeJS.ErrnoException;
  // The parser's own errors: whatever answers, it is not HTTP/1.
  if (code.startsWith("HPE_")) return new RuntimeError("unsupported", "not HTTP", { cause: error });
  return fromErrno(error) ?? asRuntimeError(error);
}

function record(value: unknown): Record<string, unknown> | null {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
}

function string(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function strings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

function stringRecord(value: unknown): Record<string, string> {
  const entries = Object.entries(record(value) ?? {});
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"));
}
