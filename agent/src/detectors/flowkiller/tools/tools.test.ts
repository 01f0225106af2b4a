import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { UsageError } from "../../../errors.js";
import { parseAddress } from "../address.js";
import { isPublic } from "../public.js";
import { settingsOf } from "../settings.js";
import { checkDestinations } from "./check.js";
import { explainDestinations } from "./explain.js";

const folder = mkdtempSync(join(tmpdir(), "destinations-"));
after(() => rmSync(folder, { recursive: true }));
const list = (name: string, text: string): string => {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
};
const banned = list("banned", "8.8.8.0/24\n8.8.8.8\n9.9.9.9:3333\n2620:fe::/48\n64:ff9b::/96\n");
const allowed = list("allowed", "8.8.8.128/25\n");

function ask(destinations: readonly string[], json = false): { status: number; text: string } {
  let text = "";
  const said = { banned_file_globs: [banned], allowed_file_globs: [allowed], allowed_networks: ["2620:fe::fe/128"] };
  const status = explainDestinations(destinations, { config: [], said, json }, (more) => {
    text += more;
  });
  return { status, text: text.replaceAll(folder, "") };
}

for (const [destination, status, words] of [
  ["8.8.8.8:53", 3, "8.8.8.8:53 would be refused: /banned:2 bans 8.8.8.8\n  /banned:1 bans 8.8.8.0/24, too\n"],
  [
    "8.8.8.200",
    0,
    "8.8.8.200 passes: /banned:1 bans 8.8.8.0/24, and /allowed:1 allows 8.8.8.128/25\n  it counts neither for the scan rule nor for the budget\n",
  ],
  ["9.9.9.9:3333", 3, "9.9.9.9:3333 would be refused: /banned:3 bans 9.9.9.9:3333\n"],
  ["9.9.9.9:443", 0, "9.9.9.9:443 passes: no list bans it\n"],
  ["192.168.0.1", 0, "192.168.0.1 passes: no list bans it\n  it counts neither for the scan rule nor for the budget\n"],
  ["[2620:fe::9]:53", 3, "[2620:fe::9]:53 would be refused: /banned:4 bans 2620:fe::/48\n"],
  [
    "2620:fe::fe",
    0,
    "2620:fe::fe passes: /banned:4 bans 2620:fe::/48, and FlowKiller.allowed_networks[0] allows 2620:fe::fe\n  it counts neither for the scan rule nor for the budget\n",
  ],
  ["::ffff:8.8.8.8", 3, "8.8.8.8 would be refused: /banned:2 bans 8.8.8.8\n  /banned:1 bans 8.8.8.0/24, too\n"],
  ["64:ff9b::1.1.1.1", 3, "64:ff9b::101:101 (which is 1.1.1.1) would be refused: /banned:5 bans 64:ff9b::/96\n"],
] as const) {
  test(`${destination}: ${words.split("\n")[0]}`, () => {
    assert.deepEqual(ask([destination]), { status, text: words });
  });
}

test("for programs it is JSON, one for each destination", () => {
  const { status, text } = ask(["9.9.9.9:3333", "1.1.1.1"], true);
  assert.equal(status, 3);
  assert.deepEqual(JSON.parse(text), [
    {
      destination: "9.9.9.9:3333",
      verdict: "refused",
      banned: [{ place: "/banned:3", network: "9.9.9.9:3333" }],
      allowed: [],
      counts: true,
    },
    { destination: "1.1.1.1", verdict: "passes", banned: [], allowed: [], counts: true },
  ]);
});

test("what pods that are held may reach is told by file and line", () => {
  const egress = list("may", "pypi.org\n8.8.0.0/16\n8.8.8.0/24\n");
  const said = { egress_enforce_pods: ["hub"], egress_allowed_file_globs: [egress] };
  let text = "";
  const print = (more: string) => {
    text += more;
  };
  explainDestinations(["8.8.8.8", "1.1.1.1", "10.0.0.1", "files.pypi.org"], { config: [], said, json: false }, print);
  assert.deepEqual(text.replaceAll(folder, "").trim().split("\n"), [
    "8.8.8.8 passes: no list bans it",
    "  pods that reach only what is listed may reach it: /may:3 has 8.8.8.0/24",
    "1.1.1.1 passes: no list bans it",
    "  pods that reach only what is listed reach it only as an answer for a name of their list",
    "10.0.0.1 passes: no list bans it",
    "  it counts neither for the scan rule nor for the budget",
    "files.pypi.org passes: no list has it",
    "  pods that reach only what is listed may reach what it is the name of: /may:1 lists pypi.org",
  ]);
});

for (const text of ["8.8.8.8 3333", "8.8.8.0/24", ""]) {
  test(`${JSON.stringify(text)} is no destination, and the error says what is one`, () => {
    assert.throws(() => ask([text]), UsageError);
  });
}

test("what does nothing or too much is found, by place", () => {
  let text = "";
  const lists = list("doubtful", "0.0.0.0/0\n10.0.0.1\n1.1.1.1\n1.1.1.1\n1.1.1.1:80\n8.8.8.129\n2620:fe::1\n");
  const said = { banned_file_globs: [lists], allowed_file_globs: [allowed] };
  const status = checkDestinations({ config: [], said, json: false, failOn: "warning" }, (more) => {
    text += more;
  });
  assert.equal(status, 3);
  assert.deepEqual(text.replaceAll(folder, "").trim().split("\n"), [
    "warning /doubtful:1 0.0.0.0/0: is so wide that it bans what nobody listed",
    "warning /doubtful:1 0.0.0.0/0: is not public: it may ban the cluster's own services",
    "warning /doubtful:2 10.0.0.1: is not public: it may ban the cluster's own services",
    "info /doubtful:2 10.0.0.1: adds nothing: /doubtful:1 bans all of it",
    "info /doubtful:3 1.1.1.1: adds nothing: /doubtful:1 bans all of it",
    "info /doubtful:4 1.1.1.1: adds nothing: /doubtful:1 bans all of it",
    "info /doubtful:5 1.1.1.1:80: adds nothing: /doubtful:1 bans all of it",
    "warning /doubtful:6 8.8.8.129: does nothing: /allowed:1 allows all of it",
    "info /doubtful:6 8.8.8.129: adds nothing: /doubtful:1 bans all of it",
    "7 banned, 1 allowed, 0 names: 4 warnings, 5 info",
  ]);
});

test("addresses of the world are public, and what the settings add", () => {
  const settings = settingsOf();
  const all = { ...settings, shared_addresses_are_public: true, multicast_is_public: true };
  for (const [address, usual, wide] of [
    ["8.8.8.8", true, true],
    ["172.15.255.255", true, true],
    ["172.16.0.0", false, false],
    ["198.19.0.1", false, false],
    ["255.255.255.255", false, false],
    ["100.64.0.1", false, true],
    ["100.63.0.1", true, true],
    ["224.0.0.251", false, true],
    ["2606:4700::1", true, true],
    ["2001:4860::1", true, true],
    ["2001:1ff::1", false, false],
    ["2001:db8::1", false, false],
    ["fd00::1", false, false],
    ["fe80::1", false, false],
    ["::1", false, false],
    ["ff02::1", false, true],
  ] as const) {
    assert.deepEqual(
      [isPublic(parseAddress(address)!, settings), isPublic(parseAddress(address)!, all)],
      [usual, wide],
      address,
    );
  }
});
