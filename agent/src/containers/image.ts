// Owns what counts as an image's name and as its digest in the runtimes' answers.

const ID = /^(?:sha256:)?([0-9a-f]{64})$/;
const DIGEST = /@(sha256:[0-9a-f]{64})$/;

/**
 * The first candidate that is a name and not an image's id.
 *
 * @param candidates - Best first; empty ones are passed over.
 * @returns The first id when there is no name, and "" when there is nothing.
 */
export function imageName(candidates: readonly string[]): string {
  const given = candidates.filter((candidate) => candidate !== "" && candidate !== "<none>:<none>");
  return given.find((candidate) => !ID.test(candidate)) ?? given[0] ?? "";
}

/**
 * `sha256:...` from a reference by digest (`name@sha256:...`) or else from an image's id, with or without `sha256:` before
 * it (CRI-O leaves it out).
 *
 * @param candidates - Best first; references by digest go before ids wherever they stand.
 */
export function imageDigest(candidates: readonly string[]): string | undefined {
  for (const candidate of candidates) {
    const digest = DIGEST.exec(candidate)?.[1];
    if (digest !== undefined) return digest;
  }
  for (const candidate of candidates) {
    const id = ID.exec(candidate)?.[1];
    if (id !== undefined) return `sha256:${id}`;
  }
  return undefined;
}
