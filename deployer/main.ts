// The deployer as a process: its streams, and what nothing in it could catch.
import { deployer, type Streams, tell } from "./cli.js";
import { GeneratorError } from "./errors.js";

const streams: Streams = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
};

// `deployer ... | head` is no reason to leave the work half done.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") fail(error);
});

// What the generator throws where nothing can catch it must not be printed by Node, which shows the message and the line.
process.on("uncaughtException", () => {
  fail(new GeneratorError("run the generator: an exception was thrown outside of generate()"));
  process.exit();
});
process.on("unhandledRejection", () => {
  fail(
    new GeneratorError("run the generator: a promise was rejected that nobody waits for", {
      hint: "await every promise in the generator",
    }),
  );
  process.exit();
});

const status = await deployer(process.argv.slice(2), process.cwd(), streams);
process.exitCode ??= status;

function fail(error: unknown): void {
  process.exitCode = 1;
  tell(error, streams);
}
