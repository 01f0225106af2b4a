// A candidate's way: made beside the list in force, refused by the gate for what it did, promoted for what it did not.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { listing, type Workspace, withoutSops, workspace } from "../../test/workspace.js";

const GENERATE = ["generate", "cryptnono-secret-config"];
const OLD = ["sentinel-old-string", "sentinel-of-both"];
const NEW = ["sentinel-of-both", "sentinel-new-string"];

interface Execwhacker {
  readonly configs: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly candidates?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

describe("a candidate", { skip: withoutSops }, () => {
  let made: Workspace;
  beforeEach(async () => {
    made = workspace();
    made.setGenerator(listing(OLD));
    assert.equal((await made.run(GENERATE)).status, 0);
    made.setGenerator(listing(NEW));
  });
  afterEach(() => made.remove());

  const lists = () =>
    (made.decrypted() as { readonly cryptnono: { readonly detectors: { readonly execwhacker: Execwhacker } } })
      .cryptnono.detectors.execwhacker;
  const log = (...lines: readonly Readonly<Record<string, unknown>>[]) => {
    const file = join(made.root, "agents.log");
    writeFileSync(file, lines.map((line) => JSON.stringify(line)).join("\n"));
    return file;
  };
  const revisionOf = () => String(lists().candidates!["encrypted-02"]!["revision"]);
  const at = (hour: number) => `2026-11-26T${String(hour).padStart(2, "0")}:00:00.000000Z`;
  const begun = (revision: string, hour = 0) => ({
    event: "Guarding",
    timestamp: at(hour),
    candidates: [{ list: "encrypted-02.candidate", replaces: "encrypted-02", revision }],
  });
  const compared = (revision: string, hour: number, execs: number) => ({
    event: "Candidate compared",
    timestamp: at(hour),
    ...{ candidate: "encrypted-02.candidate", revision, execs, would_kill: 0, would_live: 0, unknown: 0 },
  });
  const difference = (action: string, pod: string, hour: number) => ({
    ...{ action, candidate: true, timestamp: at(hour), rule: "encrypted-02.candidate[1]" },
    labels: { "io.kubernetes.pod.name": pod, "io.kubernetes.pod.namespace": "hub" },
  });
  const promote = (file: string, ...more: string[]) =>
    made.run(["promote", "--log", file, "--hours", "6", "--execs", "1000", ...more]);

  test("is written beside the list in force, with what stands beside its strings, and shows no string", async () => {
    assert.equal((await made.run([...GENERATE, "--candidate", "--dry-run"])).status, 3);
    assert.equal(lists().candidates, undefined);
    const { status, stdout, stderr } = await made.run([...GENERATE, "--candidate"]);
    assert.equal(status, 0, stderr);
    assert.match(
      stdout,
      /^encrypted-02: 1 added, 1 removed, 1 kept\ncandidate of encrypted-02: revision [\d-]+\.[0-9a-f]{6}\n$/,
    );
    assert.deepEqual(lists().configs["encrypted-02"]!["bannedCommandStrings"], OLD);
    assert.deepEqual(lists().candidates!["encrypted-02"]!["bannedCommandStrings"], NEW);
    assert.deepEqual(made.filesWith([...OLD, ...NEW]), []);
    const before = readFileSync(made.values);
    assert.match((await made.run([...GENERATE, "--candidate"])).stderr, /candidate of encrypted-02 is up to date/);
    assert.deepEqual(readFileSync(made.values), before);
    made.setGenerator(listing(OLD));
    assert.match((await made.run([...GENERATE, "--candidate"])).stderr, /nothing to try/);
  });

  test("is refused for too few hours, execs, or too many pods, and says which; and for another revision", async () => {
    await made.run([...GENERATE, "--candidate"]);
    const revision = revisionOf();
    const before = readFileSync(made.values);
    for (const [lines, reason] of [
      [[begun(revision), compared(revision, 5, 5000)], "it was compared for 5 hours of 6"],
      [
        [begun(revision), compared(revision, 7, 400), compared(revision, 8, 500)],
        "it was compared at 900 execs of 1000",
      ],
      [
        [
          begun(revision, 1),
          compared(revision, 9, 5000),
          difference("would-kill", "a", 0),
          difference("would-kill", "b", 2),
          difference("would-kill-summary", "b", 3),
          { ...difference("would-live", "c", 4), rule: "encrypted-02[0]" },
          { ...difference("would-live", "d", 4), rule: "encrypted-02[0]", unknown: true },
          { ...difference("killed", "e", 4), candidate: undefined },
        ],
        "in 3 pods a process would fare otherwise, and 0 may be: 1 would kill, 1 would let live, 1 unknown",
      ],
      [
        [begun(revision), compared(revision, 9, 5000), { event: "Candidate refused: it is not", timestamp: at(10) }],
        "1 agent refuses it",
      ],
      [[begun("another"), compared("another", 9, 5000)], "none says that encrypted-02 of revision"],
    ] as const) {
      const { status, stderr } = await promote(log(...lines));
      assert.equal(status, 1);
      assert.ok(stderr.includes(reason), stderr);
    }
    assert.deepEqual(readFileSync(made.values), before);
    assert.equal((await made.run(["promote"])).status, 1);
    assert.match((await made.run(["promote", "encrypted-03", "--log", log()])).stderr, /has no such candidate/);
  });

  test("takes the list's place once it has passed, and is gone", async () => {
    await made.run([...GENERATE, "--candidate"]);
    const revision = revisionOf();
    const passed = log(begun(revision), compared(revision, 7, 5000), difference("would-kill", "a", 1));
    assert.equal((await promote(passed, "--most-pods", "1", "--dry-run")).status, 3);
    const { status, stdout, stderr } = await promote(passed, "--most-pods", "1");
    assert.equal(status, 0, stderr);
    assert.match(stdout, /compared for 7\.0 hours at 5000 execs; pods where it would kill: 1, let live: 0, unknown: 0/);
    assert.match(stderr, /encrypted-02 has 2 entries, and the candidate is gone/);
    assert.deepEqual(lists(), {
      configs: {
        "encrypted-01": { bannedCommandStrings: ["by-hand-one", "by-hand-two"] },
        "encrypted-02": { bannedCommandStrings: NEW },
      },
    });
    assert.deepEqual(made.filesWith([...OLD, ...NEW]), []);
    assert.match((await made.run(GENERATE)).stderr, /is up to date/);
  });
});
