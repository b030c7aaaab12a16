// Decide for a visitor and render the application, as a server does; print both.
//
// Arguments: the service, an optimization, the visitor's id.

import { createRequire } from "node:module";
import { LeveredClient } from "../../../clients/javascript/src/index.ts";
import * as levered from "../../../clients/javascript/src/react.ts";
import { makeApp } from "./react_app.mjs";

const PACKAGE = new URL("../../../clients/javascript/package.json", import.meta.url);
const require = createRequire(PACKAGE);
const React = require("react");
const { renderToString } = require("react-dom/server");

const [, , apiUrl, optimizationId, anonymousId] = process.argv;
const client = new LeveredClient({ apiUrl, timeoutMs: 15_000 });
const fallback = { headline: "Fallback" };
const context = { device: "mobile" };
const variant = await client.getVariant({ optimizationId, anonymousId, fallback, context });
const variants = { [optimizationId]: variant };
const App = makeApp({ ...React, ...levered });
const { createElement } = React;
const html = renderToString(
  createElement(levered.LeveredProvider, { client, variants }, createElement(App, { optimizationId })),
);
console.log(JSON.stringify({ html, variants }));
