import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EndpointError, runtimeEndpoints } from "./endpoints.js";

describe("the runtimes' endpoints", () => {
  it("are the environment's", () => {
    const env = {
      CONTAINER_RUNTIME_ENDPOINT: "unix:///host/run/containerd/containerd.sock",
      DOCKER_HOST: " /host/var/run/docker.sock ",
    };
    assert.deepEqual(runtimeEndpoints(env), [
      { type: "cri", socketPath: "/host/run/containerd/containerd.sock" },
      { type: "docker", socketPath: "/host/var/run/docker.sock" },
    ]);
  });

  it("are the usual ones for each kind that the environment does not name", () => {
    const usualDocker = ["/var/run/docker.sock", "/host/var/run/docker.sock"];
    const usualCri = [
      "/run/containerd/containerd.sock",
      "/run/k3s/containerd/containerd.sock",
      "/var/run/crio/crio.sock",
    ];
    const found = (env: Record<string, string>) =>
      runtimeEndpoints(env).map((endpoint) => `${endpoint.type} ${endpoint.socketPath}`);
    assert.deepEqual(found({ CONTAINER_RUNTIME_ENDPOINT: "unix:///x.sock", DOCKER_HOST: "" }), [
      "cri /x.sock",
      ...usualDocker.map((path) => `docker ${path}`),
    ]);
    assert.deepEqual(found({}), [
      ...[...usualCri, ...usualCri.map((path) => `/host${path}`)].map((path) => `cri ${path}`),
      ...usualDocker.map((path) => `docker ${path}`),
    ]);
  });

  for (const value of [
    "tcp://127.0.0.1:2375",
    "run/docker.sock",
    "unix://run/docker.sock",
    "npipe:////./pipe/docker",
  ]) {
    it(`are refused as ${value}, with what to write instead`, () => {
      assert.throws(
        () => runtimeEndpoints({ DOCKER_HOST: value }),
        (error) =>
          error instanceof EndpointError &&
          error.message === `read DOCKER_HOST: "${value}" is not a unix socket` &&
          error.hint === "write it as unix:///var/run/docker.sock, or unset it to have the usual sockets tried",
      );
    });
  }
});
