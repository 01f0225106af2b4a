// Owns the words for what a runtime's socket is good for, in messages, the log and readiness.
import type { RuntimeState, RuntimeStatus } from "../types.js";

/** `unix:///run/containerd/containerd.sock: not permitted (connect EACCES)`. */
export function describeRuntime(status: RuntimeStatus): string {
  const { type, state, detail } = status;
  const said = state === "not-a-runtime" ? `not a ${type === "cri" ? "CRI" : "Docker daemon"}` : STATES[state];
  return `${runtimeName(status)}: ${said}${detail === undefined ? "" : ` (${detail})`}`;
}

export function runtimeName({ socketPath }: RuntimeStatus): string {
  return `unix://${socketPath}`;
}

const STATES: Readonly<Record<Exclude<RuntimeState, "not-a-runtime">, string>> = {
  starting: "not tried yet",
  answers: "answers",
  absent: "absent",
  "not-permitted": "not permitted",
  refused: "refused",
  silent: "silent",
  failing: "fails",
};
