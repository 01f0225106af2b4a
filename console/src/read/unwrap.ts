// What a container runtime lays around a line, taken off: Docker's JSON log, and the files of the CRI. Both split long lines.

/** @see https://docs.docker.com/engine/logging/drivers/json-file/ */
const DOCKER = /^\{"log":"/;
/** @see https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md */
const CRI = /^\d{4}-\d\d-\d\dT\S+ (?:stdout|stderr) ([FP]) /;

/** Joins the parts of one stream. */
export class Unwrapper {
  #part = "";

  /** @returns the line itself; null while it has not ended, or is longer than `maxChars`. */
  unwrap(line: string, maxChars: number): string | null {
    const cri = CRI.exec(line);
    if (cri !== null) return this.#join(line.slice(cri[0].length), cri[1] === "F", maxChars);
    if (!DOCKER.test(line)) return line;
    try {
      const { log } = JSON.parse(line) as { log?: unknown };
      if (typeof log === "string") return this.#join(log.replace(/\n$/, ""), log.endsWith("\n"), maxChars);
    } catch {}
    return line;
  }

  #join(text: string, isLast: boolean, maxChars: number): string | null {
    const joined = this.#part.length <= maxChars ? this.#part + text : this.#part;
    this.#part = isLast ? "" : joined;
    return isLast && joined.length <= maxChars ? joined : null;
  }
}
