// What honest programs say first, by the names of what they talk about; and the names of pools that a deployment would list.
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { ROOT } from "./agent.js";
import { clientHello, dnsOverTcp, dnsQuestion, webSocketFrame, webSocketUpgrade } from "./payloads.js";

/** Each pool's hosts, and its registrable domain where that is the pool's own. */
export function poolNames(): string[] {
  const lines = (file: string) =>
    readFileSync(`${ROOT}deployer/facts/${file}`, "utf8")
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"));
  const shared = new Set(lines("shared-domains.txt"));
  const names = lines("pool-hosts.tsv").flatMap((line) => {
    const [host = "", , domain = ""] = line.split("\t");
    return shared.has(domain) ? [host] : [host, domain];
  });
  return [...new Set(names)].filter((name) => name.split(".").length <= 6);
}

function packages(): string[] {
  return ["pypi-packages", "npm-packages", "debian-packages"].flatMap((file) =>
    gunzipSync(readFileSync(`${ROOT}deployer/corpora/${file}.txt.gz`))
      .toString("utf8")
      .split("\n")
      .map((name) => name.toLowerCase().replace(/[^a-z0-9-]/g, ""))
      .filter((name) => name !== "" && name.length < 50),
  );
}

/** Rules by which a package's name becomes something that is said of it. */
const SAID: readonly ((name: string) => Buffer)[] = [
  (name) => clientHello(`${name}.readthedocs.io`),
  (name) => clientHello(`www.${name}.org`, { behind: 1263 }),
  (name) => clientHello(`cdn.${name}.dev`, { before: 1263 }),
  (name) => Buffer.from(`GET /simple/${name}/ HTTP/1.1\r\nHost: pypi.test\r\nUser-Agent: pip/24\r\n\r\n`),
  (name) => Buffer.from(`GET / HTTP/1.1\r\nUser-Agent: curl/8\r\nHost: ${name}.example.org:8080\r\n\r\n`),
  (name) => Buffer.from(`CONNECT ${name}.github.io:443 HTTP/1.1\r\nHost: ${name}.github.io:443\r\n\r\n`),
  (name) => Buffer.from(`GET /cvmfs/${name}/.cvmfspublished HTTP/1.1\r\nHost: stratum-one.cern.test\r\n\r\n`),
  (name) => Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"rootUri":"file:///${name}"}}\n`),
  (name) => Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"login","params":{"user":"${name}","pass":"x"}}\n`),
  (name) => Buffer.from(`{"cmd":"mining","agent":"${name}","algo":"apriori"}\n`),
  (name) =>
    Buffer.concat([webSocketUpgrade("hub.test"), webSocketFrame(`{"method":"subscribe","params":["${name}"]}`)]),
  (name) => dnsOverTcp(dnsQuestion(`${name}.pypi.test`)),
  (name) => Buffer.from(`SSH-2.0-${name}\r\n`),
  (name) => Buffer.from(`0032git-upload-pack /${name}.git\0host=git.test\0`),
];

export function* honestPayloads(count: number): Generator<Buffer> {
  const names = packages();
  for (let i = 0; i < count; i++) yield SAID[i % SAID.length]!(names[i % names.length]!);
}
