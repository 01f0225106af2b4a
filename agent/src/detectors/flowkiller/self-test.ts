// The hooks are asked whether they are there: another program may have detached them, as old Cilium's start does with all of a hook.
import { createSocket, type Socket } from "node:dgram";
import type { SelfTestResult } from "../../run/detector.js";

/** Documentation addresses, of which nobody has one. A UDP connect sends nothing. */
const ASKED = [
  ["udp4", "192.0.2.1"],
  ["udp6", "2001:db8::1"],
] as const;
const PORT = 9;

export interface SelfTestParts {
  /** The hooks' count of the agent's own connects; null when another agent's go on. */
  readonly count: () => bigint | null;
  /** Resolves with whether it was tried at all: a machine may have no IPv6. Never rejects. */
  readonly ask?: (type: "udp4" | "udp6", address: string) => Promise<boolean>;
}

/** @returns `killed` when each connect was seen, as a self-test that passed; `survived` when not. */
export async function runSelfTest({ count, ask = connectOnce }: SelfTestParts): Promise<SelfTestResult> {
  const before = count();
  let asked = 0n;
  for (const [type, address] of ASKED) if (await ask(type, address)) asked++;
  const after = count();
  if (before === null || after === null) return "killed";
  return after - before >= asked ? "killed" : "survived";
}

/** What comes of it does not matter: the hook is asked before the route. */
function connectOnce(type: "udp4" | "udp6", address: string): Promise<boolean> {
  return new Promise((resolve) => {
    let socket: Socket;
    try {
      socket = createSocket(type);
    } catch {
      resolve(false);
      return;
    }
    const end = (wasTried: boolean) => {
      socket.close();
      resolve(wasTried);
    };
    socket.once("error", (error: NodeJS.ErrnoException) => end(error.syscall === "connect"));
    socket.connect(PORT, address, () => end(true));
  });
}
