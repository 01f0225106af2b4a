// The labels that a pod's owner gave it, which no container of it has: the CRI knows them of the pod's sandbox.
import type { Endpoint } from "./endpoints.js";
import { GrpcChannel } from "./grpc.js";
import { mapEntry, message, messageField, readFields, stringField } from "./protobuf.js";

export interface PodLabels {
  /** null when no runtime answers, or none knows the pod. Never rejects. */
  of(uid: string): Promise<Readonly<Record<string, string>> | null>;
  close(): void;
}

const TIMEOUT_MS = 5000;
const UID = "io.kubernetes.pod.uid";

/** @param endpoints - The sockets, in the order they are asked; those that are no CRI's are passed over. */
export function openPodLabels(endpoints: readonly Endpoint[]): PodLabels {
  const channels = endpoints.filter(({ type }) => type === "cri").map(({ socketPath }) => new GrpcChannel(socketPath));
  return {
    async of(uid) {
      for (const channel of channels) {
        try {
          const request = encodeListPodSandboxRequest(uid);
          const answer = await channel.unary("/runtime.v1.RuntimeService/ListPodSandbox", request, TIMEOUT_MS);
          const [labels] = decodeListPodSandboxResponse(answer).filter((found) => found[UID] === uid);
          if (labels !== undefined) return labels;
        } catch {
          // Absent or no CRI: the others are asked.
        }
      }
      return null;
    },
    close() {
      for (const channel of channels) channel.close();
    },
  };
}

/** `ListPodSandboxRequest.filter.label_selector`. */
export function encodeListPodSandboxRequest(uid: string): Buffer {
  return messageField(1, messageField(3, stringField(1, UID), stringField(2, uid)));
}

/** `ListPodSandboxResponse.items`, of each its labels. */
export function decodeListPodSandboxResponse(bytes: Buffer): Readonly<Record<string, string>>[] {
  const all: Readonly<Record<string, string>>[] = [];
  readFields(bytes, (field, item) => {
    if (field !== 1) return;
    const labels: [string, string][] = [];
    readFields(message(item), (inner, value) => {
      if (inner === 5) labels.push([...mapEntry(value)]);
    });
    // A label may be called `__proto__`: fromEntries makes it one's own.
    all.push(Object.fromEntries(labels));
  });
  return all;
}
