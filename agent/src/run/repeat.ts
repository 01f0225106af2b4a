// A job at intervals, never twice at a time.

export interface Repeated {
  /** Run now, or join the run that is under way. Rejects when the job fails. */
  now(): Promise<void>;
  /** Run now, or once the run under way has ended: it began before what is to be seen. Rejects when the job fails. */
  again(): Promise<void>;
  /** No run begins after this; resolves when the one under way has ended. */
  stop(): Promise<void>;
}

/**
 * Run `job` when asked, and from the first time on every `everyMs` after the end of the run before; 0 means only when asked.
 * Failures of timed runs go to `onError`. The job may ask `isStopped` whether it should end early. No run keeps the process.
 */
export function repeat(
  everyMs: number,
  job: (isStopped: () => boolean) => Promise<void>,
  onError: (error: unknown) => void,
): Repeated {
  let running: Promise<void> | null = null;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  function schedule(): void {
    if (everyMs > 0 && !stopped) timer = setTimeout(() => now().catch(onError), everyMs).unref();
  }

  function now(): Promise<void> {
    if (running !== null) return running;
    if (stopped) return Promise.resolve();
    clearTimeout(timer);
    running = job(() => stopped).finally(() => {
      running = null;
      schedule();
    });
    return running;
  }

  return {
    now,
    async again() {
      await running?.catch(() => {}); // told to whoever started it
      await now();
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      // Its failure was told to whoever started it.
      await running?.catch(() => {});
    },
  };
}
