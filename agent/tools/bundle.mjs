// The agent as a few files: a start that opens one file instead of hundreds takes a third of the time.
import { readFileSync, rmSync } from "node:fs";
import { build } from "esbuild";

const common = {
  bundle: true,
  minifySyntax: true,
  minifyWhitespace: true,
  platform: "node",
  format: "esm",
  target: "node20.19",
  define: { CRYPTNONO_VERSION: JSON.stringify(JSON.parse(readFileSync("agent/package.json", "utf8")).version) },
  legalComments: "inline",
  logLevel: "warning",
  banner: {
    js: [
      'import { createRequire as bundleRequire } from "node:module";',
      'import { fileURLToPath as bundlePath } from "node:url";',
      "const require = bundleRequire(import.meta.url);",
      "const CRYPTNONO_BUNDLE_URL = import.meta.url;",
      'const CRYPTNONO_ADDON_PATH = bundlePath(new URL("../native/cryptnono.node", import.meta.url));',
      'const CRYPTNONO_BPF_DIR = bundlePath(new URL("../bpf", import.meta.url));',
    ].join("\n"),
  },
};

rmSync("build/agent", { recursive: true, force: true });
await build({
  ...common,
  entryPoints: ["agent/dist/src/main.js"],
  outdir: "build/agent",
  entryNames: "cryptnono",
  chunkNames: "[name]-[hash]",
  outExtension: { ".js": ".mjs" },
  // What is imported when it is needed (the runtimes' clients) comes in files of its own.
  splitting: true,
});
// A thread of its own, in one file: what it shares with the agent in a chunk would be one more file for the agent's start.
await build({
  ...common,
  entryPoints: ["agent/dist/src/detectors/execwhacker/load-worker.js"],
  outfile: "build/agent/execwhacker-load.mjs",
});
