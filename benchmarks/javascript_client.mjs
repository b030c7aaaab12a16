// Print the microseconds of local decisions of the JavaScript client, by variants.
//
// The call is the public one: `await client.getDecision({...})`. A signed policy and the
// answers to exposures come from memory instead of the network. Arguments are the numbers
// of variants: 2, 20 and 100 without any.

import { LeveredClient } from "../clients/javascript/src/index.ts";

const DECISIONS = 5_000;
const ROUNDS = 15;
const LEVELS = ["mobile", "desktop", "tablet"];
const ID = "3f0c6a4e-8d5b-4a51-9a3e-2a6d1f7c9b10";

const { privateKey, publicKey } = await crypto.subtle.generateKey("Ed25519", true, [
  ...["sign", "verify"],
]);
const published = { ...(await crypto.subtle.exportKey("jwk", publicKey)), kid: "benchmark" };

/** Return a policy with one context factor and rows whose probabilities all differ. */
function makePolicy(variants) {
  const sum = (variants * (variants + 1)) / 2;
  const row = Array.from({ length: variants }, (_, index) => (index + 1) / sum);
  return JSON.stringify({
    optimization_id: ID,
    status: "live",
    version: 1,
    revision: 1,
    draw_rule: "rendezvous",
    variants: row.map((_, index) => ({
      ...{ number: index + 1, variant: { headline: `h${index}` }, enabled: true },
    })),
    context_factors: [{ name: "device", levels: LEVELS }],
    contexts: Array.from({ length: LEVELS.length + 2 }, () => ({ probabilities: row })),
    holdout: { threshold: "1999999a", variant_number: 1 },
  });
}

/** Answer requests of the client from memory. */
async function serve(policy) {
  const bytes = new TextEncoder().encode(policy);
  const signature = Buffer.from(await crypto.subtle.sign("Ed25519", privateKey, bytes));
  const header = `keyid="benchmark", alg="ed25519", sig=:${signature.toString("base64")}:`;
  globalThis.fetch = async (url) => {
    if (url.endsWith("/policy")) {
      return new Response(policy, { headers: { "Levered-Signature": header } });
    }
    if (url.endsWith("keys.json")) return Response.json({ keys: [published] });
    return Response.json({ accepted: 1, duplicates: 0, rejected: [] });
  };
}

/** Return the CPU microseconds of a call: for new users or the client's own, and sending. */
async function measure(apiKey, isOwn) {
  const client = new LeveredClient({ apiUrl: "http://service", mode: "local", apiKey });
  const request = { optimizationId: ID, fallback: {}, context: { device: "mobile" } };
  await client.getDecision(request);
  let [deciding, sending] = [Infinity, Infinity];
  for (let round = 0; round < ROUNDS; round++) {
    const users = Array.from({ length: DECISIONS }, () => crypto.randomUUID());
    const startedAt = process.cpuUsage();
    for (const anonymousId of users) {
      const { source } = await client.getDecision(isOwn ? request : { ...request, anonymousId });
      if (source !== "local") throw Error(source);
    }
    deciding = Math.min(deciding, count(startedAt));
    const flushedAt = process.cpuUsage();
    await client.flush();
    sending = Math.min(sending, count(flushedAt));
  }
  return { deciding, sending };
}

function count(startedAt) {
  const { user, system } = process.cpuUsage(startedAt);
  return (user + system) / DECISIONS;
}

const sizes = process.argv.slice(2).map(Number);
for (const variants of sizes.length ? sizes : [2, 20, 100]) {
  await serve(makePolicy(variants));
  const plain = await measure("", false);
  const recorded = await measure("lev_secret", false);
  const own = await measure("lev_secret", true);
  const texts = [
    `new users ${plain.deciding.toFixed(1)} µs`,
    `recorded ${recorded.deciding.toFixed(1)} (sending ${recorded.sending.toFixed(1)} more)`,
    `the client's own user again ${own.deciding.toFixed(1)}`,
  ];
  console.log(`${process.version}, ${variants} variants: ${texts.join(", ")}`);
}
