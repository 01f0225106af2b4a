// Servers of a network of its own for what fans out honestly: each name has a public address of its own, and on port 80 are a page with
// images of as many hosts, an index of wheels, tarballs of npm, and Debian's repositories. As a program: it makes the file that its
// first argument names once all listen.
import { createHash } from "node:crypto";
import { createSocket } from "node:dgram";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { gzipSync } from "node:zlib";
import { tarOf, zipOf } from "./archives.js";

/** Where the name server is: private addresses are free. */
export const NAME_SERVER = "10.0.0.53";
export const IMAGES = 60;
export const WHEELS = 30;
export const TARBALLS = 60;
export const SOURCES = 20;

/** `host-7.test` and so on; each of them is an address of its own. */
export const imageHost = (i: number) => `image-${i}.test`;
export const wheelHost = (i: number) => `wheel-${i}.test`;
export const tarballHost = (i: number) => `tarball-${i}.test`;
export const sourceHost = (i: number) => `source-${i}.test`;
export const wheelName = (i: number) => `honest-${i}`;

/** 8.77.KIND.NUMBER + 1, as what the name begins with and its number say. */
function addressOf(name: string): number[] {
  const [, kind = "", number = "0"] = /^([a-z]+)(?:-(\d+))?\./.exec(name) ?? [];
  return [8, 77, 1 + (kind.charCodeAt(0) & 31), 1 + Number(number)];
}

/** An address for whoever asks for one (A), and no record for all else. */
function answer(question: Buffer): Buffer {
  const end = question.indexOf(0, 12) + 5;
  const labels: string[] = [];
  for (let at = 12; question[at] !== 0; at += question[at]! + 1)
    labels.push(question.subarray(at + 1, at + 1 + question[at]!).toString("latin1"));
  const isAddress = question.readUInt16BE(end - 4) === 1;
  const head = Buffer.from(question.subarray(0, 12));
  head.writeUInt16BE(0x8180, 2);
  head.writeUInt16BE(isAddress ? 1 : 0, 6);
  head.writeUInt32BE(0, 8);
  const address = addressOf(labels.join(".").toLowerCase());
  const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...address]);
  return Buffer.concat([head, question.subarray(12, end), ...(isAddress ? [record] : [])]);
}

export function wheel(i: number): Buffer {
  const name = `honest_${i}`;
  const info = `${name}-1.0.dist-info`;
  return zipOf({
    [`${name}/__init__.py`]: "",
    [`${info}/METADATA`]: `Metadata-Version: 2.1\nName: ${wheelName(i)}\nVersion: 1.0\n`,
    [`${info}/WHEEL`]: "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    [`${info}/RECORD`]: `${name}/__init__.py,,\n${info}/METADATA,,\n${info}/WHEEL,,\n${info}/RECORD,,\n`,
  });
}

export function tarball(i: number): Buffer {
  return gzipSync(tarOf({ "package/package.json": JSON.stringify({ name: `honest-${i}`, version: "1.0.0" }) }));
}

const PACKAGES = "Package: honest\nVersion: 1.0\nArchitecture: all\nFilename: ./honest.deb\nSize: 1\n\n";
const RELEASE = `Origin: test\nSHA256:\n ${createHash("sha256").update(PACKAGES).digest("hex")} ${PACKAGES.length} Packages\n`;

function body(host: string, path: string): string | Buffer | null {
  const number = Number(/\d+/.exec(host)?.[0] ?? 0);
  if (host === "page.test") return page();
  if (host.startsWith("image-")) return '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>';
  if (host === "index.test") {
    const i = Number(/honest-(\d+)/.exec(path)?.[1] ?? -1);
    const file = `honest_${i}-1.0-py3-none-any.whl`;
    return i < 0 ? null : `<!DOCTYPE html><a href="http://${wheelHost(i)}/${file}">${file}</a>`;
  }
  if (host.startsWith("wheel-")) return wheel(number);
  if (host.startsWith("tarball-")) return tarball(number);
  if (path.endsWith("/Packages")) return PACKAGES;
  return path.endsWith("/Release") ? RELEASE : null;
}

/** It counts what came, in an attribute of its body. */
function page(): string {
  const images = Array.from({ length: IMAGES }, (_, i) => `<img src="http://${imageHost(i)}/x.svg" onload="n++">`);
  return `<!DOCTYPE html><script>let n = 0</script><body onload="document.body.dataset.came = n">${images.join("")}</body>`;
}

async function serve(): Promise<void> {
  const udp = createSocket("udp4", (question, from) => udp.send(answer(question), from.port, from.address));
  await new Promise<void>((resolve) => udp.bind(53, "0.0.0.0", resolve));
  const server = createServer((request, response) => {
    const host = request.headers.host ?? "";
    const content = body(host, request.url ?? "/");
    const type = host.startsWith("image-")
      ? "image/svg+xml"
      : host.startsWith("wheel-")
        ? "application/zip"
        : "text/html";
    response.writeHead(content === null ? 404 : 200, { "content-type": type });
    response.end(content ?? "");
  });
  await new Promise<void>((resolve) => void server.listen(80, "0.0.0.0", resolve));
}

const [, , readyFile] = process.argv;
if (readyFile !== undefined && process.argv[1] === new URL(import.meta.url).pathname) {
  await serve();
  writeFileSync(readyFile, "");
}
