import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type RunningConsole, startConsole } from "../console.js";
import { RateLimit } from "./access.js";
import { html } from "./html.js";
import { maskedLine, maskOf } from "./mask.js";
import { suggestPattern } from "./pattern.js";

const ASSETS = new URL("../../../../build/console/assets/", import.meta.url);
const SECRET = "zz-banned-secret-string";
const HOSTILE = `"'><script>alert(1)</script><img src=x onerror=alert(1)>\u001b[31m\u202e\u0000javascript:alert(1)`;
const TOKEN = "0123456789abcdef0123456789abcdef";

const FLAGS = {
  log: [] as readonly string[],
  kubernetes: false,
  selector: "",
  node: HOSTILE,
  listen: "127.0.0.1:0",
  trustedProxy: [] as readonly string[],
  proxyHeader: "x-forwarded-user",
  config: [] as readonly string[],
  mode: "enforce" as const,
  showStrings: false,
  metricsPort: 0,
  podEvents: false,
  healthPort: 0,
  retainDays: 3650,
  retainMegabytes: 100,
};

interface Got {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

function get(
  base: string,
  path: string,
  headers: Record<string, string> = {},
  form: string | null = null,
): Promise<Got> {
  const { hostname, port } = new URL(base);
  const type = form === null ? {} : { "content-type": "application/x-www-form-urlencoded" };
  return new Promise((resolve, reject) => {
    const asked = request(
      { hostname, port, path, method: form === null ? "GET" : "POST", headers: { ...type, ...headers } },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("end", () =>
          resolve({ status: answer.statusCode!, headers: answer.headers, body: Buffer.concat(chunks).toString() }),
        );
      },
    );
    asked.on("error", reject);
    asked.end(form ?? undefined);
  });
}

/** A log with a hostile text in every field. */
function hostileLog(dir: string): string {
  const fields = [
    "cmdline",
    "source",
    "image",
    "rule",
    "container_id",
    "exe",
    "argv0",
    "comm",
    "parent",
    "note",
    "cgroup",
    "start_time",
    HOSTILE,
  ];
  const labels = Object.fromEntries(
    ["pod.name", "pod.namespace", "container.name"].map((name) => [`io.kubernetes.${name}`, HOSTILE]),
  );
  const line = {
    ...Object.fromEntries(fields.map((name) => [name, HOSTILE])),
    cmdline: `/bin/sh -c ${HOSTILE} ${SECRET}`,
    note: `about ${SECRET.toUpperCase()}`,
    matched: SECRET,
    matched_base64: Buffer.from(SECRET).toString("base64"),
    pid: 7,
    labels,
    envs: { BINDER_REF_URL: `javascript:alert(1)${HOSTILE}`, BINDER_CLIENT_IP: HOSTILE },
    action: "killed",
    event: HOSTILE,
    timestamp: new Date().toISOString(),
  };
  const notice = { event: "Guarding", level: HOSTILE, timestamp: line.timestamp, mode: HOSTILE };
  const file = join(dir, "log");
  writeFileSync(
    file,
    [line, { ...line, pid: 8, note: HOSTILE }, notice].map((one) => `${JSON.stringify(one)}\n`).join(""),
  );
  return file;
}

describe("the page", () => {
  let dir: string;
  let running: RunningConsole;
  const warnings: string[] = [];

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), "console-show-"));
    const config = join(dir, "list.json");
    writeFileSync(
      config,
      JSON.stringify({ bannedCommandStrings: [SECRET], allowedCommandPatterns: ["/bin/allowed .*$"] }),
    );
    running = await startConsole({ ...FLAGS, log: [hostileLog(dir)], config: [config] }, ASSETS, (text) =>
      warnings.push(text),
    );
    await until(async () => (await get(running.url, "/kills")).body.includes('class="open"'));
  });
  after(async () => {
    await running.stop();
    rmSync(dir, { recursive: true });
  });

  const pages = async () => {
    const list = await get(running.url, "/kills");
    const cases = [...list.body.matchAll(/href="(\/kills\/[0-9A-Z-]{9})"/g)].map(([, path]) => path!);
    assert.ok(cases.length >= 2);
    const offenders = ["pod", "user", "image", "repository", "address", "wallet", "rule"].map(
      (kind) => `/offenders?by=${kind}`,
    );
    return [
      "/",
      "/?span=day",
      "/kills",
      `/kills?q=${encodeURIComponent(HOSTILE)}`,
      `/kills?pod=${encodeURIComponent(HOSTILE)}`,
      ...offenders,
      "/explain",
      ...cases,
    ];
  };

  test("hostile bytes in every field stay text on every page, and the string stays masked", async () => {
    for (const path of await pages()) {
      const { status, body, headers } = await get(running.url, path);
      assert.equal(status, 200, path);
      assert.ok(!body.includes("<img") && !/<script(?! type="module" src="\/page\.js">)/.test(body), path);
      assert.ok(!/[\u001b\u202e\u0000]/.test(body), path);
      assert.ok(!/(?:href|action)="(?!\/|#)/.test(body), path);
      assert.ok(!body.toLowerCase().includes(SECRET), path);
      assert.ok(!body.includes(Buffer.from(SECRET).toString("base64")), path);
      assert.match(
        String(headers["content-security-policy"]),
        /default-src 'none'.*script-src 'self'.*frame-ancestors 'none'/,
      );
      const tags = (body.match(/<[a-z][^>]*>/g) ?? []).map((tag) => tag.replaceAll(/"[^"]*"/g, ""));
      assert.deepEqual(
        tags.filter((tag) => /\bon\w+=|style=/.test(tag)),
        [],
        path,
      );
    }
    const [one] = (await pages()).filter((path) => path.startsWith("/kills/"));
    assert.match((await get(running.url, one!)).body, /<mark>zz•••ng<\/mark>/);
  });

  test("explain is answered to the page's own form alone", async () => {
    const page = await get(running.url, "/explain");
    const key = /name="key" value="([^"]+)"/.exec(page.body)![1]!;
    const form = (given: string, line: string) => new URLSearchParams({ key: given, line }).toString();
    const good = await get(running.url, "/explain", {}, form(key, `/bin/sh ${SECRET}`));
    assert.match(good.body, /list\[0\]/);
    assert.match(good.body, /kill/);
    assert.match((await get(running.url, "/explain", {}, form(key, "/bin/ls 'open"))).body, /cryptnono: /);
    const refused: readonly (readonly [string, Record<string, string>, string])[] = [
      ["no key", {}, form("", "x")],
      ["a wrong key", {}, form(`${key}x`, "x")],
      ["another site", { "sec-fetch-site": "cross-site" }, form(key, "x")],
      ["another origin", { origin: "https://evil.example" }, form(key, "x")],
      ["a frame without an origin", { origin: "null" }, form(key, "x")],
    ];
    for (const [name, headers, body] of refused)
      assert.equal((await get(running.url, "/explain", headers, body)).status, 403, name);
    assert.equal(
      (await get(running.url, "/explain", { "content-type": "application/json" }, form(key, "x"))).status,
      415,
    );
    assert.equal((await get(running.url, "/explain", {}, form(key, "x".repeat(300_000)))).status, 413);
  });

  test("no path leads to a file, and none to a fault", async () => {
    const paths = [
      "/../etc/passwd",
      "/..%2f..%2fetc%2fpasswd",
      "/page.js/../../package.json",
      "/kills/../../x",
      "/%00",
      "/%",
      "//etc/passwd",
      "/__proto__",
      "/constructor",
      "/kills/constructor",
      "/page.css%00.js",
      "/assets/",
      "/\\..\\x",
      "/kills/x%2e%2e",
    ];
    for (const path of paths) {
      const { status, body } = await get(running.url, path);
      assert.ok([400, 404].includes(status), `${path}: ${status}`);
      assert.ok(!body.includes("root:") && !body.includes('"dependencies"'), path);
    }
    for (const path of [
      "/kills?before=1e99",
      "/kills?from=9999-99-99",
      "/kills?q=%FF%00%22",
      "/offenders?by=__proto__&days=-1",
      "/kills?action=killed&action=x",
      "/?span=constructor",
    ])
      assert.equal((await get(running.url, path)).status, 200, path);
    assert.equal((await get(running.url, `/${"x".repeat(9000)}`)).status, 414);
    assert.deepEqual(warnings, []);
  });

  test("a page of another name is not let in by DNS", async () => {
    assert.equal((await get(running.url, "/", { host: "evil.example:8080" })).status, 421);
    assert.equal((await get(running.url, "/", { host: "localhost:1" })).status, 200);
  });

  test("the script and the style come compressed, and not twice", async () => {
    const { headers } = await get(running.url, "/page.js", { "accept-encoding": "gzip" });
    assert.equal(headers["content-encoding"], "gzip");
    assert.equal((await get(running.url, "/page.js", { "if-none-match": String(headers["etag"]) })).status, 304);
  });

  test("an open page is told of a new row", async () => {
    const { hostname, port } = new URL(running.url);
    let text = "";
    const asked = request({ hostname, port, path: "/live" }, (answer) =>
      answer.on("data", (chunk: Buffer) => (text += chunk)),
    );
    asked.on("error", () => {});
    asked.end();
    await until(async () => text.includes("retry"));
    const line = {
      pid: 99,
      cmdline: "x",
      matched: "x",
      action: "killed",
      event: "e",
      timestamp: new Date().toISOString(),
      start_time: "s",
    };
    writeFileSync(join(dir, "log"), `${JSON.stringify(line)}\n`, { flag: "a" });
    await until(async () => text.includes("event: changed"));
    asked.destroy();
  });
});

describe("access", () => {
  async function withConsole(
    flags: Partial<Parameters<typeof startConsole>[0]>,
    act: (url: string) => Promise<void>,
  ): Promise<void> {
    const dir = mkdtempSync(join(tmpdir(), "console-access-"));
    writeFileSync(join(dir, "log"), "");
    writeFileSync(join(dir, "token"), `${TOKEN}\n`);
    const running = await startConsole(
      {
        ...FLAGS,
        log: [join(dir, "log")],
        ...flags,
        ...(flags.tokenFile === undefined ? {} : { tokenFile: join(dir, "token") }),
      },
      ASSETS,
      () => {},
    );
    try {
      await act(running.url);
    } finally {
      await running.stop();
      rmSync(dir, { recursive: true });
    }
  }

  test("the token opens, as a bearer token and as a password; wrong ones do not, and are slowed down", async () => {
    await withConsole({ tokenFile: "token" }, async (url) => {
      const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString("base64")}` });
      assert.equal((await get(url, "/", { authorization: `Bearer ${TOKEN}` })).status, 200);
      assert.equal((await get(url, "/", basic(`anybody:${TOKEN}`))).status, 200);
      const wrong: readonly Record<string, string>[] = [
        {},
        { authorization: "Bearer" },
        { authorization: `Bearer ${TOKEN}x` },
        { authorization: `Bearer ${TOKEN.slice(1)}` },
        basic(TOKEN),
        basic(`${TOKEN}:`),
        { authorization: `Digest ${TOKEN}` },
      ];
      for (const headers of wrong)
        assert.equal((await get(url, "/page.js", headers)).status, 401, JSON.stringify(headers));
      assert.match(String((await get(url, "/")).headers["www-authenticate"]), /^Basic/);
      const statuses = new Set<number>();
      for (let i = 0; i < 20; i++)
        statuses.add((await get(url, "/live", { authorization: `Bearer guess-${i}` })).status);
      assert.ok(statuses.has(429));
      assert.equal(
        (await get(url, "/", { authorization: `Bearer ${TOKEN}` })).status,
        200,
        "who has the token is not kept out",
      );
    });
  });

  test("a proxy's word counts from its own network alone", async () => {
    await withConsole({ trustedProxy: ["127.0.0.0/8"] }, async (url) => {
      assert.equal((await get(url, "/", { "x-forwarded-user": "ada" })).status, 200);
      assert.equal((await get(url, "/")).status, 403);
    });
    await withConsole({ trustedProxy: ["192.0.2.0/24"] }, async (url) => {
      assert.equal((await get(url, "/", { "x-forwarded-user": "ada" })).status, 403);
    });
  });

  test("without a secret no address beyond loopback is listened on", async () => {
    await assert.rejects(
      withConsole({ listen: "0.0.0.0:0" }, async () => {}),
      /whoever reaches it would see all/,
    );
    await assert.rejects(
      withConsole({ trustedProxy: ["10.0.0.0/99"] }, async () => {}),
      /expected an address or a network/,
    );
  });

  test("slow and oversized requests cost others nothing", async () => {
    await withConsole({}, async (url) => {
      const { hostname, port } = new URL(url);
      const sockets = Array.from({ length: 100 }, () => {
        const socket = connect(Number(port), hostname);
        socket.on("error", () => {});
        socket.write("GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");
        return socket;
      });
      const big = connect(Number(port), hostname);
      let answer = "";
      big.on("data", (chunk) => (answer += chunk)).on("error", () => {});
      big.write(`GET / HTTP/1.1\r\nHost: localhost\r\nX-Big: ${"x".repeat(64 * 1024)}\r\n\r\n`);
      await until(async () => answer !== "");
      assert.match(answer, /^HTTP\/1\.1 431/);
      assert.equal((await get(url, "/")).status, 200);
      for (const socket of [...sockets, big]) socket.destroy();
    });
  });

  test("one address may ask so often and no more, and is forgotten in time", () => {
    const limit = new RateLimit(3, 1);
    assert.deepEqual(
      [0, 0, 0, 0].map((at) => limit.allows("a", at)),
      [true, true, true, false],
    );
    assert.equal(limit.allows("b", 0), true);
    assert.equal(limit.allows("a", 1000), true);
  });
});

describe("masks", () => {
  test("a string is hidden in any case and quoting, and where it can't be found no argument is shown", () => {
    const mask = maskOf("it's a-secret", false);
    assert.equal(mask(`sh -c 'IT'"'"'s A-secret x'`), "sh -c 'it•••et x'");
    assert.equal(maskOf("a b-secret", false)("run 'a' 'b-secret'"), "run 'a •••et'".replace("a •••et", "a •••et"));
    assert.equal(maskedLine("/bin/x [...] y", "secret-one", false), "/bin/x •••");
    assert.equal(maskedLine("/bin/x secret-one", "secret-one", true), "/bin/x secret-one");
    assert.equal(maskOf("(a+)+$", false)("x (a+)+$ y"), "x ••• y");
  });

  test("a suggested pattern is the line, letter by letter; of a line that was cut there is none", () => {
    assert.equal(new RegExp(`^${suggestPattern("/bin/a.b (c)+ [d] $e")!}`).test("/bin/a.b (c)+ [d] $e"), true);
    assert.equal(suggestPattern("/bin/a [...] b"), null);
  });

  test("a template escapes what is put into it, and a template in a template stays as it is", () => {
    assert.equal(
      html`<p title="${'"><b>'}">${html`<b>${"<i>"}</b>`}${["<", "\u202e"]}${null}${false}</p>`.text,
      '<p title="&#34;&#62;&#60;b&#62;"><b>&#60;i&#62;</b>&#60;\\u{202e}</p>',
    );
  });
});

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 1000; i++) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
  assert.fail("it did not come to be");
}
