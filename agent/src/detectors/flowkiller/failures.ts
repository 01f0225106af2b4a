// Errors of attaching, in the words of what stands in the way.
import { NativeError } from "@cryptnono/native";
import { UnsupportedError } from "../../errors.js";

/** @returns the error itself where it says enough. */
export function explainFailure(error: unknown): unknown {
  if (!(error instanceof NativeError)) return error;
  if (error.operation.startsWith("load") && (error.code === "EPERM" || error.code === "EACCES"))
    return new UnsupportedError("load the BPF object: operation not permitted", CAPABILITIES);
  if (!error.operation.startsWith("attach cgroup/")) return error;
  const [why, hint] = CAUSES[error.code] ?? [];
  return why === undefined || hint === undefined ? error : new UnsupportedError(`${error.operation}: ${why}`, hint);
}

const CAPABILITIES =
  "the capabilities BPF, PERFMON and NET_ADMIN are needed (and no kernel lockdown in confidentiality mode): run as root, or add " +
  "them to the container";

const CAUSES: Readonly<Record<string, readonly [why: string, hint: string]>> = {
  // linux kernel/bpf/cgroup.c, hierarchy_allows_attach. What the capabilities do not allow fails when programs are loaded.
  EPERM: [
    "operation not permitted: another program has the root cgroup's hook for itself (attached without BPF_F_ALLOW_MULTI)",
    "Cilium before 1.14 does that, and later ones where links are not supported: update it, or set bpf-lb-sock: false; " +
      "bpftool cgroup show /sys/fs/cgroup tells which program it is",
  ],
  E2BIG: [
    "too many programs: the hook holds 64",
    "bpftool cgroup show /sys/fs/cgroup lists them; cryptnono unpin removes what agents of earlier versions left",
  ],
};
