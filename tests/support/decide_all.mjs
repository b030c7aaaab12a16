// Read requests as JSON from standard input, decide by the public policy, print numbers.
//
// Input: {"origin", "optimization_id", "users": [[anonymous_id, context, redraw]]}.
// Output: {"decisions": [[variant_number, in_holdout]], "is_kept", "is_forgery_refused"}.

import { text } from "node:stream/consumers";
import { decide, loadPolicy, verifySignature } from "../../docs/examples/decide.mjs";

const { origin, optimization_id, users } = JSON.parse(await text(process.stdin));
const held = await loadPolicy(origin, optimization_id);
const again = await loadPolicy(origin, optimization_id, held);

const url = `${origin}/api/v2/optimizations/${optimization_id}/policy`;
const response = await fetch(url, { headers: { "Accept-Encoding": "gzip" } });
const body = new Uint8Array(await response.arrayBuffer());
const { keys } = await (await fetch(`${origin}/.well-known/levered-keys.json`)).json();
const header = response.headers.get("Levered-Signature");
await verifySignature(header, body, keys);
body[10] ^= 1;
const isForgeryRefused = await verifySignature(header, body, keys).then(
  () => false,
  () => true,
);

const decisions = users.map(([user, context, redraw]) => {
  const { variant_number, in_holdout } = decide(held.policy, user, context, redraw);
  return [variant_number, in_holdout];
});
console.log(
  JSON.stringify({
    decisions,
    is_kept: again === held,
    is_compressed: response.headers.get("ETag").startsWith("W/"),
    is_forgery_refused: isForgeryRefused,
  }),
);
