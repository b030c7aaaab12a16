// Serve the compiled example as Next.js would: middleware, server components, hydration.
//
// Arguments: the folder with the example, the files that a browser loads, a port.

import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { createRequire, registerHooks } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { NextRequest, rendered } from "./next.mjs";

const NEXT = new URL("./next.mjs", import.meta.url).href;
registerHooks({
  resolve: (name, context, next) =>
    name.startsWith("next/") ? { url: NEXT, shortCircuit: true } : next(name, context),
});

const [, , folder, files, port] = process.argv;
const load = (path) => import(pathToFileURL(join(folder, path)));
const { createElement } = createRequire(join(folder, "package.json"))("react");
const { renderToPipeableStream } = createRequire(join(folder, "package.json"))("react-dom/server");
const { middleware } = await load("middleware.js");
const { default: Layout } = await load("app/layout.js");
const { default: Page } = await load("app/page.js");

// What "use client" marks is left to the browser, with properties that are JSON.
const clientComponents = new Map();
for (const name of ["hero", "providers"]) {
  for (const [key, value] of Object.entries(await load(`app/${name}.js`))) {
    clientComponents.set(value, [name, key]);
  }
}

/** Call the server components of a tree; describe the rest of it as JSON. */
async function describe(node) {
  if (Array.isArray(node)) return Promise.all(node.map(describe));
  if (!(node instanceof Object)) return node ?? null;
  const { type, props, key } = node;
  const client = clientComponents.get(type);
  if (typeof type === "function" && !client) return describe(await type(props));
  const { children, ...others } = props;
  return { type: client ?? type, key, props: others, children: await describe(children) };
}

/** Make elements of what `describe` returned. The browser does the same. */
async function build(node, loadModule) {
  if (Array.isArray(node)) return Promise.all(node.map((each) => build(each, loadModule)));
  if (!(node instanceof Object)) return node;
  const [name, key] = Array.isArray(node.type) ? node.type : [];
  const type = name ? (await loadModule(`app/${name}.js`))[key] : node.type;
  const properties = { ...node.props, ...(node.key && { key: node.key }) };
  const children = await build(node.children, loadModule);
  return createElement(type, properties, ...[children].flat());
}

const HYDRATE = `
import { createElement, hydrateRoot } from "react";
${build}
const tree = await build(window.described, (path) => import("/" + path));
window.errors = [];
const onRecoverableError = (error) => errors.push(error.message);
hydrateRoot(document, tree, { onRecoverableError });
`;
const IMPORTS = {
  react: "/react.js",
  "react/jsx-runtime": "/jsx-runtime.js",
  "@levered/sdk": "/sdk/index.js",
  "@levered/sdk/react": "/sdk/react.js",
};

async function answer(request, response) {
  const url = new URL(request.url, `http://127.0.0.1:${port}`);
  if (url.pathname !== "/") return answerFile(url.pathname, response);
  const incoming = new NextRequest(url, { headers: request.headers });
  const { headers, requestHeaders = incoming.headers } = middleware(incoming);
  const searchParams = Promise.resolve(Object.fromEntries(url.searchParams));
  const page = createElement(Page, { searchParams });
  const tree = createElement(Layout, null, page);
  const described = JSON.stringify(await rendered.run(requestHeaders, () => describe(tree)));
  const stream = renderToPipeableStream(await build(JSON.parse(described), load), {
    importMap: { imports: IMPORTS },
    bootstrapScriptContent: `window.described=${described.replaceAll("<", "\\u003c")}`,
    bootstrapModules: ["/hydrate.js"],
    onAllReady: () => {
      response.setHeader("Content-Type", "text/html");
      response.setHeader("Set-Cookie", headers.getSetCookie());
      stream.pipe(response);
    },
  });
}

function answerFile(path, response) {
  try {
    const text = path === "/hydrate.js" ? HYDRATE : readFileSync(join(files, path));
    response.setHeader("Content-Type", "text/javascript");
    response.end(text);
  } catch {
    response.writeHead(404).end();
  }
}

createServer((request, response) => {
  answer(request, response).catch((error) => response.writeHead(500).end(error.stack));
}).listen(Number(port), "127.0.0.1", () => console.log("ready"));
