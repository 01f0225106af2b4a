// Errors for people: what was done, to what, why not, and what to try.

/** The running machine lacks something. */
export class UnsupportedError extends Error {
  override readonly name = "UnsupportedError";
  readonly hint: string;
  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

/** A wrong flag or environment variable. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly hint: string;
  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

/** The message, and the hint on its own line. Errors without a hint are faults of the program and keep their stack. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return `cryptnono: ${String(error)}\n`;
  const hint = "hint" in error && typeof error.hint === "string" ? `  ${error.hint}\n` : "";
  const isForPeople = "hint" in error || error.name === "ConfigError";
  return `cryptnono: ${isForPeople ? error.message : (error.stack ?? error.message)}\n${hint}`;
}
