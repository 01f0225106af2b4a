// A hub's namespace with one user's server in it, named as JupyterHub names things, and what its user types.
import { randomBytes } from "node:crypto";
import { kubectlJson, run, tryRun } from "./commands.js";

/** The image that test/cluster/user-image makes. */
export const USER_IMAGE = "localhost/hub-user:67523d9ea855";

export interface UserServer {
  readonly namespace: string;
  readonly pod: string;
  readonly uid: string;
}

/** A string that no other process on this machine has on its command line: 32 lower-case letters and digits. */
export function randomBannedString(): string {
  return `x${randomBytes(16).toString("hex").slice(1)}`;
}

export async function startUserServer(namespace: string): Promise<UserServer> {
  const pod = `jupyter-${randomBytes(4).toString("hex")}-2d${randomBytes(2).toString("hex")}`;
  const manifests = [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name: pod,
        namespace,
        labels: { app: "jupyterhub", component: "singleuser-server", "hub.jupyter.org/username": "user" },
      },
      spec: {
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        dnsPolicy: "Default",
        terminationGracePeriodSeconds: 1,
        containers: [
          {
            name: "notebook",
            image: USER_IMAGE,
            imagePullPolicy: "Never",
            securityContext: { allowPrivilegeEscalation: false, runAsUser: 1000 },
            resources: { requests: { cpu: "10m", memory: "16Mi" }, limits: { memory: "256Mi" } },
          },
        ],
      },
    },
  ];
  await run(["kubectl", "apply", "-f", "-"], manifests.map((one) => JSON.stringify(one)).join("\n---\n"));
  await run(["kubectl", "-n", namespace, "wait", "--for=condition=Ready", `pod/${pod}`, "--timeout=60s"]);
  const { metadata } = await kubectlJson<{ metadata: { uid: string } }>("-n", namespace, "get", "pod", pod);
  return { namespace, pod, uid: metadata.uid };
}

/** What the server's terminal shows, output and errors together, when its user types `lines`. */
export async function typeInTerminal(server: UserServer, lines: string): Promise<string> {
  const shell = ["kubectl", "-n", server.namespace, "exec", "-i", server.pod, "-c", "notebook", "--", "sh"];
  const { stdout, stderr } = await tryRun(shell, `exec 2>&1\n${lines}\ntrue\n`);
  return stdout + stderr;
}

/** Whether a process of the server with `banned` on its command line is killed. */
export async function isKilled(server: UserServer, banned: string): Promise<boolean> {
  return /\bKilled\b/.test(await typeInTerminal(server, `sh -c 'sleep 0.2; true' ${banned}`));
}
