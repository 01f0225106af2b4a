// A reporter for node's test runner that says what failed and nothing else: the end of a long log shows it then.
import { relative } from "node:path";

export default async function* failures(source) {
  for await (const { type, data } of source) {
    if (type !== "test:fail" || data.details.error.failureType === "subtestsFailed") continue;
    const error = data.details.error.cause ?? data.details.error;
    const [reason = ""] = String(error?.message ?? error).split("\n");
    yield `${relative(process.cwd(), data.file ?? "")}: ${data.name}: ${reason}\n`;
  }
}
