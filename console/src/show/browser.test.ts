// The pages in a real Chromium: what is new comes by itself, nothing hostile runs, and nobody is kept out by what they can't see
// or do. With SCREENSHOTS=DIR a picture of each page is written there.
import assert from "node:assert/strict";
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { type RunningConsole, startConsole } from "../console.js";
import { aHubsLog, hubLine } from "../fixtures/a-hubs-log.js";

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find((file) => existsSync(file));
const skip = CHROMIUM === undefined ? "no chromium: run tools/install-test-tools" : false;
const ASSETS = new URL("../../../../build/console/assets/", import.meta.url);
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SHOTS = process.env["SCREENSHOTS"];
const WAIT_MS = 60_000;

const LOOKS: Readonly<Record<string, BrowserContextOptions>> = {
  light: { colorScheme: "light", viewport: { width: 1280, height: 900 } },
  dark: { colorScheme: "dark", viewport: { width: 1280, height: 900 } },
  phone: { colorScheme: "light", viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 },
};

describe("the pages in Chromium", { skip }, () => {
  let dir: string;
  let log: string;
  let running: RunningConsole;
  let browser: Browser;
  const faults: string[] = [];

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), "console-browser-"));
    log = join(dir, "log");
    writeFileSync(log, aHubsLog(Date.now()));
    const list = join(dir, "encrypted-01.json");
    writeFileSync(
      list,
      JSON.stringify({
        bannedCommandStrings: ["demo-mining.example"],
        allowedCommandPatterns: ["/usr/bin/git clone( [\\w:/.-]+)+$"],
      }),
    );
    const flags = {
      log: [log],
      kubernetes: false,
      selector: "",
      node: "node-1",
      listen: "127.0.0.1:0",
      trustedProxy: [],
      proxyHeader: "x",
      config: [list],
      mode: "enforce" as const,
      showStrings: false,
      metricsPort: 0,
      podEvents: false,
      healthPort: 0,
      retainDays: 365,
      retainMegabytes: 100,
    };
    running = await startConsole(flags, ASSETS, (text) => faults.push(text));
    browser = await chromium.launch({ executablePath: CHROMIUM!, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
  });
  after(async () => {
    await browser?.close();
    await running?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  async function open(path: string, look: BrowserContextOptions = LOOKS["light"]!): Promise<Page> {
    const page = await (await browser.newContext(look)).newPage();
    page.setDefaultTimeout(WAIT_MS);
    page.on("pageerror", (error) => faults.push(String(error)));
    page.on("dialog", (dialog) => faults.push(`dialog: ${dialog.message()}`));
    page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
    await page.goto(new URL(path, running.url).href);
    return page;
  }

  const aCase = async (page: Page) => (await page.getAttribute("a.open", "href"))!;

  test("no page has a serious fault for those who read it otherwise, in light, dark and on a phone", async () => {
    const looked: readonly (readonly [string, BrowserContextOptions, (title: string) => boolean])[] = [
      ["light", LOOKS["light"]!, () => true],
      // Colours differ, and nothing else.
      ["dark", LOOKS["dark"]!, (title) => SHOTS !== undefined || title === "case"],
      ["phone", LOOKS["phone"]!, (title) => SHOTS !== undefined || title === "processes"],
    ];
    for (const [name, look, isWanted] of looked) {
      const first = await open("/kills", look);
      const paths = {
        overview: "/",
        processes: "/kills",
        case: await aCase(first),
        offenders: "/offenders?by=user&days=30",
        explain: "/explain",
      };
      await first.context().close();
      for (const [title, path] of Object.entries(paths)) {
        if (!isWanted(title)) continue;
        const page = await open(path, look);
        if (title === "explain") {
          await page.fill("#line", "./miner --url pool.demo-mining.example:3333");
          await page.click("form.ask button");
          await page.waitForSelector("main .box");
        }
        if (title === "overview") await page.waitForSelector(".uplot");
        // Asked for by the tool, which the page's own policy would not run.
        await page
          .context()
          .newCDPSession(page)
          .then((session) => session.send("Runtime.evaluate", { expression: AXE }));
        const found = await page.evaluate("axe.run()");
        const { violations } = found as { violations: { id: string; impact: string; nodes: { html: string }[] }[] };
        const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
        assert.deepEqual(
          serious.map(({ id, nodes }) => [id, nodes.slice(0, 3).map(({ html }) => html)]),
          [],
          `${title}, ${name}`,
        );
        const overflow = await page.evaluate(
          "document.documentElement.scrollWidth - document.documentElement.clientWidth",
        );
        assert.ok((overflow as number) <= 0, `${title}, ${name}: wider than the screen by ${overflow}`);
        if (SHOTS !== undefined)
          await page.screenshot({
            path: join(SHOTS, `console-${title}-${name}.png`),
            fullPage: false,
          });
        await page.context().close();
      }
    }
  });

  test("a kill shows on an open page by itself, and a hostile one runs nothing", async () => {
    const page = await open("/");
    await page.waitForFunction("document.querySelector('#live').textContent === 'Live.'");
    const begun = performance.now();
    appendFileSync(log, hubLine({ pid: 4, user: "newcomer", hub: "climate", at: Date.now() }));
    await page.waitForSelector("text=jupyter-newcomer");
    process.stderr.write(`a kill showed after ${Math.round(performance.now() - begun)} ms\n`);
    const hostile = `"><img src=x onerror=alert(1)><script>alert(2)</script>`;
    appendFileSync(log, hubLine({ pid: 5, user: hostile, hub: hostile, at: Date.now() }));
    await page.waitForSelector("text=onerror=alert(1)");
    await page.waitForSelector(".uplot");
    assert.equal(await page.locator("main img, main script").count(), 0);
    assert.deepEqual(faults, []);
    await page.context().close();
  });

  test("rows and pages are reached by keys alone", async () => {
    const page = await open("/");
    await page.keyboard.press("g");
    await page.keyboard.press("k");
    await page.waitForURL("**/kills");
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.keyboard.press("k");
    const focused = await page.evaluate("document.activeElement.getAttribute('href')");
    assert.equal(focused, await aCase(page));
    await page.keyboard.press("Enter");
    await page.waitForURL("**/kills/*-*");
    await page.keyboard.press("/");
    await page.keyboard.type("hedy");
    await page.keyboard.press("Enter");
    await page.waitForURL("**/kills?q=hedy");
    await page.waitForSelector("tbody tr");
    await page.click("#theme");
    assert.equal(await page.evaluate("document.documentElement.dataset.theme"), "dark");
    assert.deepEqual(faults, []);
    await page.context().close();
  });
});
