// Work that takes long, done by a thread of its own while this one goes on: nothing that it meets, not even the end of its
// memory, is more than an error here.

export interface WorkerLimits {
  /** Of its JavaScript objects; buffers are not counted. */
  readonly maxHeapMiB: number;
  readonly deadlineMs: number;
}

/** What a worker posts, once. */
export type WorkerAnswer<T> =
  | { readonly value: T }
  | {
      readonly error: {
        readonly name: string;
        readonly message: string;
        readonly hint?: string;
        readonly stack?: string;
      };
    };

/** An error of a worker's, with its name, its words and its hint. */
export class WorkerError extends Error {
  readonly hint?: string;

  constructor(name: string, message: string, hint: string | undefined, stack?: string) {
    super(message);
    this.name = name;
    if (hint !== undefined) this.hint = hint;
    if (stack !== undefined) this.stack = stack;
  }
}

/**
 * Have the worker in `file` work on `request`, which it gets as `workerData`.
 *
 * @param what - For messages: `load the config`.
 * @throws WorkerError
 */
export async function inWorker<T>(what: string, file: URL, request: unknown, limits: WorkerLimits): Promise<T> {
  // Loaded here: most agents never need it, and it is 4 ms of a start.
  const { Worker } = await import("node:worker_threads");
  return new Promise((resolve, reject) => {
    const worker = new Worker(file, {
      workerData: request,
      // The semi-space option of this process is too small for a thread that makes much and lives briefly.
      resourceLimits: { maxOldGenerationSizeMb: limits.maxHeapMiB, maxYoungGenerationSizeMb: 4 },
    });
    const deadline = setTimeout(() => {
      end(() => reject(new WorkerError("DeadlineError", `${what}: more than ${limits.deadlineMs / 1000} s`, SMALLER)));
    }, limits.deadlineMs);

    function end(settle: () => void): void {
      clearTimeout(deadline);
      settle();
      void worker.terminate();
    }

    worker.once("message", (answer: WorkerAnswer<T>) =>
      end(() => {
        if ("value" in answer) return resolve(answer.value);
        const { name, message, hint, stack } = answer.error;
        reject(new WorkerError(name, message, hint, stack));
      }),
    );
    worker.once("error", (error: NodeJS.ErrnoException) =>
      end(() => {
        const isFull = error.code === "ERR_WORKER_OUT_OF_MEMORY";
        reject(isFull ? new WorkerError("MemoryError", `${what}: more than ${limits.maxHeapMiB} MiB`, SMALLER) : error);
      }),
    );
    worker.once("exit", (code) => {
      end(() => reject(new WorkerError("ExitError", `${what}: the thread ended with ${code}`, undefined)));
    });
  });
}

const SMALLER = "it is too large: take out what is not needed";
