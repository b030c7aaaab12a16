// Ask twice for one decision, stop waiting for some of it, and end when nothing is left to do.
//
// Arguments: the service's address, an optimization, and "one" or "all": who stops waiting.
// Prints {sources, errors}.

import { LeveredClient } from "../../../clients/javascript/src/index.ts";

const [apiUrl, optimizationId, who] = process.argv.slice(2);
const errors = [];
const client = new LeveredClient({
  apiUrl,
  timeoutMs: 15_000,
  onError: (error) => errors.push(error.message),
});
const controllers = [new AbortController(), new AbortController()];
const decisions = controllers.map(({ signal }) =>
  client.getDecision({ optimizationId, fallback: { headline: "fallback" }, signal }),
);
await new Promise((resolve) => setTimeout(resolve, 300));
for (const controller of who === "all" ? controllers : controllers.slice(1)) controller.abort();
const sources = (await Promise.all(decisions)).map(({ source }) => source);
console.log(JSON.stringify({ sources, errors }));
