// The CRI messages the agent sends and reads, field by field after fixtures/cri-api.proto (runtime.v1), and containerd's
// event envelope. Numbers beside the fields are the proto's.
import { mapEntry, message, messageField, readFields, stringField, text, varintField } from "./protobuf.js";

/** `Container` and `ContainerStatus` share these; the two give them other numbers. */
export interface CriContainer {
  readonly id: string;
  /** `ImageSpec.image`: in a status a tag where there is one, in a list what the kubelet passed (an image id). */
  readonly image: string;
  /** `ImageSpec.user_specified_image`: the pod's own words; since Kubernetes 1.28, empty before. */
  readonly userSpecifiedImage: string;
  /** In a status a repo digest where there is one, else the image's id. */
  readonly imageRef: string;
  readonly labels: ReadonlyMap<string, string>;
}

export interface CriVersion {
  readonly runtimeName: string;
  readonly runtimeVersion: string;
}

export const containerEventTypes = { created: 0, started: 1, stopped: 2, deleted: 3 } as const;

export interface CriEvent {
  readonly containerId: string;
  /** One of `containerEventTypes`. */
  readonly type: number;
  /** All containers of the pod. */
  readonly containers: readonly CriContainer[];
}

export function encodeVersionRequest(): Buffer {
  return stringField(1, "v1");
}

export function decodeVersionResponse(bytes: Buffer): CriVersion {
  let runtimeName = "";
  let runtimeVersion = "";
  readFields(bytes, (field, value) => {
    if (field === 2) runtimeName = text(value);
    if (field === 3) runtimeVersion = text(value);
  });
  return { runtimeName, runtimeVersion };
}

/** @param filter - `running` alone lists all that run; `id` alone lists that one in any state. */
export function encodeListContainersRequest(filter: { id: string } | "running"): Buffer {
  // ContainerFilter.state is a message so that its absence differs from CONTAINER_CREATED, which is 0.
  const runningState = Buffer.from([1 << 3, 1]);
  return messageField(1, filter === "running" ? messageField(2, runningState) : stringField(1, filter.id));
}

export function decodeListContainersResponse(bytes: Buffer): readonly CriContainer[] {
  const containers: CriContainer[] = [];
  readFields(bytes, (field, value) => {
    if (field === 1) containers.push(decodeContainer(message(value), { image: 4, imageRef: 5, labels: 8 }));
  });
  return containers;
}

/** @param verbose - Have the runtime tell the container's specification too. */
export function encodeContainerStatusRequest(id: string, verbose = false): Buffer {
  return Buffer.concat([stringField(1, id), varintField(2, verbose ? 1 : 0)]);
}

export interface CriStatus {
  /** null when the response has none. */
  readonly status: CriContainer | null;
  /** The runtime's own words of the container, as JSON; "" unless they were asked for. */
  readonly info: string;
}

export function decodeContainerStatusResponse(bytes: Buffer): CriStatus {
  let status: CriContainer | null = null;
  let info = "";
  readFields(bytes, (field, value) => {
    if (field === 1) status = decodeStatus(message(value));
    if (field !== 2) return;
    const [key, content] = mapEntry(value);
    // containerd's and CRI-O's one key.
    if (key === "info") info = content;
  });
  return { status, info };
}

export function decodeContainerEvent(bytes: Buffer): CriEvent {
  let containerId = "";
  let type = 0;
  const containers: CriContainer[] = [];
  readFields(bytes, (field, value) => {
    if (field === 1) containerId = text(value);
    if (field === 2 && typeof value === "number") type = value;
    if (field === 5) containers.push(decodeStatus(message(value)));
  });
  return { containerId, type, containers };
}

/** containerd.services.events.v1.SubscribeRequest: events that fit one of the filters. */
export function encodeSubscribeRequest(filters: readonly string[]): Buffer {
  return Buffer.concat(filters.map((filter) => stringField(1, filter)));
}

/**
 * containerd.types.Envelope with a task event inside: `event` (4) is an Any whose `value` (2) is a TaskCreate or TaskStart,
 * and both have `container_id` as field 1.
 */
export function decodeTaskEventContainerId(bytes: Buffer): string {
  let id = "";
  readFields(bytes, (field, value) => {
    if (field !== 4) return;
    readFields(message(value), (anyField, anyValue) => {
      if (anyField !== 2) return;
      readFields(message(anyValue), (taskField, taskValue) => {
        if (taskField === 1) id = text(taskValue);
      });
    });
  });
  return id;
}

function decodeStatus(bytes: Buffer): CriContainer {
  return decodeContainer(bytes, { image: 8, imageRef: 9, labels: 12 });
}

function decodeContainer(
  bytes: Buffer,
  numbers: { readonly image: number; readonly imageRef: number; readonly labels: number },
): CriContainer {
  let id = "";
  let image = "";
  let userSpecifiedImage = "";
  let imageRef = "";
  const labels = new Map<string, string>();
  readFields(bytes, (field, value) => {
    if (field === 1) id = text(value);
    if (field === numbers.imageRef) imageRef = text(value);
    if (field === numbers.labels) labels.set(...mapEntry(value));
    if (field !== numbers.image) return;
    readFields(message(value), (specField, specValue) => {
      if (specField === 1) image = text(specValue);
      if (specField === 18) userSpecifiedImage = text(specValue);
    });
  });
  return { id, image, userSpecifiedImage, imageRef, labels };
}
