// Owns which sockets are asked: the environment's, else the usual ones.
import type { RuntimeType } from "./container-id.js";

export interface Endpoint {
  readonly type: RuntimeType;
  readonly socketPath: string;
}

/** An endpoint in the environment that is no unix socket. */
export class EndpointError extends Error {
  override readonly name = "EndpointError";
  readonly variable: string;
  readonly hint: string;

  constructor(variable: string, value: string, example: string) {
    super(`read ${variable}: ${JSON.stringify(value)} is not a unix socket`);
    this.variable = variable;
    this.hint = `write it as ${example}, or unset it to have the usual sockets tried`;
  }
}

/** Where runtimes listen unless told otherwise, on the host and where the chart mounts the host. */
const USUAL_SOCKETS: readonly Endpoint[] = [
  { type: "cri", socketPath: "/run/containerd/containerd.sock" },
  { type: "cri", socketPath: "/run/k3s/containerd/containerd.sock" },
  { type: "cri", socketPath: "/var/run/crio/crio.sock" },
  { type: "docker", socketPath: "/var/run/docker.sock" },
];

/**
 * The sockets to ask, in order.
 *
 * @param env - `CONTAINER_RUNTIME_ENDPOINT` and `DOCKER_HOST`, each `unix:///path` or a plain absolute path. Each replaces
 *   the usual sockets of its own kind; empty counts as unset.
 * @throws EndpointError when one is set to something else (`tcp://`, a relative path).
 */
export function runtimeEndpoints(env: Readonly<Record<string, string | undefined>>): readonly Endpoint[] {
  return [
    ...endpointsOf("cri", "CONTAINER_RUNTIME_ENDPOINT", env, "unix:///run/containerd/containerd.sock"),
    ...endpointsOf("docker", "DOCKER_HOST", env, "unix:///var/run/docker.sock"),
  ];
}

function endpointsOf(
  type: RuntimeType,
  variable: string,
  env: Readonly<Record<string, string | undefined>>,
  example: string,
): readonly Endpoint[] {
  const value = env[variable]?.trim() ?? "";
  if (value === "") {
    const usual = USUAL_SOCKETS.filter((endpoint) => endpoint.type === type);
    return [...usual, ...usual.map(({ socketPath }) => ({ type, socketPath: `/host${socketPath}` }))];
  }
  const socketPath = value.startsWith("unix://") ? value.slice("unix://".length) : value;
  if (!socketPath.startsWith("/")) throw new EndpointError(variable, value, example);
  return [{ type, socketPath }];
}
