// The CRI client: containerd, CRI-O and what else speaks runtime.v1, by gRPC over a unix socket. Imported only once such a
// socket is there, since the gRPC library is the agent's largest.
import {
  Client,
  type ClientReadableStream,
  type ClientUnaryCall,
  credentials,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import {
  type CriContainer,
  type CriVersion,
  containerEventTypes,
  decodeContainerEvent,
  decodeContainerStatusResponse,
  decodeListContainersResponse,
  decodeTaskEventContainerId,
  decodeVersionResponse,
  encodeContainerStatusRequest,
  encodeListContainersRequest,
  encodeSubscribeRequest,
  encodeVersionRequest,
} from "./cri-messages.js";
import { imageDigest, imageName } from "./image.js";
import { asRuntimeError, boundFacts, type ContainerFacts, pacer, type Runtime, RuntimeError } from "./runtime.js";

/** The labels a kubelet gives every container, and the ones a kill line shows. */
export const POD_LABELS = [
  "io.kubernetes.container.name",
  "io.kubernetes.pod.name",
  "io.kubernetes.pod.namespace",
  "io.kubernetes.pod.uid",
] as const;

/** The kubelet allows as much; a node of 500 containers answers a list in about 1 MB. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/** Open a CRI runtime. Connects with the first call; the socket need not be there. */
export function openCri(socketPath: string): Runtime {
  let client = connect(socketPath);
  const underWay = new Set<ClientUnaryCall>();

  function call<T>(method: string, request: Buffer, decode: (bytes: Buffer) => T, timeoutMs: number): Promise<T> {
    return new Promise((resolve, reject) => {
      const unary = client.makeUnaryRequest(
        method,
        (bytes: Buffer) => bytes,
        decode,
        request,
        { deadline: Date.now() + timeoutMs },
        (error, value) => {
          underWay.delete(unary);
          if (error !== null) reject(fromGrpc(error, timeoutMs));
          else if (value === undefined) reject(new RuntimeError("failed", `${method}: empty answer`));
          else resolve(value);
        },
      );
      underWay.add(unary);
    });
  }

  /** A closed client lets its calls run to their deadlines. */
  function disconnect(): void {
    for (const unary of underWay) unary.cancel();
    client.close();
  }

  const listContainers = (filter: { id: string } | "running", timeoutMs: number) =>
    call(
      "/runtime.v1.RuntimeService/ListContainers",
      encodeListContainersRequest(filter),
      decodeListContainersResponse,
      timeoutMs,
    );

  return {
    async list(timeoutMs) {
      return (await listContainers("running", timeoutMs)).map((container) => toFacts(container, null));
    },

    async inspect(id, timeoutMs) {
      // Two calls, as each knows what the other does not: a list has the pod's own words for the image
      // (user_specified_image, which containerd drops from a status), a status has the tag and the digest.
      const [listed, state] = await Promise.all([
        listContainers({ id }, timeoutMs),
        call(
          "/runtime.v1.RuntimeService/ContainerStatus",
          encodeContainerStatusRequest(id),
          decodeContainerStatusResponse,
          timeoutMs,
        ).catch(nullIfNotFound),
      ]);
      // Runtimes take a shortened id for the container's; only the whole one names it here.
      const container = listed.find((candidate) => candidate.id === id) ?? null;
      if (container !== null) return toFacts(container, state);
      return state?.id === id ? toFacts(state, state) : null;
    },

    async watch(onContainer, signal) {
      const version = await call(
        "/runtime.v1.RuntimeService/Version",
        encodeVersionRequest(),
        decodeVersionResponse,
        5000,
      );
      if (hasBroadcastEvents(version)) await watchCri(client, onContainer, signal);
      else if (version.runtimeName === "containerd") await watchContainerd(client, onContainer, signal);
      else
        throw new RuntimeError(
          "unsupported",
          `${version.runtimeName} ${version.runtimeVersion}: no shared event stream`,
        );
    },

    reset() {
      disconnect();
      client = connect(socketPath);
    },

    close: disconnect,
  };
}

/**
 * Whether GetContainerEvents gives every caller every event. Before, callers share one queue, and reading it would take
 * events from the kubelet (containerd issue 7318, fixed in 2.0; CRI-O pull request 6838, in 1.28).
 */
export function hasBroadcastEvents(version: CriVersion): boolean {
  const [major = 0, minor = 0] = version.runtimeVersion.replace(/^v/, "").split(".").map(Number);
  if (version.runtimeName === "containerd") return major >= 2;
  if (version.runtimeName === "cri-o") return major > 1 || (major === 1 && minor >= 28);
  return false;
}

function connect(socketPath: string): Client {
  return new Client(`unix:${socketPath}`, credentials.createInsecure(), {
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.min_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 1000,
    // A pool of its own, so that dropping this client drops its connection.
    "grpc.use_local_subchannel_pool": 1,
    // Statistics for a debugging service that nobody here asks.
    "grpc.enable_channelz": 0,
    // Not through a proxy that the environment names.
    "grpc.enable_http_proxy": 0,
    "grpc.service_config_disable_resolution": 1,
  });
}

type OnContainer = Parameters<Runtime["watch"]>[0];

function watchCri(client: Client, onContainer: OnContainer, signal: AbortSignal): Promise<void> {
  const stream = client.makeServerStreamRequest(
    "/runtime.v1.RuntimeService/GetContainerEvents",
    (bytes: Buffer) => bytes,
    decodeContainerEvent,
    Buffer.alloc(0),
  );
  return readStream(stream, signal, (event) => {
    if (event.type !== containerEventTypes.created && event.type !== containerEventTypes.started) return;
    const container = event.containers.find((candidate) => candidate.id === event.containerId);
    onContainer(
      event.containerId,
      container === undefined ? null : { ...toFacts(container, container), complete: false },
    );
  });
}

/** containerd's own events go to all who ask. A task is created after the CRI knows the container and before it runs. */
function watchContainerd(client: Client, onContainer: OnContainer, signal: AbortSignal): Promise<void> {
  const stream = client.makeServerStreamRequest(
    "/containerd.services.events.v1.Events/Subscribe",
    (bytes: Buffer) => bytes,
    decodeTaskEventContainerId,
    encodeSubscribeRequest(['topic=="/tasks/create",namespace=="k8s.io"']),
  );
  return readStream(stream, signal, (id) => onContainer(id, null));
}

function readStream<T>(stream: ClientReadableStream<T>, signal: AbortSignal, onItem: (item: T) => void): Promise<void> {
  const pace = pacer(stream);
  const cancel = () => stream.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  return new Promise<void>((resolve, reject) => {
    stream.on("data", (item: T) => {
      pace();
      onItem(item);
    });
    stream.on("error", (error) => reject(signal.aborted ? new RuntimeError("failed", "closed") : fromGrpc(error, 0)));
    stream.on("end", resolve);
  }).finally(() => signal.removeEventListener("abort", cancel));
}

/** @param state - The container's status, when it was asked for. */
function toFacts(container: CriContainer, state: CriContainer | null): ContainerFacts {
  const labels: Record<string, string> = {};
  for (const key of POD_LABELS) {
    const value = container.labels.get(key);
    if (value !== undefined) labels[key] = value;
  }
  const digest = imageDigest([state?.imageRef ?? "", container.imageRef, container.image]);
  return boundFacts({
    type: "cri",
    id: container.id,
    labels,
    image: imageName([
      container.userSpecifiedImage,
      state?.userSpecifiedImage ?? "",
      state?.image ?? "",
      container.image,
      state?.imageRef ?? "",
      container.imageRef,
    ]),
    ...(digest === undefined ? {} : { imageDigest: digest }),
    complete: state !== null,
  });
}

function nullIfNotFound(error: unknown): null {
  const failure = asRuntimeError(error);
  if (failure.cause !== undefined && (failure.cause as ServiceError).code === status.NOT_FOUND) return null;
  throw failure;
}

function fromGrpc(error: unknown, timeoutMs: number): RuntimeError {
  const { code, details } = error as Partial<ServiceError>;
  const options = { cause: error };
  if (code === status.DEADLINE_EXCEEDED)
    return new RuntimeError("timeout", `no answer within ${timeoutMs} ms`, options);
  // The library adds its own words around the system's, for example `connect ENOENT /run/...`.
  const connect = /connect E[A-Z]+/.exec(details ?? "")?.[0];
  if (code === status.UNAVAILABLE)
    return new RuntimeError("unreachable", connect ?? details ?? "not reachable", options);
  if (code === status.UNIMPLEMENTED) return new RuntimeError("unsupported", details ?? "not implemented", options);
  return new RuntimeError("failed", details ?? (error instanceof Error ? error.message : String(error)), options);
}
