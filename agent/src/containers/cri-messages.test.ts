import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { rounds } from "@cryptnono/matcher/test/rounds";
import fc from "fast-check";
import protobuf from "protobufjs";
import {
  type CriContainer,
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
import { messageField, readFields, stringField, varintField, WireError } from "./protobuf.js";

const proto = protobuf.loadSync(
  fileURLToPath(new URL("../../../src/containers/fixtures/cri-api.proto", import.meta.url)),
);

/** What the general library makes of the official definition. */
function official(type: string): { encode(value: object): Buffer; decode(bytes: Buffer): Record<string, unknown> } {
  const lookedUp = proto.lookupType(`runtime.v1.${type}`);
  return {
    encode: (value) => Buffer.from(lookedUp.encode(lookedUp.fromObject(value)).finish()),
    decode: (bytes) => lookedUp.toObject(lookedUp.decode(bytes), { enums: Number, longs: Number }),
  };
}

const text = fc.oneof(fc.string(), fc.string({ unit: "grapheme" }), fc.constant("é…日本\u0000"));
const labels = fc.dictionary(text, text, { maxKeys: 5 });
const container = fc.record({
  id: text,
  image: fc.record({ image: text, userSpecifiedImage: text, annotations: labels }),
  imageRef: text,
  labels,
  annotations: labels,
  createdAt: fc.integer({ min: 0 }),
  state: fc.constantFrom(0, 1, 2, 3),
  metadata: fc.record({ name: text, attempt: fc.nat() }),
});

function asRead(value: {
  id: string;
  image: { image: string; userSpecifiedImage: string };
  imageRef: string;
  labels: object;
}): CriContainer {
  return {
    id: value.id,
    image: value.image.image,
    userSpecifiedImage: value.image.userSpecifiedImage,
    imageRef: value.imageRef,
    labels: new Map(Object.entries(value.labels)),
  };
}

describe("the CRI's messages, against the official definition", () => {
  it("reads a list of containers", () => {
    fc.assert(
      fc.property(fc.array(container, { maxLength: 4 }), (containers) => {
        const bytes = official("ListContainersResponse").encode({ containers });
        assert.deepEqual(decodeListContainersResponse(bytes), containers.map(asRead));
      }),
    );
  });

  it("reads a container's status", () => {
    const status = container.chain((value) =>
      fc.integer({ min: -1, max: 255 }).map((exitCode) => ({ ...value, exitCode, logPath: "x", imageId: "y" })),
    );
    fc.assert(
      fc.property(status, fc.record({ info: text, other: text }, { requiredKeys: [] }), (value, info) => {
        const bytes = official("ContainerStatusResponse").encode({ status: value, info });
        const read = decodeContainerStatusResponse(bytes);
        assert.deepEqual(read, { status: asRead(value), info: Object.hasOwn(info, "info") ? info["info"] : "" });
      }),
    );
  });

  it("reads an event with its pod's containers", () => {
    fc.assert(
      fc.property(text, fc.constantFrom(0, 1, 2, 3), fc.array(container, { maxLength: 3 }), (id, type, containers) => {
        const bytes = official("ContainerEventResponse").encode({
          containerId: id,
          containerEventType: type,
          createdAt: 1,
          containersStatuses: containers,
        });
        assert.deepEqual(decodeContainerEvent(bytes), { containerId: id, type, containers: containers.map(asRead) });
      }),
    );
  });

  it("reads a version", () => {
    const bytes = official("VersionResponse").encode({
      version: "0.1.0",
      runtimeName: "cri-o",
      runtimeVersion: "1.31.2",
    });
    assert.deepEqual(decodeVersionResponse(bytes), { runtimeName: "cri-o", runtimeVersion: "1.31.2" });
  });

  it("writes requests that the official definition reads", () => {
    assert.deepEqual(official("VersionRequest").decode(encodeVersionRequest()), { version: "v1" });
    assert.deepEqual(official("ListContainersRequest").decode(encodeListContainersRequest("running")), {
      filter: { state: { state: 1 } },
    });
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (id) => {
        assert.deepEqual(official("ListContainersRequest").decode(encodeListContainersRequest({ id })), {
          filter: { id },
        });
        assert.deepEqual(official("ContainerStatusRequest").decode(encodeContainerStatusRequest(id)), {
          containerId: id,
        });
        assert.deepEqual(official("ContainerStatusRequest").decode(encodeContainerStatusRequest(id, true)), {
          containerId: id,
          verbose: true,
        });
      }),
    );
  });

  it("has no status in a response without one", () => {
    assert.deepEqual(decodeContainerStatusResponse(Buffer.alloc(0)), { status: null, info: "" });
  });
});

describe("containerd's task event", () => {
  it("gives the container's id", () => {
    const task = Buffer.concat([stringField(1, "abc"), stringField(2, "/run/bundle"), varintField(6, 4711)]);
    const any = [stringField(1, "containerd.events.TaskCreate"), messageField(2, task)];
    const envelope = Buffer.concat([
      stringField(2, "k8s.io"),
      stringField(3, "/tasks/create"),
      messageField(4, ...any),
    ]);
    assert.equal(decodeTaskEventContainerId(envelope), "abc");
  });

  it("is subscribed to by filters", () => {
    assert.deepEqual(encodeSubscribeRequest(["a", "b"]), Buffer.from([0x0a, 1, 0x61, 0x0a, 1, 0x62]));
  });
});

describe("the wire format", () => {
  const whole = official("ListContainersResponse").encode({
    containers: [{ id: "a", image: { image: "i" }, labels: { k: "v" }, createdAt: 2 ** 40 }],
  });

  it("refuses a message cut anywhere but between fields", () => {
    for (let end = 1; end < whole.length; end++) {
      assert.throws(() => decodeListContainersResponse(whole.subarray(0, end)), WireError);
    }
  });

  it("throws nothing but WireError, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decodeListContainersResponse(Buffer.from(bytes));
          decodeContainerEvent(Buffer.from(bytes));
          decodeTaskEventContainerId(Buffer.from(bytes));
        } catch (error) {
          assert.ok(error instanceof WireError);
        }
      }),
      { numRuns: rounds(1000) },
    );
  });

  it("passes over fields of the fixed-width types and reads the largest number", () => {
    const seen: unknown[] = [];
    const largest = Buffer.from([0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);
    const fixed = Buffer.from([0x11, 1, 2, 3, 4, 5, 6, 7, 8, 0x1d, 1, 2, 3, 4]);
    readFields(Buffer.concat([fixed, largest, fixed]), (...field) => seen.push(field));
    assert.deepEqual(seen, [[1, 2 ** 64]]);
  });

  it("refuses a number longer than 64 bits and the wire types that proto3 does not have", () => {
    for (const bytes of [[0x08, ...Array(10).fill(0xff), 0x01], [0x0b], [0x0c], [0x0e], [0x0f]]) {
      assert.throws(() => readFields(Buffer.from(bytes), () => {}), WireError);
    }
  });

  it("leaves defaults out", () => {
    assert.equal(stringField(1, "").length + varintField(1, 0).length, 0);
    assert.deepEqual(varintField(1, 300), Buffer.from([0x08, 0xac, 0x02]));
  });
});
