// A container runtime of a test's own: it knows the containers and pods that the test makes up.
import { messageField, stringField } from "@cryptnono/agent/containers/protobuf";
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from "@grpc/grpc-js";

export interface FakePod {
  readonly namespace: string;
  readonly pod: string;
  readonly uid: string;
  /** Those that its owner gave it. */
  readonly labels: Readonly<Record<string, string>>;
}

export class FakeCri {
  /** By container id. */
  readonly pods = new Map<string, FakePod>();
  readonly #server = new Server();

  private constructor() {}

  static async serve(socket: string): Promise<FakeCri> {
    const cri = new FakeCri();
    cri.#addService();
    await new Promise<void>((resolve, reject) =>
      cri.#server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) =>
        error === null ? resolve() : reject(error),
      ),
    );
    return cri;
  }

  stop(): void {
    this.#server.forceShutdown();
  }

  /** Those that a request names; all where it names none. */
  #asked(request: Buffer): string[] {
    const named = /[0-9a-f]{64}/.exec(request.toString("latin1"))?.[0];
    if (named !== undefined) return this.pods.has(named) ? [named] : [];
    return [...this.pods.keys()];
  }

  #addService(): void {
    const entries = (field: number, labels: Readonly<Record<string, string>>) =>
      Object.entries(labels).map(([key, value]) => messageField(field, stringField(1, key), stringField(2, value)));
    const kubelets = ({ namespace, pod, uid }: FakePod) => ({
      "io.kubernetes.container.name": "c",
      "io.kubernetes.pod.name": pod,
      "io.kubernetes.pod.namespace": namespace,
      "io.kubernetes.pod.uid": uid,
    });
    const image = stringField(1, "i");
    const answers: Readonly<Record<string, (request: Buffer) => Buffer | null>> = {
      Version: () => Buffer.concat([stringField(1, "0.1.0"), stringField(2, "containerd"), stringField(3, "v1.7.0")]),
      ListContainers: (request) =>
        Buffer.concat(
          this.#asked(request).map((id) =>
            messageField(1, stringField(1, id), messageField(4, image), ...entries(8, kubelets(this.pods.get(id)!))),
          ),
        ),
      ContainerStatus: (request) => {
        const [id] = this.#asked(request);
        if (id === undefined) return null;
        return messageField(
          1,
          stringField(1, id),
          messageField(8, image),
          ...entries(12, kubelets(this.pods.get(id)!)),
        );
      },
      ListPodSandbox: (request) => {
        const found = [...this.pods.values()].filter(({ uid }) => request.includes(uid));
        return Buffer.concat(found.map((pod) => messageField(1, ...entries(5, { ...kubelets(pod), ...pod.labels }))));
      },
    };
    const identity = (bytes: Buffer) => bytes;
    const service = Object.fromEntries(
      Object.keys(answers).map((name) => [
        name,
        {
          path: `/runtime.v1.RuntimeService/${name}`,
          requestStream: false,
          responseStream: false,
          requestSerialize: identity,
          requestDeserialize: identity,
          responseSerialize: identity,
          responseDeserialize: identity,
        },
      ]),
    );
    const handlers = Object.fromEntries(
      Object.entries(answers).map(([name, answer]) => [
        name,
        (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) => {
          const bytes = answer(call.request);
          if (bytes === null) done({ code: NOT_FOUND, details: "no such container" });
          else done(null, bytes);
        },
      ]),
    );
    this.#server.addService(service, handlers);
  }
}

/** gRPC's status. */
const NOT_FOUND = 5;
