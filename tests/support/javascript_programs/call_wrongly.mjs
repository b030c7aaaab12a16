// Call the client without what its methods need. Prints {results, errors}.

import { LeveredClient } from "../../../clients/javascript/src/index.ts";

const errors = [];
const client = new LeveredClient({
  apiUrl: "http://127.0.0.1:9",
  apiKey: "lev_pub_none",
  mode: process.argv[2],
  onError: (error) => errors.push(error.message),
});
const calls = [
  () => client.getVariant(),
  () => client.getVariant(null),
  () => client.getVariant({ fallback: { headline: "A" } }),
  () => client.getVariants(),
  () => client.getVariants(null),
  () => client.getVariants([undefined, { fallback: { headline: "A" } }]),
  () => client.track("signup", null),
  () => client.track("signup", { value: null }),
  () => client.track("signup", { value: 1n }),
  () => client.track(),
  () => client.identify("\ud800"),
];
const results = [];
for (const call of calls) results.push((await call()) ?? null);
console.log(JSON.stringify({ results, errors: errors.length }));
