import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { imageDigest, imageName } from "./image.js";

const id = "0123456789abcdef".repeat(4);
const other = "fedcba9876543210".repeat(4);

const names: readonly (readonly [title: string, candidates: readonly string[], expected: string])[] = [
  ["the pod's own words go first", ["busybox:1", "docker.io/library/busybox:1"], "busybox:1"],
  ["a tag goes before an id", ["", `sha256:${id}`, "quay.io/a/b:1"], "quay.io/a/b:1"],
  ["CRI-O's bare id is an id", [id, "quay.io/a/b:1"], "quay.io/a/b:1"],
  ["a name with a digest is a name", [`quay.io/a/b@sha256:${id}`], `quay.io/a/b@sha256:${id}`],
  ["an id is better than nothing", ["", `sha256:${id}`], `sha256:${id}`],
  ["Docker's word for no tag is none", ["<none>:<none>", id], id],
  ["nothing is known", [], ""],
];
const digests: readonly (readonly [title: string, candidates: readonly string[], expected: string | undefined])[] = [
  ["of the manifest, before the image's id", [`sha256:${other}`, `quay.io/a/b@sha256:${id}`], `sha256:${id}`],
  ["of an image that was not pulled is its id", ["", `sha256:${id}`], `sha256:${id}`],
  ["of CRI-O's bare id", [id], `sha256:${id}`],
  ["of a tag is not known", ["quay.io/a/b:1", `x@sha256:${id}0`], undefined],
];

describe("an image's name", () => {
  for (const [title, candidates, expected] of names) it(title, () => assert.equal(imageName(candidates), expected));
});

describe("an image's digest", () => {
  for (const [title, candidates, expected] of digests) it(title, () => assert.equal(imageDigest(candidates), expected));
});
