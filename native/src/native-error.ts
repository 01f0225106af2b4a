// What the kernel or libbpf refused, and what to try.
import { release } from "node:os";

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

/** What the addon threw as a NativeError; anything else as it is. */
export function nativeError(error: unknown): unknown {
  if (!(error instanceof Error) || !("operation" in error) || !("code" in error)) return error;
  const operation = String(error.operation);
  const code = String(error.code);
  return new NativeError(operation, code, lastLine(error.message), hintFor(operation, code, error.message), error);
}

/** libbpf says the most general thing last and the cause before; one line has the place for one of them. */
function lastLine(text: string): string {
  const lines = text.trim().split("\n");
  return (
    lines.findLast(
      (line) => !/^(processed |-- END |libbpf: (failed to load|prog .*: (failed to load|-- BEGIN)))/.test(line),
    ) ?? ""
  ).trim();
}

/** tp_btf programs and all else that is used are there from this kernel on (test/vm/README.md). */
const OLDEST_KERNEL = [5, 15] as const;

function hintFor(operation: string, code: string, detail: string): string | undefined {
  const [major = 0, minor = 0] = release().split(".").map(Number);
  if (major < OLDEST_KERNEL[0] || (major === OLDEST_KERNEL[0] && minor < OLDEST_KERNEL[1]))
    return `this machine's kernel is ${release()}: ${OLDEST_KERNEL.join(".")} or later is needed`;
  if (/BTF/i.test(detail) && /vmlinux/.test(detail)) {
    return "this kernel has no BTF: it needs CONFIG_DEBUG_INFO_BTF=y and /sys/kernel/btf/vmlinux readable";
  }
  if (/^processed \d+ insns/m.test(detail))
    return `the verifier of kernel ${release()} refuses the program: a fault of this version's, please report it with this message`;
  if (code === "EPERM" || code === "EACCES") {
    return "the capabilities BPF and PERFMON are needed (and no kernel lockdown in confidentiality mode): run as root, or add them to the container";
  }
  if (operation.startsWith("pin") && code === "EINVAL")
    return "the pin directory must lie on a BPF file system (mount -t bpf)";
  return undefined;
}
