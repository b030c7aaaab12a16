// Ask OpenFeature's own SDK, with our provider, from a request on standard input.
//
// Input: {"sdk", "options", "flags", "context", "steps": [["set", context] | ["track", name, value] |
// [kind, key, default]]}. Output: the answers in detail, and what the client reported.

import { createRequire } from "node:module";
import { text } from "node:stream/consumers";
import { LeveredClient } from "../../../../clients/javascript/src/index.ts";
import * as providers from "../../../../clients/javascript/src/openfeature.ts";

const PACKAGE = new URL("../../../../clients/javascript/package.json", import.meta.url);
const { sdk, options, flags, context, steps } = JSON.parse(await text(process.stdin));
const { OpenFeature } = createRequire(PACKAGE)(`@openfeature/${sdk}-sdk`);

const errors = [];
const onError = ({ message }) => errors.push(message);
const client = new LeveredClient({ storage: null, timeoutMs: 15_000, onError, ...options });
const Provider = sdk === "web" ? providers.LeveredWebProvider : providers.LeveredServerProvider;
await OpenFeature.setContext(context);
await OpenFeature.setProviderAndWait(new Provider(client, { flags }));
const flagged = OpenFeature.getClient();

const answers = [];
for (const [kind, ...step] of steps) {
  if (kind === "set") await OpenFeature.setContext(step[0]);
  else if (kind === "track") {
    const [name, value] = step;
    if (sdk === "web") flagged.track(name, { value });
    else flagged.track(name, {}, { value });
  } else answers.push(await flagged[`get${kind}Details`](...step));
}
await OpenFeature.close();
console.log(JSON.stringify({ answers, errors }));
