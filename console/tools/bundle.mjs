// The console as a few files of its own in build/console, with what its pages load and the database's library.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const OUT = "build/console";
const require = createRequire(new URL("../package.json", import.meta.url));
const { version } = JSON.parse(readFileSync("agent/package.json", "utf8"));

rmSync(OUT, { recursive: true, force: true });
await build({
  entryPoints: ["console/dist/src/main.js"],
  outdir: OUT,
  entryNames: "console",
  chunkNames: "[name]-[hash]",
  outExtension: { ".js": ".mjs" },
  bundle: true,
  splitting: true,
  minifySyntax: true,
  minifyWhitespace: true,
  platform: "node",
  format: "esm",
  target: "node20.19",
  // Its own folder has the binary that it looks for.
  external: ["@photostructure/sqlite"],
  define: { CRYPTNONO_VERSION: JSON.stringify(version) },
  legalComments: "inline",
  logLevel: "warning",
  banner: {
    js: 'import { createRequire as bundleRequire } from "node:module"; const require = bundleRequire(import.meta.url);',
  },
});

mkdirSync(`${OUT}/assets`, { recursive: true });
await build({
  entryPoints: ["console/src/client/page.ts"],
  outfile: `${OUT}/assets/page.js`,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  logLevel: "warning",
});
cpSync("console/src/client/icon.svg", `${OUT}/assets/icon.svg`);
const css = [require.resolve("uplot/dist/uPlot.min.css"), "console/src/client/page.css"];
writeFileSync(`${OUT}/assets/page.css`, css.map((file) => readFileSync(file, "utf8")).join("\n"));

/** What a phone loads. */
const MAX_SCRIPT_BYTES = 100 * 1024;
const bytes = gzipSync(readFileSync(`${OUT}/assets/page.js`), { level: 9 }).length;
if (bytes > MAX_SCRIPT_BYTES) throw new Error(`bundle: the page's script has ${bytes} bytes compressed, more than ${MAX_SCRIPT_BYTES}`);

copyPackage("@photostructure/sqlite", ["package.json", "LICENSE", "dist/index.mjs", `prebuilds/linux-${process.arch}/@photostructure+sqlite.glibc.node`]);
copyPackage("node-gyp-build", ["package.json", "LICENSE", "index.js", "node-gyp-build.js"], "@photostructure/sqlite");

function copyPackage(name, files, from) {
  const at = from === undefined ? require : createRequire(require.resolve(`${from}/package.json`));
  const dir = dirname(at.resolve(`${name}/package.json`));
  for (const file of files) cpSync(join(dir, file), join(OUT, "node_modules", name, file), { recursive: true });
}
