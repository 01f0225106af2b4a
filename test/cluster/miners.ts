// Miners that a user's server starts one after the other, and how many of them got to run an instruction.
import { typeInTerminal, type UserServer } from "./hub.js";

export interface MinerRun {
  readonly started: number;
  /** Those that ran: each adds a line to a file as its first act. */
  readonly escaped: number;
}

/** Start miners with `banned` on their command line, about a hundred a second, while `during` runs. */
export async function minersWhile(server: UserServer, banned: string, during: () => Promise<void>): Promise<MinerRun> {
  const dir = `/tmp/miners-${process.hrtime.bigint()}`;
  const loop = [
    `d=${dir}`,
    "n=0",
    // 5 minutes at most, should nobody stop it.
    "while [ ! -e $d.stop ] && [ $n -lt 30000 ]; do",
    `  sh -c 'echo ran >> ${dir}.ran' ${banned} 2> /dev/null`,
    "  n=$((n + 1))",
    "  sleep 0.005",
    "done",
    "echo started $n",
  ].join("\n");
  const looping = typeInTerminal(server, loop);
  try {
    await during();
  } finally {
    await typeInTerminal(server, `touch ${dir}.stop`);
  }
  const started = Number(/^started (\d+)$/m.exec(await looping)?.[1]);
  const ran = await typeInTerminal(server, `[ ! -e ${dir}.ran ] || cat ${dir}.ran`);
  return { started, escaped: ran.split("ran\n").length - 1 };
}
