import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from "@grpc/grpc-js";
import { openPodLabels } from "./pod-labels.js";
import { mapEntry, message, messageField, readFields, stringField } from "./protobuf.js";

const UID = "d2ed6416-812f-413b-ba53-e62d11646809";

/** A CRI with one pod, that answers for it alone. */
async function cri(socketPath: string, labels: Readonly<Record<string, string>>): Promise<Server> {
  const server = new Server();
  const bytes = { serialize: (value: Buffer) => value, deserialize: (value: Buffer) => value };
  const method = {
    path: "/runtime.v1.RuntimeService/ListPodSandbox",
    ...{ requestStream: false, responseStream: false },
    requestSerialize: bytes.serialize,
    requestDeserialize: bytes.deserialize,
    responseSerialize: bytes.serialize,
    responseDeserialize: bytes.deserialize,
  };
  server.addService(
    { ListPodSandbox: method },
    {
      ListPodSandbox: (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => {
        let wanted = "";
        readFields(call.request, (_, filter) =>
          readFields(message(filter), (field, entry) => {
            if (field === 3) [, wanted] = mapEntry(entry);
          }),
        );
        const all = Object.entries({ ...labels, "io.kubernetes.pod.uid": UID });
        const item = all.map(([key, value]) => messageField(5, stringField(1, key), stringField(2, value)));
        answer(null, wanted === UID ? messageField(1, stringField(1, "sandbox"), ...item) : Buffer.alloc(0));
      },
    },
  );
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`unix:${socketPath}`, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    ),
  );
  return server;
}

test("a pod's labels come from the runtime that knows it, and of nobody else's pod", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "pods-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const socketPath = join(folder, "cri.sock");
  const server = await cri(socketPath, { app: "dask", __proto__x: "y" });
  t.after(() => server.forceShutdown());
  const pods = openPodLabels([
    { type: "docker", socketPath: join(folder, "docker.sock") },
    { type: "cri", socketPath: join(folder, "absent.sock") },
    { type: "cri", socketPath },
  ]);
  t.after(() => pods.close());
  assert.equal((await pods.of(UID))?.["app"], "dask");
  assert.equal(await pods.of("another"), null);
});

test("without a runtime there are none", async () => {
  const pods = openPodLabels([{ type: "cri", socketPath: "/none/cri.sock" }]);
  assert.equal(await pods.of(UID), null);
  pods.close();
});
