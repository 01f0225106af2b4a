// The console as an operator opens it: kubectl port-forward, and its first page in a Chromium.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chromium, type Page } from "playwright-core";
import { run } from "./commands.js";

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find((file) => existsSync(file));
/** For the machine that is busy: the page itself is there within a second. */
const WAIT_MS = 60_000;

export interface OpenConsole {
  /** As http://127.0.0.1:33333/ */
  readonly url: string;
  /** The overview, open and live. */
  readonly page: Page;
  close(): Promise<void>;
}

export async function openConsole(): Promise<OpenConsole> {
  if (CHROMIUM === undefined) throw new Error("no chromium: run test/cluster/install-tools");
  await run(["kubectl", "-n", "support", "rollout", "status", "deploy/support-cryptnono-console", "--timeout=100s"]);
  const forward = spawn("kubectl", ["-n", "support", "port-forward", "deploy/support-cryptnono-console", ":8080"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const url = await new Promise<string>((resolve, reject) => {
      let text = "";
      forward.stdout.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
        const port = /127\.0\.0\.1:(\d+)/.exec(text)?.[1];
        if (port !== undefined) resolve(`http://127.0.0.1:${port}/`);
      });
      forward.once("error", reject);
      forward.once("close", (code) => reject(new Error(`kubectl port-forward ended with ${code}`)));
    });
    const browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: ["--no-sandbox", "--disable-dev-shm-usage"],
    });
    const page = await browser.newPage();
    page.setDefaultTimeout(WAIT_MS);
    await page.goto(url);
    await page.waitForFunction("document.querySelector('#live').textContent === 'Live.'");
    return {
      url,
      page,
      async close() {
        await browser.close();
        forward.kill();
      },
    };
  } catch (error) {
    forward.kill();
    throw error;
  }
}
