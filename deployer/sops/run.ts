// Runs the real sops. Plaintext goes through its standard input and output only: never an argument, never a file.
import { spawn } from "node:child_process";
import { SopsError } from "../errors.js";

/** What a run of sops needs. */
export interface SopsRun {
  /** For messages: what is done to what, for example `decrypt helm-charts/x.yaml`. */
  readonly act: string;
  readonly args: readonly string[];
  /** Folder from which sops looks upwards for `.sops.yaml`. */
  readonly cwd: string;
  readonly input?: Uint8Array | string | undefined;
}

/**
 * @returns What sops wrote to standard output.
 * @throws SopsError with sops's own words. They hold key names and paths, no values.
 */
export function runSops({ act, args, cwd, input }: SopsRun): Promise<Buffer> {
  return new Promise((done, fail) => {
    const child = spawn("sops", args, { cwd, stdio: "pipe" });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
    child.on("error", (cause: NodeJS.ErrnoException) => {
      const missing = cause.code === "ENOENT";
      fail(
        new SopsError(`${act}: ${missing ? "sops is not installed, or not in PATH" : cause.message}`, {
          cause,
          hint: missing
            ? "go install github.com/getsops/sops/v3/cmd/sops@v3.13.3, then see docs/howto/own-keys.md"
            : undefined,
        }),
      );
    });
    child.on("close", (code, signal) => {
      if (code === 0) done(Buffer.concat(out));
      else fail(explain(act, code ?? signal, Buffer.concat(err).toString()));
    });
    // sops may end before it has read everything; its exit status then says why.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}

// 128: «could not retrieve the data key», the code for a missing and for a wrong key of any kind.
const NO_KEY = 128;

function explain(act: string, status: number | string | null, stderr: string): SopsError {
  const lines = stderr
    .split("\n")
    .map((line) => line.replace(/^\s*(- )?\| /, "").trim())
    .filter((line) => line !== "" && !line.startsWith("time="));
  if (status === NO_KEY) {
    return new SopsError(`${act}: sops has no key for it: ${lines.slice(1, -3).join(" ")}`, {
      hint: "export SOPS_AGE_KEY_FILE=..., or log in to the KMS named in the file's sops section; see docs/howto/own-keys.md",
    });
  }
  return new SopsError(`${act}: sops ended with ${status}: ${lines.join(" ") || "no message"}`, {
    hint: /flag provided but not defined.*value-stdin/.test(stderr) ? "sops 3.11 or later is needed" : undefined,
  });
}
