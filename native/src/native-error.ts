// What the kernel or libbpf refused.

/** Facts of a refusal: the operation, the errno's name, and what to try. `message` is derived from them. */
export class NativeError extends Error {
  override readonly name = "NativeError";
  readonly operation: string;
  /** An errno's name, for example `EPERM`. */
  readonly code: string;
  readonly hint: string | undefined;

  constructor(operation: string, code: string, detail: string, hint: string | undefined, cause?: unknown) {
    super(`${operation}: ${detail} (${code})`, { cause });
    this.operation = operation;
    this.code = code;
    this.hint = hint;
  }
}
