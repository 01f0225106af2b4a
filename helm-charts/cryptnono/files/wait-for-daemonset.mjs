// Waits until the DaemonSet named by DAEMONSET in NAMESPACE is ready on all its nodes and deletes it. After
// TIMEOUT_SECONDS it leaves it where it is and ends with 1.
import { readFileSync } from "node:fs";
import { request } from "node:https";
const account = "/var/run/secrets/kubernetes.io/serviceaccount";
const { DAEMONSET, NAMESPACE, TIMEOUT_SECONDS, KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT } = process.env;
const ask = (method) =>
  new Promise((resolve, reject) => {
    const sent = request(
      {
        method,
        host: KUBERNETES_SERVICE_HOST,
        port: KUBERNETES_SERVICE_PORT,
        path: `/apis/apps/v1/namespaces/${NAMESPACE}/daemonsets/${DAEMONSET}`,
        ca: readFileSync(`${account}/ca.crt`),
        headers: { authorization: `Bearer ${readFileSync(`${account}/token`, "utf8")}` },
        timeout: 5000,
      },
      (reply) => {
        let body = "";
        reply.setEncoding("utf8");
        reply.on("data", (text) => (body += text));
        reply.on("error", reject);
        reply.on("end", () =>
          reply.statusCode === 200 ? resolve(JSON.parse(body)) : reject(new Error(`status ${reply.statusCode}`)),
        );
      },
    );
    sent.on("timeout", () => sent.destroy(new Error("no answer in 5 s")));
    sent.on("error", reject).end();
  });
const deadline = Date.now() + Number(TIMEOUT_SECONDS) * 1000;
for (let seen = "not asked yet"; ; ) {
  try {
    const { metadata, status } = await ask("GET");
    seen = `${status.numberReady} of ${status.desiredNumberScheduled} nodes`;
    // Before the controller has looked, all counts are 0.
    if (status.observedGeneration >= metadata.generation && status.numberReady === status.desiredNumberScheduled) {
      await ask("DELETE");
      console.log(`unpinned on ${seen}`);
      break;
    }
  } catch (error) {
    seen = `ask for daemonset ${DAEMONSET}: ${error.message}`;
  }
  if (Date.now() > deadline) {
    console.error(`gave up after ${TIMEOUT_SECONDS} s: ${seen}; the DaemonSet stays and unpins the other nodes when they are back`);
    process.exit(1);
  }
  await new Promise((resolve) => setTimeout(resolve, 500));
}
