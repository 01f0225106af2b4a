import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError } from "../../config/index.js";
import { bucketOf } from "./kernel-settings.js";
import { parseFlag, parseSettings, settingsOf } from "./settings.js";

const problemsOf = (text: string) => {
  try {
    parseSettings("f.json", text);
    return [];
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems.map(({ place, expected, got, hint }) => [place, expected, got, hint]);
  }
};

test("what a public deployment of the earlier chart says is taken as it is", () => {
  const text = JSON.stringify({
    FlowKiller: {
      banned_ipv4_file_globs: ["/ban-config/*.txt"],
      log_container_envs: ["BINDER_CLIENT_IP", "BINDER_REF_URL"],
      unique_destinations_threshold: 24,
      lookback_duration_seconds: 60,
      log_connects: true,
      log_container_info: true,
      metrics_port: 12122,
      debug: false,
    },
  });
  const settings = settingsOf(parseSettings("f.json", text));
  assert.deepEqual(settings.banned_ipv4_file_globs, ["/ban-config/*.txt"]);
  assert.equal(settings.unique_destinations_threshold, 24);
  assert.equal(settings.lookback_duration_seconds, 60);
  assert.equal(settings.egress_refusal, "ECONNREFUSED");
});

test("later words win, and what is not said has its preset", () => {
  const settings = settingsOf({ unique_destinations_threshold: 24, metrics_port: 1 }, { metrics_port: 2 });
  assert.deepEqual(
    [settings.unique_destinations_threshold, settings.metrics_port, settings.lookback_duration_seconds],
    [24, 2, 30],
  );
});

test("an unknown setting is refused by name, with the nearest known", () => {
  assert.deepEqual(
    problemsOf('{"FlowKiller": {"unique_destination_threshold": 3, "xyzzy": 1}}').map((row) => [row[0], row[3]]),
    [
      ["FlowKiller.unique_destination_threshold", "did you mean unique_destinations_threshold?"],
      ["FlowKiller.xyzzy", problemsOf('{"FlowKiller": {"xyzzy": 1}}')[0]![3]],
    ],
  );
  assert.match(String(problemsOf('{"FlowKiller": {"xyzzy": 1}}')[0]![3]), /^known: banned_file_globs, /);
  assert.deepEqual(problemsOf('{"Flowkiller": {}}')[0]!.slice(0, 1), ["Flowkiller"]);
});

for (const [text, place, expected] of [
  ['{"FlowKiller": {"metrics_port": "12122"}}', "FlowKiller.metrics_port", "a whole number from 0 to 65535"],
  [
    '{"FlowKiller": {"unique_destinations_threshold": 64}}',
    "FlowKiller.unique_destinations_threshold",
    "a whole number from 0 to 63",
  ],
  [
    '{"FlowKiller": {"unique_destinations_threshold": 1.5}}',
    "FlowKiller.unique_destinations_threshold",
    "a whole number from 0 to 63",
  ],
  ['{"FlowKiller": {"log_connects": 1}}', "FlowKiller.log_connects", "true or false"],
  ['{"FlowKiller": {"banned_file_globs": [1]}}', "FlowKiller.banned_file_globs", "a list of texts"],
  ['{"FlowKiller": {"egress_refusal": "EACCES"}}', "FlowKiller.egress_refusal", "one of ECONNREFUSED, EPERM"],
  ['{"FlowKiller": []}', "FlowKiller", "an object"],
  ["[]", "", "an object with the key FlowKiller"],
  ["{", "line 1 column 2", "a key in double quotes"],
] as const) {
  test(`${text} is refused at its place`, () => {
    assert.deepEqual(problemsOf(text)[0]!.slice(0, 2), [place, expected]);
  });
}

for (const [name, text, value] of [
  ["metrics_port", "12122", 12122],
  ["metrics_port", "x", undefined],
  ["log_connects", "True", true],
  ["log_connects", "false", false],
  ["log_connects", "1", undefined],
  ["banned_ipv4_file_globs", "/a/*", ["/a/*"]],
  ["banned_ipv4_file_globs", '["/a", "/b"]', ["/a", "/b"]],
  ["banned_ipv4_file_globs", "['/a', '/b']", ["/a", "/b"]],
  ["banned_ipv4_file_globs", "[]", []],
  ["banned_ipv4_file_globs", "['/a'", undefined],
  ["egress_refusal", "EPERM", "EPERM"],
] as const) {
  test(`--FlowKiller.${name}=${text} is ${JSON.stringify(value)}`, () => {
    assert.deepEqual(parseFlag(name, text), value);
  });
}

for (const most of [1, 2, 3, 15, 40, 1000, 1_000_000]) {
  test(`a bucket for ${most} lets no more than that pass in any window`, () => {
    const { burst, everyNs } = bucketOf(most, 30);
    const within = BigInt(30_000_000_000n) / everyNs;
    // One at the window's end counts for the next one; of one alone there is no half.
    assert.ok(burst + Number(within) <= Math.max(2, most));
    assert.ok(burst >= 1 && burst <= most);
  });
}
