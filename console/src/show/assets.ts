// The files that the pages load: read once at start, and served from memory alone.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

export interface Asset {
  readonly type: string;
  readonly bytes: Buffer;
  readonly gzip: Buffer;
  readonly etag: string;
}

/** By the path they are asked by. */
export type Assets = Readonly<Record<string, Asset>>;

const FILES = {
  "page.js": "text/javascript; charset=utf-8",
  "page.css": "text/css; charset=utf-8",
  "icon.svg": "image/svg+xml",
};

/** @param dir - Where the bundle has laid them. */
export function loadAssets(dir: URL): Assets {
  const assets: Record<string, Asset> = {};
  for (const [name, type] of Object.entries(FILES)) {
    const bytes = readFileSync(new URL(name, dir));
    const etag = `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`;
    assets[`/${name}`] = { type, bytes, gzip: gzipSync(bytes, { level: 9 }), etag };
  }
  return assets;
}
