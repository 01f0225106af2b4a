// Proof that the guard works: a child of the agent's own, with a random string on its command line, must die at exec.
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import type { AskedSelfTest, SelfTestResult } from "../../run/detector.js";
import type { Rule } from "./types.js";

/** A process that is killed at exec ends within milliseconds; a machine under load may need longer to start it. */
const DEADLINE_MS = 10_000;

/** Reports about this list are nobody's business. */
export const SELF_TEST_LIST = "self-test";

const PREFIX = "cryptnono-self-test-";

/** Whether a match is a self-test's: this agent's, or that of an earlier one whose list nobody knows any more. */
export function isSelfTest(rule: Rule | null, matched: Uint8Array | undefined): boolean {
  if (rule !== null) return rule.list === SELF_TEST_LIST;
  return matched !== undefined && new TextDecoder().decode(matched.subarray(0, PREFIX.length)) === PREFIX;
}

/** The string of this agent's self-test, as one more rule. Random for each agent, so that no one else runs into it. */
export function selfTestRule(): Rule {
  const value = new TextEncoder().encode(`${PREFIX}${randomBytes(16).toString("hex")}`);
  return { value, mode: "word", list: SELF_TEST_LIST, index: 0, action: "enforce", allowSet: 0 };
}

/**
 * Start a child with the rule's string as its argument and see it die. Its program would print a version and end.
 *
 * @returns a promise that does not reject: what keeps a child from being started is a result too.
 */
export function runSelfTest(
  { value }: Rule,
  program = process.execPath,
  start = spawn,
  onStart: (pid: number) => void = () => {},
): Promise<SelfTestResult> {
  return new Promise((resolve) => {
    let child: ChildProcess;
    try {
      child = start(program, ["--version", new TextDecoder().decode(value)], { stdio: "ignore" });
    } catch {
      resolve("could not be started"); // for want of memory, descriptors or processes
      return;
    }
    if (child.pid !== undefined) onStart(child.pid);
    const deadline = setTimeout(() => {
      child.kill("SIGKILL");
      resolve("did not end");
    }, DEADLINE_MS);
    child.once("error", () => {
      clearTimeout(deadline);
      resolve("could not be started");
    });
    child.once("exit", (_code, signal) => {
      clearTimeout(deadline);
      resolve(signal === "SIGKILL" ? "killed" : "survived");
    });
  });
}

/** Longest that the kernel's event of a child that is dead takes to be read. */
const EVENT_MS = 5_000;

/** Self-tests that an operator asks for, one at a time: the kernel's event of the child belongs to them. */
export class AskedTest {
  #pid = 0;
  #told: (latencyUs: number) => void = () => {};

  /** The kernel's event of a self-test's child. */
  onEvent(pid: number, latencyNs: bigint): void {
    if (pid === this.#pid) this.#told(Number(latencyNs) / 1000);
  }

  async run(test: (onStart: (pid: number) => void) => Promise<SelfTestResult>): Promise<AskedSelfTest> {
    const told = new Promise<number>((resolve) => {
      this.#told = resolve;
    });
    const result = await test((pid) => {
      this.#pid = pid;
    });
    if (result !== "killed") return { result, latencyUs: null };
    let deadline: NodeJS.Timeout | undefined;
    const late = new Promise<null>((resolve) => {
      deadline = setTimeout(() => resolve(null), EVENT_MS);
    });
    const latencyUs = await Promise.race([told, late]);
    clearTimeout(deadline);
    return { result, latencyUs };
  }
}
