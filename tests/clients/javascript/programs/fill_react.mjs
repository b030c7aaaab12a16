// Render components with different fallbacks of one optimization that a server decided.
//
// The argument is a JSON list of {"fallback", "variant"}; prints the variants shown.

import { createRequire } from "node:module";
import { LeveredClient } from "../../../../clients/javascript/src/index.ts";
import { LeveredProvider, useVariant } from "../../../../clients/javascript/src/react.ts";

const PACKAGE = new URL("../../../../clients/javascript/package.json", import.meta.url);
const require = createRequire(PACKAGE);
const { createElement } = require("react");
const { renderToString } = require("react-dom/server");

const client = new LeveredClient({ apiUrl: "http://127.0.0.1:9" });
const shown = JSON.parse(process.argv[2]).map(({ fallback, variant }) => {
  let seen;
  function Component() {
    seen = useVariant({ optimizationId: "any", fallback }).variant;
    return null;
  }
  const provided = { client, variants: { any: variant } };
  renderToString(createElement(LeveredProvider, provided, createElement(Component)));
  return seen;
});
console.log(JSON.stringify(shown));
