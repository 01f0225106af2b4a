// Scripts for a network of its own in which the servers of name-servers.ts answer.
import { rmSync } from "node:fs";
import { ROOT } from "./agent.js";
import { inNetwork, type Lists, type NetworkRun } from "./flow-agent.js";
import { prog } from "./progs.js";

/** A line of script that runs test/progs/say.c and tells what it said and its exit status by a title: `title: connected 0`. */
export function ask(title: string, ...args: readonly string[]): string {
  return `r=$(${prog("say")} ${args.join(" ")}); s=$?; echo "${title}:" $r $s`;
}

/** The same of pieces of a payload, each a packet. */
export function say(title: string, way: string, address: string, port: number, pieces: readonly Buffer[]): string {
  return ask(title, way, address, String(port), ...pieces.map((piece) => piece.toString("hex")));
}

export interface ServedRun extends NetworkRun {
  /** What each line of script told, by its title. */
  readonly told: ReadonlyMap<string, string>;
  /** That the servers got. */
  readonly gotBytes: number;
}

let networks = 0;

export async function withServers(lists: Lists, script: readonly string[]): Promise<ServedRun> {
  const ready = `${lists.directory}/ready-${++networks}`;
  const whole = [
    `${process.execPath} ${ROOT}test/dist/lib/name-servers.js ${ready} & server=$!`,
    `until [ -e ${ready} ]; do sleep 0.05; done`,
    ...script,
    "kill $server; wait $server",
  ].join("\n");
  const run = await inNetwork(whole);
  rmSync(ready, { force: true });
  const told = new Map(run.lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]));
  const gotBytes = Number(told.get("servers"));
  told.delete("servers");
  return { ...run, told, gotBytes };
}
