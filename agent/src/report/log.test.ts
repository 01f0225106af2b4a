import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContainerResult } from "../types.js";
import { createFormatter } from "./log.js";

const bytes = (text: string): Buffer => Buffer.from(text);
const formatter = createFormatter({ timestamp: () => "2024-01-31T16:59:32.990489Z" });

test("a notice about the agent has the contract's last keys", () => {
  assert.equal(
    formatter.notice("info", "Config reloaded", { strings: 3 }).text,
    '{"strings":3,"event":"Config reloaded","level":"info","timestamp":"2024-01-31T16:59:32.990489Z"}\n',
  );
});

test("a detector's line has its words, then the container's, within `container` if it asks for that", () => {
  const container: ContainerResult = { kind: "container", type: "cri", id: "ab", labels: { a: "b" }, image: "i:1" };
  const own = (nestsContainer: boolean) =>
    formatter
      .lines(
        {
          kind: "kill",
          level: "info",
          cgroup: { source: "kernel", paths: ["/"] },
          pid: 7,
          source: "s",
          nestsContainer,
          fill(fields) {
            fields.set("pid", 7);
            fields.list("cmdline", [bytes("a"), bytes("b\u202e")]);
          },
        },
        container,
      )
      .map(({ text }) => text);
  const time = '"level":"info","timestamp":"2024-01-31T16:59:32.990489Z"';
  assert.deepEqual(own(true), [
    `{"pid":7,"cmdline":["a","b\\u202e"],"container":{"container_type":"cri","labels":{"a":"b"},"image":"i:1","container_id":"ab"},${time}}\n`,
  ]);
  assert.deepEqual(own(false), [
    `{"pid":7,"cmdline":["a","b\\u202e"],"container_type":"cri","labels":{"a":"b"},"image":"i:1",${time},"container_id":"ab"}\n`,
  ]);
});
