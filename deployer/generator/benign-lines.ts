// The benign corpora: what people run who mine nothing. A string that hits one of these lines is dropped.
import { readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { packageFile } from "./package-file.js";

/** A line with where it stands. */
export interface BenignLine {
  readonly text: string;
  /** `corpus:line`, for example `debian-packages:1204`. */
  readonly place: string;
}

/** Whether it is what administrators do on the host itself, where strings of the scope `containers` do not count. */
export function isOnHost({ place }: BenignLine): boolean {
  return place.startsWith("administration:");
}

let lines: readonly BenignLine[] | undefined;

/** Every line of every corpus (see corpora/README.md), comment lines left out. They are read once. */
export function benignLines(): readonly BenignLine[] {
  lines ??= readLines();
  return lines;
}

function readLines(): BenignLine[] {
  const folder = packageFile("corpora");
  return readdirSync(folder)
    .filter((name) => name.endsWith(".txt.gz") || name.endsWith(".txt"))
    .sort()
    .flatMap((name) => {
      const content = readFileSync(`${folder}/${name}`);
      const corpus = name.replace(/\.txt(\.gz)?$/, "");
      return (name.endsWith(".gz") ? gunzipSync(content) : content)
        .toString()
        .split("\n")
        .map((text, i) => ({ text, place: `${corpus}:${i + 1}` }))
        .filter(({ text }) => text !== "" && !text.startsWith("# "));
    });
}
