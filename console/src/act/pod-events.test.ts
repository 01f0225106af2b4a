import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeApi } from "../fixtures/fake-api.js";
import { someSighting } from "../fixtures/sightings.js";
import { createPodEvents, eventOf } from "./pod-events.js";

const line = JSON.stringify({ labels: { "io.kubernetes.pod.uid": "uid-1" } });

test("the pod's user is told the program and the case, and no banned string", async () => {
  const api = await fakeApi();
  try {
    const events = createPodEvents(
      api.config,
      () => {},
      () => someSighting().at,
    );
    const sighting = someSighting({ line, cmdline: "/tmp/zz-banned-zz -o x" });
    const kept = { id: 1, number: "AAAA-BBBB", sighting, isNew: true };
    events.add(Array.from({ length: 9 }, () => kept));
    events.add([
      { ...kept, sighting: someSighting({ line, action: "spared" }) },
      { ...kept, sighting: someSighting({ line, pod: null }) },
    ]);
    for (let i = 0; i < 6000 && events.counts.sent < 4; i++) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.deepEqual({ ...events.counts }, { sent: 4, untold: 5 });
    const { path, body } = api.posted[0]!;
    assert.equal(path, "/api/v1/namespaces/hub/events");
    const { involvedObject, message } = body as { involvedObject: object; message: string };
    assert.deepEqual(involvedObject, {
      apiVersion: "v1",
      kind: "Pod",
      namespace: "hub",
      name: "jupyter-ada",
      uid: "uid-1",
      fieldPath: "spec.containers{notebook}",
    });
    assert.match(message, /^Killed process \/tmp\/zz•••zz: .*: case AAAA-BBBB$/);
  } finally {
    await api.close();
  }
});

test("who has no pod is told nothing", () => {
  assert.equal(eventOf(someSighting({ line, pod: null }), "n"), null);
  assert.equal(eventOf(someSighting({ line: "{}" }), "n"), null);
});
