// Render the application as a server that streams; print what the visitor receives.
//
// Arguments: the service, an optimization, the visitor's id.

import { createRequire } from "node:module";
import { text } from "node:stream/consumers";
import { PassThrough } from "node:stream";
import { LeveredClient } from "../../../../clients/javascript/src/index.ts";
import * as levered from "../../../../clients/javascript/src/react.ts";
import { makeApp } from "./suspense_app.mjs";

const PACKAGE = new URL("../../../../clients/javascript/package.json", import.meta.url);
const require = createRequire(PACKAGE);
const React = require("react");
const { renderToPipeableStream } = require("react-dom/server");

const [, , apiUrl, optimizationId, anonymousId] = process.argv;
const client = new LeveredClient({ apiUrl, anonymousId, timeoutMs: 15_000 });
const { createElement } = React;
const app = createElement(makeApp({ ...React, ...levered }), { optimizationId });
const tree = createElement(levered.LeveredProvider, { client }, app);
const output = new PassThrough();
const stream = renderToPipeableStream(tree, { onAllReady: () => stream.pipe(output) });
console.log(await text(output));
