import assert from "node:assert/strict";
import { test } from "node:test";
import { UsageError } from "../errors.js";
import { refuseOpenDoors } from "./doors.js";

const refusal = (env: NodeJS.ProcessEnv, url?: string, flags: readonly string[] = []): string | null => {
  try {
    refuseOpenDoors(env, url, flags);
    return null;
  } catch (error) {
    assert.ok(error instanceof UsageError);
    return error.message;
  }
};

for (const [name, value] of [
  ["NODE_OPTIONS", "--inspect=0.0.0.0:9229"],
  ["NODE_OPTIONS", "--max-old-space-size=100 --require /tmp/x.js"],
  ["NODE_OPTIONS", "--heapsnapshot-signal=SIGUSR2"],
  ["NODE_OPTIONS", "--max-old-space-size=100--inspect"],
  ["NODE_V8_COVERAGE", "/tmp"],
  ["NODE_PATH", "/tmp"],
  ["NODE_CHANNEL_FD", "3"],
  ["OPENSSL_CONF", "/tmp/x"],
] as const) {
  test(`${name}=${value} is refused by name, without its value`, () => {
    assert.equal(refusal({ [name]: value }), `start: ${name} is set`);
  });
}

for (const env of [
  {},
  { NODE_OPTIONS: "" },
  { NODE_OPTIONS: " --max-old-space-size=100  --no-warnings " },
  { NODE_ENV: "production", NODE_EXPORTER_PORT: "tcp://10.0.0.1:9100", UV_THREADPOOL_SIZE: "8" },
]) {
  test(`${JSON.stringify(env)} is no door`, () => assert.equal(refusal(env), null));
}

test("a debugger that a signal opened before the agent ran is refused, one that Node's command line asked for is not", () => {
  assert.equal(refusal({}, "ws://127.0.0.1:9229/x"), "start: Node's debugger is open");
  assert.equal(refusal({}, "ws://127.0.0.1:9229/x", ["--expose-gc", "--inspect"]), null);
});
