import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer as createHttp } from "node:http";
import { createServer as createSocket, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";
import { hasBroadcastEvents, openCri } from "./cri.js";
import { messageField, stringField, varintField } from "./protobuf.js";
import { type ContainerFacts, type Runtime, RuntimeError } from "./runtime.js";

const id = "9b8e72abb8237dc284ee27d6cca2404b8cb4efebeda20f1d7b271997e93095ed";
const imageId = `sha256:${"38".repeat(32)}`;
const manifest = `sha256:${"17".repeat(32)}`;
const labels = {
  "io.kubernetes.container.name": "notebook",
  "io.kubernetes.pod.name": "jupyter-a",
  "io.kubernetes.pod.namespace": "hub",
  "io.kubernetes.pod.uid": "d2ed6416-812f-413b-ba53-e62d11646809",
};
const allLabels = Object.entries({ ...labels, "other.example": "x" });

/** `Container`, as in a list. */
function listed(image: string, userSpecifiedImage = ""): Buffer {
  return Buffer.concat([
    stringField(1, id),
    messageField(4, stringField(1, image), stringField(18, userSpecifiedImage)),
    stringField(5, imageId),
    ...allLabels.map(([key, value]) => messageField(8, stringField(1, key), stringField(2, value))),
  ]);
}

/** `ContainerStatus`. */
function stated(image: string, imageRef: string): Buffer {
  return Buffer.concat([
    stringField(1, id),
    messageField(8, stringField(1, image)),
    stringField(9, imageRef),
    ...allLabels.map(([key, value]) => messageField(12, stringField(1, key), stringField(2, value))),
  ]);
}

type Unary = (request: Buffer) => Buffer | { code: status; details: string } | "never";
type Stream = (call: ServerWritableStream<Buffer, Buffer>) => void;

interface Answers {
  readonly ListContainers?: Unary;
  readonly ContainerStatus?: Unary;
  readonly Version?: Unary;
  readonly GetContainerEvents?: Stream;
  readonly Subscribe?: Stream;
}

/** Only what never answers may end by its time: the machine may be busy with other things. */
const PATIENT_MS = 60_000;

const notFound = { code: status.NOT_FOUND, details: "no such container" };

describe("the CRI client", () => {
  const images: readonly (readonly [title: string, inList: Buffer, inStatus: Buffer, image: string, digest: string])[] =
    [
      [
        "containerd 2 with the pod's own words, which only the list has",
        listed(imageId, "quay.io/a/b:1"),
        stated("quay.io/a/other:2", `quay.io/a/b@${manifest}`),
        "quay.io/a/b:1",
        manifest,
      ],
      [
        "containerd 1.6, where only the status has a tag",
        listed(imageId),
        stated("quay.io/a/b:1", imageId),
        "quay.io/a/b:1",
        imageId,
      ],
      [
        "CRI-O, whose ids have no prefix",
        listed("quay.io/a/b:1"),
        stated("quay.io/a/b:1", "38".repeat(32)),
        "quay.io/a/b:1",
        imageId,
      ],
      [
        "an image that lost its tag",
        listed(imageId),
        stated(imageId, `quay.io/a/b@${manifest}`),
        `quay.io/a/b@${manifest}`,
        manifest,
      ],
    ];
  for (const [title, inList, inStatus, image, imageDigest] of images) {
    it(`tells image, digest and the four labels of a pod: ${title}`, async (context) => {
      const cri = await serve(context, {
        ListContainers: () => messageField(1, inList),
        ContainerStatus: () => messageField(1, inStatus),
      });
      const facts = await cri.inspect(id, PATIENT_MS);
      assert.deepEqual(facts, { type: "cri", id, labels, image, imageDigest, complete: true } satisfies ContainerFacts);
    });
  }

  it("tells what the list had of a container that was removed in between", async (context) => {
    const cri = await serve(context, {
      ListContainers: () => messageField(1, listed(imageId, "quay.io/a/b:1")),
      ContainerStatus: () => notFound,
    });
    const facts = await cri.inspect(id, PATIENT_MS);
    assert.deepEqual(facts, { type: "cri", id, labels, image: "quay.io/a/b:1", imageDigest: imageId, complete: false });
  });

  describe("tells the chosen variables of the container's specification", () => {
    const spec = (words: unknown) =>
      Buffer.concat([
        messageField(1, stated("quay.io/a/b:1", imageId)),
        messageField(2, stringField(1, "other"), stringField(2, "{}")),
        messageField(
          2,
          stringField(1, "info"),
          stringField(2, typeof words === "string" ? words : JSON.stringify(words)),
        ),
      ]);
    const runtimeSpec = {
      process: { env: ["PATH=/bin", "IP=1", "IP=10.0.0.1", "REPO=https://example.org/a=b", "odd"] },
    };
    const infos: readonly (readonly [title: string, info: unknown, envs: Record<string, string>])[] = [
      [
        "containerd",
        { pid: 1, config: { envs: [{ key: "IP", value: "2" }] }, runtimeSpec },
        { REPO: "https://example.org/a=b", IP: "10.0.0.1" },
      ],
      ["CRI-O", { sandboxID: "a", pid: 1, runtimeSpec }, { REPO: "https://example.org/a=b", IP: "10.0.0.1" }],
      [
        "one that tells what the kubelet passed alone",
        { config: { envs: [{ key: "IP", value: "2" }, { key: "REPO" }, null] } },
        { REPO: "", IP: "2" },
      ],
      ["one that tells no specification", { pid: 1 }, {}],
      ["one that tells no JSON", "{", {}],
      ["one that tells nothing", "", {}],
    ];
    for (const [title, info, envs] of infos) {
      it(`of ${title}`, async (context) => {
        const asked: Buffer[] = [];
        const answers: Answers = {
          ListContainers: () => messageField(1, listed(imageId, "quay.io/a/b:1")),
          ContainerStatus: (request) => {
            asked.push(request);
            return spec(info);
          },
        };
        const cri = await serve(context, answers, ["REPO", "IP", "UNSET"]);
        assert.deepEqual((await cri.inspect(id, PATIENT_MS))?.envs, envs);
        // ContainerStatusRequest.verbose
        assert.deepEqual(asked, [Buffer.concat([stringField(1, id), varintField(2, 1)])]);
        const plain = await serve(context, answers);
        assert.equal((await plain.inspect(id, PATIENT_MS))?.envs, undefined);
        assert.deepEqual(asked[1], stringField(1, id));
      });
    }
  });

  it("knows no container when the runtime has none, or only one whose id begins so", async (context) => {
    const cri = await serve(context, {
      ListContainers: (request) => (request.includes("9b8e") ? messageField(1, listed(imageId)) : Buffer.alloc(0)),
      ContainerStatus: () => notFound,
    });
    assert.equal(await cri.inspect("9b8e72abb823", PATIENT_MS), null);
    assert.equal(await cri.inspect("ff".repeat(32), PATIENT_MS), null);
  });

  it("tells of containers by the CRI's events where all callers get them", async (context) => {
    const event = (type: number) =>
      Buffer.concat([stringField(1, id), varintField(2, type), messageField(5, stated("quay.io/a/b:1", imageId))]);
    const cri = await serve(context, {
      Version: () => version("containerd", "v2.1.5"),
      GetContainerEvents: (call) => {
        for (const type of [0, 1, 2, 3]) call.write(event(type));
        call.end();
      },
    });
    const seen = await watch(cri);
    const expected = { type: "cri", id, labels, image: "quay.io/a/b:1", imageDigest: imageId, complete: false };
    assert.deepEqual(seen, [
      [id, expected],
      [id, expected],
    ]);
  });

  it("tells of containers by containerd's own events before, as the CRI's may be the kubelet's", async (context) => {
    const task = messageField(2, stringField(1, id));
    const cri = await serve(context, {
      Version: () => version("containerd", "1.7.29"),
      Subscribe: (call) => {
        call.write(messageField(4, task));
        call.end();
      },
      GetContainerEvents: () => assert.fail("took events from the kubelet"),
    });
    assert.deepEqual(await watch(cri), [[id, null]]);
  });

  it("does not watch a runtime whose events it would take from others", async (context) => {
    const cri = await serve(context, { Version: () => version("cri-o", "1.27.3") });
    await assert.rejects(watch(cri), (error) => error instanceof RuntimeError && error.kind === "unsupported");
  });

  const versions: readonly (readonly [name: string, version: string, expected: boolean])[] = [
    ["containerd", "1.6.20~ds1", false],
    ["containerd", "v1.7.29", false],
    ["containerd", "v2.0.0-rc.1", true],
    ["containerd", "2.2.0", true],
    ["cri-o", "1.27.9", false],
    ["cri-o", "1.28.0", true],
    ["cri-o", "v1.34.0-dev", true],
    ["docker", "28.0.1", false],
    ["containerd", "", false],
    ["containerd", "main", false],
  ];
  for (const [name, release, expected] of versions) {
    it(`takes ${name} ${release || "without a version"} ${expected ? "" : "not "}to send events to all`, () => {
      assert.equal(hasBroadcastEvents({ runtimeName: name, runtimeVersion: release }), expected);
    });
  }

  it("fails in time with a runtime that does not answer, one without the CRI, and a broken answer", async (context) => {
    const silent = await serve(context, { ListContainers: () => "never" });
    await assertKind(silent.list(200), "timeout");
    const other = await serve(context, {});
    await assertKind(other.list(PATIENT_MS), "unsupported");
    const { socketPath } = temporary(context);
    const docker = createHttp((_request, response) => response.end("[]"));
    await new Promise<void>((resolve) => docker.listen(socketPath, resolve));
    context.after(() => docker.close());
    await assertKind(open(context, socketPath).list(PATIENT_MS), "unsupported");
    const broken = await serve(context, { ListContainers: () => Buffer.from([0x0f]) });
    await assertKind(broken.list(PATIENT_MS), "failed");
  });

  it("fails in time where a socket accepts and never answers, and at once where there is none", async (context) => {
    const { socketPath, directory } = temporary(context);
    const sockets = new Set<Socket>();
    const server = createSocket((socket) => void sockets.add(socket));
    await new Promise<void>((resolve) => server.listen(socketPath, resolve));
    context.after(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    await assertKind(open(context, socketPath).list(200), "timeout");
    await assert.rejects(open(context, join(directory, "none.sock")).list(PATIENT_MS), {
      name: "RuntimeError",
      kind: "absent",
      message: "connect ENOENT",
    });
  });

  it("ends the calls under way when it is closed", async (context) => {
    const cri = await serve(context, { ListContainers: () => "never" });
    const listing = cri.list(60_000);
    cri.close();
    await assert.rejects(listing, RuntimeError);
  });

  it("makes no more calls when it is closed", async (context) => {
    const cri = await serve(context, { ListContainers: () => Buffer.alloc(0) });
    cri.close();
    await assert.rejects(cri.list(PATIENT_MS), RuntimeError);
    await assert.rejects(watch(cri), RuntimeError);
  });

  it("answers after it was reset", async (context) => {
    const cri = await serve(context, { ListContainers: () => Buffer.alloc(0) });
    await cri.list(PATIENT_MS);
    cri.reset();
    assert.deepEqual(await cri.list(PATIENT_MS), []);
  });
});

function version(name: string, release: string): Buffer {
  return Buffer.concat([stringField(1, "0.1.0"), stringField(2, name), stringField(3, release), stringField(4, "v1")]);
}

async function watch(cri: Runtime): Promise<unknown[]> {
  const seen: unknown[] = [];
  await cri.watch((...event) => seen.push(event), new AbortController().signal);
  return seen;
}

async function assertKind(call: Promise<unknown>, kind: string): Promise<void> {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof RuntimeError);
    assert.equal(error.kind, kind);
    return true;
  });
}

function temporary(context: TestContext): { socketPath: string; directory: string } {
  const directory = mkdtempSync(join(tmpdir(), "cn-"));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  return { socketPath: join(directory, "c.sock"), directory };
}

function open(context: TestContext, socketPath: string, envs: readonly string[] = []): Runtime {
  const cri = openCri(socketPath, envs);
  context.after(() => cri.close());
  return cri;
}

/** A runtime that knows the given methods. */
async function serve(context: TestContext, answers: Answers, envs: readonly string[] = []): Promise<Runtime> {
  const { socketPath } = temporary(context);
  const server = new Server();
  const bytes = {
    requestSerialize: pass,
    requestDeserialize: pass,
    responseSerialize: pass,
    responseDeserialize: pass,
  };
  for (const [name, answer] of Object.entries(answers)) {
    const service = name === "Subscribe" ? "containerd.services.events.v1.Events" : "runtime.v1.RuntimeService";
    const responseStream = name === "Subscribe" || name === "GetContainerEvents";
    const path = `/${service}/${name}`;
    const unary = (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) => {
      const reply = (answer as Unary)(call.request);
      if (Buffer.isBuffer(reply)) done(null, reply);
      else if (reply !== "never") done(reply);
    };
    server.addService(
      { [name]: { path, requestStream: false, responseStream, ...bytes } },
      { [name]: responseStream ? answer : unary },
    );
  }
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${socketPath}`, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    );
  });
  context.after(() => server.forceShutdown());
  return open(context, socketPath, envs);
}

function pass(bytes: Buffer): Buffer {
  return bytes;
}
