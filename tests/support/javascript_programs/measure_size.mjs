// Print the bytes of what a page loads of a module, minified, after gzip.
//
// The module is bundled as a page's build does, with splitting: what is imported later, with
// import(), does not count.

import { createRequire } from "node:module";
import { gzipSync } from "node:zlib";

const PACKAGE = new URL("../../../clients/javascript/package.json", import.meta.url);
const { buildSync } = createRequire(PACKAGE)("esbuild");

const { outputFiles, metafile } = buildSync({
  entryPoints: [process.argv[2]],
  outdir: "out",
  bundle: true,
  minify: true,
  splitting: true,
  format: "esm",
  target: "es2022",
  metafile: true,
  write: false,
});

const loaded = new Set();
function load(path) {
  if (loaded.has(path)) return;
  loaded.add(path);
  for (const { path: next, kind } of metafile.outputs[path].imports) {
    if (kind === "import-statement") load(next);
  }
}
load(Object.keys(metafile.outputs).find((path) => metafile.outputs[path].entryPoint));

const files = outputFiles.filter(({ path }) => [...loaded].some((each) => path.endsWith(each)));
const sizes = files.map(({ contents }) => gzipSync(contents, { level: 9 }).length);
console.log(sizes.reduce((sum, size) => sum + size, 0));
