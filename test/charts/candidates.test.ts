// Lists that are tried: their files, the flags that name them, and what an operator is told.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { find, HELM, notes, render } from "./helm.js";

const skip = HELM === undefined ? "no helm: run test/cluster/install-tools charts" : false;
const values = (execwhacker: object) => ({ detectors: { execwhacker } });
const configs = { made: { bannedCommandStrings: ["a-word"] } };

describe("candidates", { skip }, () => {
  const candidates = {
    made: { revision: "r1", bannedCommandStrings: ["another-word"] },
    other: { replaces: "made", bannedCommandStrings: [] },
    beside: { bannedCommandStrings: ["a-third"] },
    gone: null,
  };
  const objects = () => render(values({ configs, candidates }));

  it("are files of the lists' own Secret that say what they are, by the name of the list whose place they take", () => {
    const { data } = find(objects(), "Secret") as unknown as { readonly data: Readonly<Record<string, string>> };
    const files = Object.fromEntries(
      Object.entries(data)
        .filter(([name]) => name.includes("candidate"))
        .map(([name, text]) => [name, JSON.parse(Buffer.from(text, "base64").toString()) as unknown]),
    );
    assert.deepEqual(files, {
      "beside.candidate.json": { candidate: true, bannedCommandStrings: ["a-third"] },
      "made.candidate.json": { candidate: true, replaces: "made", ...candidates.made },
      "other.candidate.json": { candidate: true, ...candidates.other },
    });
  });

  it("are given by a flag of their own, so that one that cannot be read refuses no list in force", () => {
    const { args } = find(objects(), "DaemonSet")["spec"].template.spec.containers[0];
    const files = (flag: string) => args.filter((_: string, i: number) => args[i - 1] === flag);
    const path = (name: string) => `/etc/cryptnono/execwhacker/${name}.candidate.json`;
    assert.deepEqual(files("--candidate"), ["beside", "made", "other"].map(path));
    assert.ok(files("--config").every((file: string) => !file.includes("candidate")));
  });

  it("are named after an install, and no string of theirs", () => {
    const told = notes(values({ configs, candidates }));
    assert.match(told, /^ {2}made, in the place of made, revision r1$/m);
    assert.match(told, /^ {2}beside$/m);
    assert.doesNotMatch(told, /another-word/);
    assert.doesNotMatch(notes(values({ configs })), /candidate/);
  });

  it("are refused where they name no list, and where one would be another's file", () => {
    const refused = (own: object) => () => render(values(own));
    assert.throws(
      refused({ configs, candidates: { x: { replaces: "mad" } } }),
      /candidates\.x\.replaces names no list/,
    );
    assert.throws(
      refused({
        configs: { ...configs, "x.candidate": { bannedCommandStrings: ["y"] } },
        candidates: { x: { mode: "audit" } },
      }),
      /would be one file/,
    );
    assert.throws(refused({ candidates: { x: { wallets: ["monero"] } } }), /wallets/);
    assert.throws(
      refused({ candidates: { x: { bannedCommandStrings: ["é".repeat(300)] } } }),
      /candidates\.x\.bannedCommandStrings\[0\] has 600/,
    );
    assert.throws(
      refused({ candidates: { x: { bannedCommandStrings: ["ENC[AES256_GCM,data:x]"] } } }),
      /never decrypted/,
    );
  });
});
