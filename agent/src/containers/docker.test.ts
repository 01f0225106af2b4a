import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { openDocker } from "./docker.js";
import type { ContainerFacts, Runtime, RuntimeErrorKind } from "./runtime.js";
import { RuntimeError } from "./runtime.js";

const id = "b92d9e9948e44931fe77bd6dabc1fae448cf55bfd2efce42c295b8fd6b40fde8";
const imageId = `sha256:${"84".repeat(32)}`;
const manifest = `sha256:${"17".repeat(32)}`;

// Fields as in the Engine API's reference, version 1.41; the values are made up.
const inspected = { Id: id, Image: imageId, Config: { Image: "batch/busybox:1", Labels: { owner: "x" } } };
const inspectedImage = { Id: imageId, RepoTags: ["batch/busybox:latest"], RepoDigests: [`batch/busybox@${manifest}`] };

/** Only what never answers may end by its time: beside other loads 8 MiB take seconds. */
const PATIENT_MS = 60_000;

type Answers = Readonly<Record<string, unknown>>;

describe("the Docker client", () => {
  it("tells the reference the operator wrote, the manifest's digest and the container's labels", async (context) => {
    const docker = await serve(context, {
      [`/containers/${id}/json`]: inspected,
      [`/images/${encodeURIComponent(imageId)}/json`]: inspectedImage,
    });
    assert.deepEqual(await docker.inspect(id, PATIENT_MS), {
      type: "docker",
      id,
      labels: { owner: "x" },
      image: "batch/busybox:1",
      imageDigest: manifest,
      complete: true,
    } satisfies ContainerFacts);
  });

  const references: readonly (readonly [title: string, written: string, image: unknown, expected: string])[] = [
    ["a tag for a container made from an id", imageId, inspectedImage, "batch/busybox:latest"],
    ["a tag for a container made from a shortened id", "848484848484", inspectedImage, "batch/busybox:latest"],
    ["a name of hexadecimal digits that is no id", "c0ffee", inspectedImage, "c0ffee"],
    ["the id when the image lost its tag", imageId, { ...inspectedImage, RepoTags: [] }, imageId],
    ["the reference when the image is gone", "batch/busybox:1", undefined, "batch/busybox:1"],
  ];
  for (const [title, written, image, expected] of references) {
    it(`tells ${title}`, async (context) => {
      const docker = await serve(context, {
        [`/containers/${id}/json`]: { ...inspected, Config: { Image: written, Labels: null } },
        [`/images/${encodeURIComponent(imageId)}/json`]: image,
      });
      assert.equal((await docker.inspect(id, PATIENT_MS))?.image, expected);
    });
  }

  it("knows no container when the daemon has none, or another of that name", async (context) => {
    const docker = await serve(context, { "/containers/web/json": inspected });
    assert.equal(await docker.inspect(id, PATIENT_MS), null);
    assert.equal(await docker.inspect("web", PATIENT_MS), null);
  });

  it("tells the chosen variables of the container's config, in the order they were chosen", async (context) => {
    const Env = ["PATH=/bin", "REPO_URL=https://example.org/a?b=c", "EMPTY=", "odd", "REPO_URL_2=x", 7];
    const answers = { [`/containers/${id}/json`]: { ...inspected, Config: { ...inspected.Config, Env } } };
    const chosen = ["EMPTY", "REPO_URL", "UNSET", "odd"];
    const docker = await serve(context, answers, chosen);
    assert.deepEqual(Object.entries((await docker.inspect(id, PATIENT_MS))?.envs ?? {}), [
      ["EMPTY", ""],
      ["REPO_URL", "https://example.org/a?b=c"],
    ]);
    const other = await serve(context, answers);
    assert.equal((await other.inspect(id, PATIENT_MS))?.envs, undefined);
  });

  it("lists what runs", async (context) => {
    const docker = await serve(context, {
      "/containers/json": [{ Id: id, Image: "batch/busybox:1", ImageID: imageId, Labels: { a: "b" } }, "odd", null],
    });
    assert.deepEqual(await docker.list(PATIENT_MS), [
      { type: "docker", id, labels: { a: "b" }, image: "batch/busybox:1", imageDigest: imageId, complete: false },
    ]);
  });

  it("tells of containers as they are made, and passes over lines that are no event or too long", async (context) => {
    const event = {
      Type: "container",
      Action: "create",
      Actor: { ID: id, Attributes: { image: "i:1", name: "n", a: "b" } },
    };
    const lines = [JSON.stringify(event), "{", "", `"${"x".repeat(300_000)}"`, JSON.stringify(event)];
    const docker = await serve(context, { "/events": `${lines.join("\n")}\n` });
    const seen: (ContainerFacts | null)[] = [];
    await docker.watch((_id, facts) => seen.push(facts), new AbortController().signal);
    const expected: ContainerFacts = { type: "docker", id, labels: { a: "b" }, image: "i:1", complete: false };
    assert.deepEqual(seen, [expected, expected]);
  });

  it("stops watching when it is told to", async (context) => {
    const docker = await serve(context, { "/events": hang });
    const stop = new AbortController();
    const watching = docker.watch(() => {}, stop.signal);
    stop.abort();
    await assert.rejects(watching, RuntimeError);
  });

  const failures: readonly (readonly [title: string, answer: unknown, kind: RuntimeErrorKind])[] = [
    ["an answer that is no JSON", "<html>", "failed"],
    ["an answer that is no list", {}, "unsupported"],
    ["an answer that is no HTTP", noHttp, "unsupported"],
    ["an answer without end", flood, "failed"],
    ["no answer", hang, "timeout"],
    ["half an answer", halfAnAnswer, "timeout"],
    ["a closed connection", (_: IncomingMessage, response: ServerResponse) => response.destroy(), "unreachable"],
    [
      "an error of the daemon",
      (_: IncomingMessage, response: ServerResponse) => response.writeHead(500).end(),
      "failed",
    ],
  ];
  for (const [title, answer, kind] of failures) {
    it(`fails in time with ${title}`, async (context) => {
      const docker = await serve(context, { "/containers/json": answer });
      const waitMs = kind === "timeout" ? 300 : PATIENT_MS;
      await assert.rejects(docker.list(waitMs), (error) => error instanceof RuntimeError && error.kind === kind);
    });
  }

  it("fails at once where there is no socket", async () => {
    const docker = openDocker("/nonexistent/docker.sock");
    await assert.rejects(docker.inspect(id, PATIENT_MS), (error) => (error as RuntimeError).kind === "absent");
    docker.close();
  });

  it("makes no more calls when it is closed", async (context) => {
    const docker = await serve(context, { "/containers/json": [], "/events": "" });
    docker.close();
    await assert.rejects(docker.list(PATIENT_MS), RuntimeError);
    await assert.rejects(
      docker.watch(() => {}, new AbortController().signal),
      RuntimeError,
    );
  });

  it("answers after it was reset", async (context) => {
    const docker = await serve(context, { "/containers/json": [] });
    await docker.list(PATIENT_MS);
    docker.reset();
    assert.deepEqual(await docker.list(PATIENT_MS), []);
  });
});

function hang(): void {}

function noHttp(request: IncomingMessage): void {
  // The beginning of a gRPC server's answer.
  request.socket.end(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
}

function halfAnAnswer(_: IncomingMessage, response: ServerResponse): void {
  response.write("[");
}

function flood(_: IncomingMessage, response: ServerResponse): void {
  const more = () => {
    while (!response.destroyed && response.write(" ".repeat(65_536)));
  };
  response.on("drain", more);
  more();
}

/** A daemon that gives each path its answer: a function handles the request, text is sent as it is, else as JSON. */
async function serve(context: TestContext, answers: Answers, envs: readonly string[] = []): Promise<Runtime> {
  const directory = mkdtempSync(join(tmpdir(), "cn-"));
  const socketPath = join(directory, "d.sock");
  const server = createServer((request, response) => {
    const answer = answers[(request.url ?? "").replace(/\?.*/, "")];
    if (typeof answer === "function") answer(request, response);
    else if (answer === undefined) response.writeHead(404).end('{"message":"none"}');
    else response.end(typeof answer === "string" ? answer : JSON.stringify(answer));
  });
  server.listen(socketPath);
  await once(server, "listening");
  const docker = openDocker(socketPath, envs);
  context.after(() => {
    docker.close();
    server.closeAllConnections();
    server.close();
    rmSync(directory, { recursive: true });
  });
  return docker;
}
