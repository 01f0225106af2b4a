// `cryptnono console --alerts FILE --test-alert`: one made-up kill to each target, and what became of it.
import type { Message } from "./message.js";
import { post } from "./sender.js";
import type { AlertSettings } from "./settings.js";

/** @returns whether all took it. */
export async function testAlert(
  { targets, consoleUrl }: AlertSettings,
  print: (line: string) => void,
  nowMs = Date.now(),
): Promise<boolean> {
  let isGood = true;
  for (const target of targets) {
    const result = await post(target, madeUp(nowMs), consoleUrl, 10_000);
    if (result.kind !== "taken") isGood = false;
    print(`${target.name}: ${result.kind === "taken" ? "taken" : `${result.kind}: ${result.why}`}`);
  }
  return isGood;
}

function madeUp(at: number): Message {
  const none = {
    pid: null,
    startTime: null,
    container: null,
    containerId: null,
    image: null,
    user: null,
    repository: null,
    address: null,
    wallet: null,
  };
  return {
    type: "kill",
    group: "test",
    number: "TEST-0000",
    held: 0,
    total: 1,
    first: at,
    at,
    sighting: {
      ...none,
      at,
      node: "test",
      action: "killed",
      count: 1,
      detector: "test",
      cmdline: "this is a test of the alerts",
      matched: null,
      rule: "test[0]",
      namespace: "test",
      pod: "test",
      line: "",
    },
  };
}
