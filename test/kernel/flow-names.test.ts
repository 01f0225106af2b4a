// The programs' reading of names and logins, in buffers: at whatever byte they are split, in whatever they are wrapped, and what is
// honest.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { NameLooker, nameTables } from "../lib/name-looker.js";
import {
  clientHello,
  dnsOverTcp,
  dnsQuestion,
  socksRequest,
  webSocketFrame,
  webSocketUpgrade,
} from "../lib/payloads.js";

const POOL = "pooltest.example";
const WALLET = `4${"Ab3".repeat(31)}x`;
const xmrig = (id = 1) =>
  JSON.stringify({
    id,
    jsonrpc: "2.0",
    method: "login",
    params: { login: WALLET, pass: "x", agent: "AGENT/6.0 (Linux x86_64)", algo: ["cn/1", "rx/0"] },
  });
const line = (value: unknown) => Buffer.from(`${typeof value === "string" ? value : JSON.stringify(value)}\n`);

/** Name, payload, what it is found as (null: not at all), and who logs in. */
const ROWS: readonly (readonly [title: string, payload: Buffer, found: string | null, wallet?: string])[] = [
  ["SNI of a host below", clientHello(`eu.${POOL}`), "sni"],
  ["SNI in capitals, with a dot at the end", clientHello("EU.PoolTest.Example."), "sni"],
  ["SNI behind a large key share", clientHello(`a.b.${POOL}`, { before: 1263 }), "sni"],
  ["SNI before a large key share", clientHello(`a.b.${POOL}`, { behind: 1263 }), "sni"],
  ["SNI over records of 20 bytes", clientHello(`eu.${POOL}`, { before: 200, recordBytes: 20 }), "sni"],
  ["SNI that only ends so", clientHello(`x${POOL}`), null],
  ["SNI that only begins so", clientHello(`${POOL}.org`), null],
  ["a spared host of a listed domain", clientHello(`www.${POOL}`), null],
  ["no SNI", clientHello(null), null],
  ["HTTP Host", Buffer.from(`GET /x HTTP/1.1\r\nUser-Agent: c\r\nHost: eu.${POOL}:8080\r\n\r\n`), "host"],
  ["HTTP Host without a blank, in capitals", Buffer.from(`GET / HTTP/1.1\nhOST:${POOL.toUpperCase()}\n\n`), "host"],
  ["a whole URL for a proxy", Buffer.from(`GET http://u:p@${POOL}/ HTTP/1.1\r\n\r\n`), "host"],
  [
    "HTTP Host behind a long header",
    Buffer.from(`GET / HTTP/1.1\r\nCookie: ${"a=b; ".repeat(80)}\r\nX: y\r\nHost: ${POOL}\r\n\r\n`),
    "host",
  ],
  [
    "login in a WebSocket that was asked for with a long header",
    Buffer.concat([
      Buffer.from(
        webSocketUpgrade("fine.test")
          .toString()
          .replace("Connection", `Cookie: ${"c".repeat(500)}\r\nConnection`),
      ),
      webSocketFrame(xmrig()),
    ]),
    "stratum",
  ],
  ["words of HTTP in a body", Buffer.from(`POST / HTTP/1.1\r\nHost: fine.test\r\n\r\nHost: ${POOL}\r\n`), null],
  ["an address in a query", Buffer.from(`GET /?u=http://${POOL}/&m=a@${POOL} HTTP/1.1\r\n\r\n`), null],
  ["HTTP Host of others", Buffer.from("GET /pooltest.example HTTP/1.1\r\nHost: fine.test\r\n\r\n"), null],
  ["CONNECT", Buffer.from(`CONNECT eu.PoolTest.example:3333 HTTP/1.1\r\n\r\n`), "proxy"],
  ["SOCKS 5 by name", socksRequest(`eu.${POOL}`, 3333), "proxy"],
  ["SOCKS 5 with a password", socksRequest(POOL, 3333, "secret"), "proxy"],
  ["SOCKS 5 to others", socksRequest("fine.test", 443), null],
  ["login behind SOCKS 5", Buffer.concat([socksRequest("fine.test", 443), line(xmrig())]), "stratum", WALLET],
  [
    "login behind CONNECT",
    Buffer.concat([Buffer.from("CONNECT 192.0.2.1:3333 HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n"), line(xmrig())]),
    "stratum",
    WALLET,
  ],
  [
    "SNI behind CONNECT",
    Buffer.concat([Buffer.from("CONNECT 192.0.2.1:443 HTTP/1.1\r\n\r\n"), clientHello(`eu.${POOL}`)]),
    "sni",
  ],
  ["xmrig's login", line(xmrig()), "stratum", WALLET],
  ["the same with blanks", Buffer.from(`  ${JSON.stringify(JSON.parse(xmrig()), null, 2)}\n`), "stratum", WALLET],
  [
    "the same with escapes",
    line(xmrig().replace("method", "m\\u0065thod").replace('"algo"', '"\\u0061lgo"')),
    "stratum",
    WALLET,
  ],
  ["the same behind another message", Buffer.concat([line({ id: 0 }), line(xmrig())]), "stratum", WALLET],
  [
    "login with an agent alone",
    line({ method: "login", params: { login: "w", pass: "x", agent: "A/1" } }),
    "stratum",
    "w",
  ],
  [
    "mining.subscribe",
    line({ id: 1, method: "mining.subscribe", params: ["cpuminer/2.5"] }),
    "stratum",
    "cpuminer/2.5",
  ],
  ["mining.authorize", line({ id: 2, method: "mining.authorize", params: [WALLET, "x"] }), "stratum", WALLET],
  [
    "mining.authorize, params first",
    line({ params: [WALLET, "x"], id: 2, method: "mining.authorize" }),
    "stratum",
    WALLET,
  ],
  ["mining.configure", line({ id: 3, method: "mining.configure", params: [["version-rolling"], {}] }), "stratum"],
  [
    "eth_submitLogin",
    line({ worker: "x", jsonrpc: "2.0", params: ["0xabc"], id: 2, method: "eth_submitLogin" }),
    "stratum",
    "0xabc",
  ],
  ["a batch", line([{ id: 1, method: "mining.subscribe", params: [] }]), "stratum"],
  ["login in a WebSocket", Buffer.concat([webSocketUpgrade("fine.test"), webSocketFrame(xmrig())]), "stratum", WALLET],
  [
    "login in two frames, behind a ping",
    Buffer.concat([
      webSocketUpgrade("fine.test"),
      Buffer.from([0x89, 0x83, 1, 2, 3, 4, 5, 6, 7]),
      webSocketFrame(xmrig().slice(0, 50)),
      webSocketFrame(xmrig().slice(50)),
    ]),
    "stratum",
    WALLET,
  ],
  ["WebSocket to a listed host", webSocketUpgrade(`ws.${POOL}`), "host"],
  ["DNS over TCP", dnsOverTcp(dnsQuestion(`eU.pOOLtest.eXample`)), "question"],
  [
    "the second question over TCP",
    Buffer.concat([dnsOverTcp(dnsQuestion("fine.test")), dnsOverTcp(dnsQuestion(POOL))]),
    "question",
  ],
  ["DNS over TCP for others", dnsOverTcp(dnsQuestion(`x${POOL}`)), null],
  // What is honest.
  [
    "a language server's initialize",
    line({ jsonrpc: "2.0", id: 1, method: "initialize", params: { processId: 1 } }),
    null,
  ],
  [
    "the same behind its header",
    Buffer.from('Content-Length: 60\r\n\r\n{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}'),
    null,
  ],
  ["a JSON-RPC login", line({ jsonrpc: "2.0", id: 1, method: "login", params: { user: "a", pass: "b" } }), null],
  ["a login with a browser's name", line({ method: "login", params: { user: "a", agent: "Mozilla/5.0" } }), null],
  ["words of mining that are not the method", line({ method: "search", params: ["mining.subscribe", "login"] }), null],
  ["keys' words as values", line({ method: "login", params: ["login", "algo", "agent"] }), null],
  [
    "a CVMFS Stratum server",
    Buffer.from("GET /cvmfs/atlas.cern.ch/.cvmfspublished HTTP/1.1\r\nHost: stratum-one.cern.test\r\n\r\n"),
    null,
  ],
  [
    "a block explorer in a browser",
    Buffer.concat([webSocketUpgrade("blocks.test"), webSocketFrame('{"op":"unconfirmed_sub","method":"subscribe"}')]),
    null,
  ],
  [
    "Jupyter's kernel in a WebSocket",
    Buffer.concat([
      webSocketUpgrade("hub.test"),
      webSocketFrame('{"header":{"msg_type":"execute_request"},"content":{"code":"stratum"}}'),
    ]),
    null,
  ],
  ["SSH", Buffer.from("SSH-2.0-OpenSSH_9.2\r\n"), null],
  ["git", Buffer.from("0032git-upload-pack /p.git\0host=fine.test\0"), null],
];

for (const withoutBpfLoop of [false, true]) {
  describe(withoutBpfLoop ? "with the loop for kernels before 5.17" : "with the kernel's own loop", () => {
    let looker: NameLooker;
    before(() => {
      looker = new NameLooker({ withoutBpfLoop });
      looker.install(
        nameTables([POOL, "deep.sub.pool.example"], { spared: [{ name: `www.${POOL}`, list: "", line: 0 }] }),
      );
    });
    after(() => looker.close());

    for (const [title, payload, found, wallet] of ROWS) {
      test(`${title}: ${found ?? "nothing"}`, () => {
        const isDns = title.includes("TCP");
        const whole = looker.look(payload, { isDns });
        assert.equal(whole.found, found);
        if (wallet !== undefined) assert.equal(whole.wallet, wallet);
        assert.equal(looker.look(payload, { isDns, split: 1, piece: 1 }).found, found, "byte by byte");
      });
    }

    test("the name is told as it was asked for", () => {
      const { name, entry } = looker.look(clientHello(`Eu.Node7.${POOL}`));
      assert.deepEqual([name, entry], [`eu.node7.${POOL}`, 0]);
    });
  });
}

describe("what is split", () => {
  let looker: NameLooker;
  before(() => {
    looker = new NameLooker();
    looker.install(nameTables([POOL]));
  });
  after(() => looker.close());

  for (const [title, payload, found] of [
    ["a ClientHello with a large key share", clientHello(`eu.${POOL}`, { before: 1263 }), "sni"],
    ["a login", line(xmrig()), "stratum"],
    ["a login in a WebSocket", Buffer.concat([webSocketUpgrade("fine.test"), webSocketFrame(xmrig())]), "stratum"],
  ] as const) {
    test(`${title} is found, at whatever byte it is split`, () => {
      const missed = [];
      for (let split = 1; split < payload.length; split++)
        if (looker.look(payload, { split }).found !== found) missed.push(split);
      assert.deepEqual(missed, []);
    });
  }

  test("what does not end is let go at a bound", () => {
    const { found, isOver } = looker.look(Buffer.from(`{"a":"${"x".repeat(9000)}`));
    assert.deepEqual([found, isOver], [null, true]);
    assert.equal(looker.look(Buffer.from(`{"a":"${"x".repeat(7000)}`)).isOver, false);
  });

  for (const text of [
    "SSH-2.0-OpenSSH_9.2\r\n",
    "EHLO fine.test\r\n",
    "Content-Length: 5\r\n\r\n",
    "\0\0\0\x08",
    "PRI * HTTP/2.0\r\n",
  ])
    test(`${JSON.stringify(text)} is let go at once`, () => assert.ok(looker.look(Buffer.from(text)).isOver));

  test("bytes at random do not break it", () => {
    for (let i = 0; i < 3000; i++) {
      const bytes = Buffer.from(Array.from({ length: 1 + ((i * 7) % 400) }, (_, at) => (at * i * 31 + i) & 255));
      bytes[0] = [0x16, 0x7b, 0x47, 5, 0x5b][i % 5]!;
      assert.equal(looker.look(bytes, { split: i % 13, piece: i % 5 }).found, null);
    }
  });
});

test("5,000 names: each is found by itself and below, and honest names are not", () => {
  const looker = new NameLooker();
  try {
    const names = Array.from(
      { length: 5000 },
      (_, i) => `pool-${i.toString(36)}.${["example", "co.example", "test"][i % 3]}`,
    );
    looker.install(nameTables(names));
    for (const [i, name] of names.entries()) {
      const { found, entry } = looker.look(clientHello(i % 2 ? name : `eu-${i}.${name}`));
      assert.deepEqual([found, entry], ["sni", i], name);
      assert.equal(looker.look(clientHello(`x${name}`)).found, null, `x${name}`);
    }
  } finally {
    looker.close();
  }
});

test("a name decides by its longest suffix that is listed, and a spared one wins over the same", () => {
  const looker = new NameLooker();
  try {
    const spared = [
      { name: "good.pool.example", list: "", line: 0 },
      { name: "both.example", list: "", line: 1 },
    ];
    looker.install(nameTables(["pool.example", "bad.good.pool.example", "both.example"], { spared }));
    const found = (name: string) => looker.look(clientHello(name)).entry;
    assert.equal(found("a.pool.example"), 0);
    assert.equal(looker.look(clientHello("good.pool.example")).found, null);
    assert.equal(looker.look(clientHello("x.good.pool.example")).found, null);
    assert.equal(found("x.bad.good.pool.example"), 1);
    assert.equal(looker.look(clientHello("both.example")).found, null);
    assert.equal(found("a.b.c.d.e.f.g.pool.example"), 0);
  } finally {
    looker.close();
  }
});
