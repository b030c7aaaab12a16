// Write React as one module that a browser loads, into the file that is named.
//
// The package has CommonJS modules only, and a page has no bundler here.

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const PACKAGE = new URL("../../../clients/javascript/package.json", import.meta.url);
const { resolve } = createRequire(PACKAGE);
const FILES = {
  react: "react/cjs/react.production.js",
  scheduler: "scheduler/cjs/scheduler.production.js",
  "react-dom": "react-dom/cjs/react-dom.production.js",
  "react-dom/client": "react-dom/cjs/react-dom-client.production.js",
};
const NAMES = ["createContext", "createElement", "StrictMode", "useContext", "useEffect", "useState"];

/** Read a file of a package, whose `exports` do not list it. */
function read(path) {
  const [name] = path.split("/");
  const folder = resolve(`${name}/package.json`).replace(/package\.json$/, "");
  return readFileSync(folder + path.slice(name.length + 1), "utf8");
}

const factories = Object.entries(FILES).map(
  ([name, path]) => `"${name}": (module, exports, require) => {\n${read(path)}\n}`,
);
writeFileSync(
  process.argv[2],
  `const factories = {\n${factories.join(",\n")}\n};
const loaded = {};
function require(name) {
  if (!loaded[name]) {
    loaded[name] = { exports: {} };
    factories[name](loaded[name], loaded[name].exports, require);
  }
  return loaded[name].exports;
}
export const { ${NAMES.join(", ")} } = require("react");
export const { createRoot, hydrateRoot } = require("react-dom/client");
`,
);
