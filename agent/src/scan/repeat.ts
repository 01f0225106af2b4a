// A job at intervals, never twice at a time.

export interface Repeated {
  /** Run now, or join the run that is under way. Rejects when the job fails. */
  now(): Promise<void>;
  /** No run begins after this; resolves when the one under way has ended. */
  stop(): Promise<void>;
}

/**
 * Run `job` every `everyMs` after the end of the run before; 0 means only on demand. Failures of timed runs go to `onError`.
 * The job may ask `isStopped` whether it should end early.
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
    if (everyMs > 0 && !stopped) timer = setTimeout(() => now().catch(onError), everyMs);
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

  schedule();
  return {
    now,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      // Its failure was told to whoever started it.
      await running?.catch(() => {});
    },
  };
}
