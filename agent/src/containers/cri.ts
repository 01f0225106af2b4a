// The CRI client: containerd, CRI-O and what else speaks runtime.v1, over a unix socket.
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
import { chosenEnvs, specEnv } from "./envs.js";
import { GrpcChannel, GrpcStatusError, grpcStatus } from "./grpc.js";
import { imageDigest, imageName } from "./image.js";
import { asRuntimeError, boundFacts, type ContainerFacts, type Runtime, RuntimeError } from "./runtime.js";

/** The labels a kubelet gives every container, and the ones a kill line shows. */
export const POD_LABELS = [
  "io.kubernetes.container.name",
  "io.kubernetes.pod.name",
  "io.kubernetes.pod.namespace",
  "io.kubernetes.pod.uid",
] as const;

/**
 * Open a CRI runtime. Connects with the first call; the socket need not be there.
 *
 * @param envs - Names of environment variables that `inspect` tells, from the containers' specifications.
 */
export function openCri(socketPath: string, envs: readonly string[] = []): Runtime {
  const channel = new GrpcChannel(socketPath);

  async function call<T>(method: string, request: Buffer, decode: (bytes: Buffer) => T, timeoutMs: number): Promise<T> {
    const bytes = await channel.unary(`/runtime.v1.RuntimeService/${method}`, request, timeoutMs);
    try {
      return decode(bytes);
    } catch (error) {
      throw asRuntimeError(error);
    }
  }

  const listContainers = (filter: { id: string } | "running", timeoutMs: number) =>
    call("ListContainers", encodeListContainersRequest(filter), decodeListContainersResponse, timeoutMs);

  return {
    async list(timeoutMs) {
      return (await listContainers("running", timeoutMs)).map((container) => toFacts(container, null));
    },

    async inspect(id, timeoutMs) {
      // Two calls, as each knows what the other does not: a list has the pod's own words for the image
      // (user_specified_image, which containerd drops from a status), a status has the tag and the digest.
      const request = encodeContainerStatusRequest(id, envs.length > 0);
      const [listed, answer] = await Promise.all([
        listContainers({ id }, timeoutMs),
        call("ContainerStatus", request, decodeContainerStatusResponse, timeoutMs).catch(nullIfNotFound),
      ]);
      const state = answer?.status ?? null;
      // Runtimes take a shortened id for the container's; only the whole one names it here.
      const container = listed.find((candidate) => candidate.id === id) ?? (state?.id === id ? state : null);
      if (container === null) return null;
      const facts = toFacts(container, state);
      if (envs.length === 0 || answer === null) return facts;
      return boundFacts({ ...facts, envs: chosenEnvs(specEnv(answer.info), envs) });
    },

    async watch(onContainer, signal) {
      const version = await call("Version", encodeVersionRequest(), decodeVersionResponse, 5000);
      if (hasBroadcastEvents(version)) await watchCri(channel, onContainer, signal);
      else if (version.runtimeName === "containerd") await watchContainerd(channel, onContainer, signal);
      else
        throw new RuntimeError(
          "unsupported",
          `${version.runtimeName} ${version.runtimeVersion}: no shared event stream`,
        );
    },

    reset: () => channel.reset(),
    close: () => channel.close(),
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

type OnContainer = Parameters<Runtime["watch"]>[0];

function watchCri(channel: GrpcChannel, onContainer: OnContainer, signal: AbortSignal): Promise<void> {
  const read = (message: Buffer) => {
    const event = decodeContainerEvent(message);
    if (event.type !== containerEventTypes.created && event.type !== containerEventTypes.started) return;
    const container = event.containers.find((candidate) => candidate.id === event.containerId);
    onContainer(
      event.containerId,
      container === undefined ? null : { ...toFacts(container, container), complete: false },
    );
  };
  return channel.stream("/runtime.v1.RuntimeService/GetContainerEvents", Buffer.alloc(0), read, signal);
}

/** containerd's own events go to all who ask. A task is created after the CRI knows the container and before it runs. */
function watchContainerd(channel: GrpcChannel, onContainer: OnContainer, signal: AbortSignal): Promise<void> {
  const filter = encodeSubscribeRequest(['topic=="/tasks/create",namespace=="k8s.io"']);
  const read = (message: Buffer) => onContainer(decodeTaskEventContainerId(message), null);
  return channel.stream("/containerd.services.events.v1.Events/Subscribe", filter, read, signal);
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
  const { cause } = asRuntimeError(error);
  if (cause instanceof GrpcStatusError && cause.status === grpcStatus.notFound) return null;
  throw error;
}
