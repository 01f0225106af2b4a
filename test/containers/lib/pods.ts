// The pods that the tests run, with the labels that a kubelet sets.
import type { Pod } from "./containerd.js";
import type { Scratch } from "./scratch.js";

export const BUSYBOX_IMAGE = "localhost/cryptnono-test/busybox:67523d9ea855";
const UID = "d2ed6416-812f-413b-ba53-e62d11646809";

export const podLabels = {
  "io.kubernetes.container.name": "notebook",
  "io.kubernetes.pod.name": "jupyter-test",
  "io.kubernetes.pod.namespace": "spyglass",
  "io.kubernetes.pod.uid": UID,
};

/** @param command - Run by busybox; the container lives as long as it does. */
export function notebookPod(scratch: Scratch, command: readonly string[] = ["/bin/busybox", "sleep", "86400"]): Pod {
  return {
    labels: { ...podLabels, "other.example": "is not shown" },
    image: BUSYBOX_IMAGE,
    command,
    cgroupParent: `${scratch.cgroupPath}/kubepods/burstable/pod${UID}`,
  };
}
