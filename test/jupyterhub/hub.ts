// A real JupyterHub with its proxy and one user's server, and what that user can do there.
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import { ended, until } from "./processes.js";

const CONFIG = join(import.meta.dirname, "../../jupyterhub/jupyterhub_config.py");
/** A hub and a server each take some seconds to start, on a busy machine many. */
const START_SECONDS = 240;

export interface Hub {
  /** As http://127.0.0.1:33334/hub/api */
  readonly api: string;
  /** Of the service cryptnono, with the scopes that the documentation names. */
  readonly token: string;
  startServer(user: string): Promise<void>;
  isServerUp(user: string): Promise<boolean>;
  /** The status of the answer to a login by the page's form: 302 lets the user in. */
  login(user: string): Promise<number>;
  close(): Promise<void>;
}

/** @param tools - Where install-tools has put them. */
export async function startHub(tools: string, dir: string): Promise<Hub> {
  const port = await freePorts();
  const [token, own] = [randomBytes(32).toString("hex"), randomBytes(32).toString("hex")];
  mkdirSync(dir, { recursive: true });
  const child = spawn(join(tools, "python/bin/jupyterhub"), ["-f", CONFIG], {
    cwd: dir,
    env: {
      ...process.env,
      HUB_TOOLS: tools,
      HUB_PORT: String(port),
      CRYPTNONO_TOKEN: token,
      TEST_TOKEN: own,
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    log = (log + text).slice(-8000);
  });
  const api = `http://127.0.0.1:${port + 1}/hub/api`;
  const ask = (method: string, path: string) =>
    fetch(api + path, { method, headers: { authorization: `token ${own}` } });
  try {
    await until("the hub answers", START_SECONDS, async () => {
      if (child.exitCode !== null) throw new Error(`jupyterhub ended with ${child.exitCode}`);
      // Its own page comes through the proxy.
      const answer = await fetch(`http://127.0.0.1:${port}/hub/login`).catch(() => null);
      return answer?.ok === true;
    });
  } catch (error) {
    await stop(child);
    throw new Error(`${(error as Error).message}; its log ends:\n${log}`, { cause: error });
  }

  return {
    api,
    token,
    async startServer(user) {
      await ask("POST", `/users/${user}`);
      await ask("POST", `/users/${user}/server`);
      await until(`${user}'s server is up`, START_SECONDS, () => isServerUp(user)).catch((error: unknown) => {
        throw new Error(`${(error as Error).message}; the hub's log ends:\n${log}`, { cause: error });
      });
    },
    isServerUp,
    async login(user) {
      const form = await asBrowser(port, "GET");
      const cookie = form.cookies.map((one) => one.split(";")[0]).join("; ");
      const [, key = ""] = /name="_xsrf" value="([^"]+)"/.exec(form.text) ?? [];
      const { status } = await asBrowser(port, "POST", cookie, { username: user, password: "any", _xsrf: key });
      return status;
    },
    close: () => stop(child),
  };

  async function isServerUp(user: string): Promise<boolean> {
    const { servers } = (await (await ask("GET", `/users/${user}`)).json()) as {
      servers: Record<string, { ready: boolean }>;
    };
    return servers[""]?.ready === true;
  }
}

interface Page {
  readonly status: number;
  readonly cookies: readonly string[];
  readonly text: string;
}

/** The login page. By hand: fetch says that it is no browser's navigation, and the hub then gives no cookie to go on with. */
function asBrowser(port: number, method: string, cookie = "", form: Readonly<Record<string, string>> = {}) {
  const headers = {
    "sec-fetch-mode": "navigate",
    "content-type": "application/x-www-form-urlencoded",
    ...(cookie === "" ? {} : { cookie }),
  };
  return new Promise<Page>((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, path: "/hub/login", method, headers }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      answer.on("end", () =>
        resolve({ status: answer.statusCode ?? 0, cookies: answer.headers["set-cookie"] ?? [], text }),
      );
    });
    asked.on("error", reject);
    asked.end(method === "GET" ? undefined : new URLSearchParams(form).toString());
  });
}

/** A hub that is told to end ends its proxy and its users' servers. */
async function stop(child: ChildProcess): Promise<void> {
  child.kill("SIGTERM");
  await ended(child);
}

/** The first of three in a row. */
async function freePorts(): Promise<number> {
  for (;;) {
    const first = 20_000 + Math.floor(Math.random() * 12_000);
    const free = await Promise.all([first, first + 1, first + 2].map(isFree));
    if (free.every(Boolean)) return first;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
