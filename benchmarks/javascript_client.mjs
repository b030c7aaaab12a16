// Print the microseconds of one local decision of the JavaScript client, by variants.

import { drawVariant, preparePolicy } from "../clients/javascript/src/local/draw.ts";

const DECISIONS = 50_000;
const ROUNDS = 9;
const LEVELS = ["mobile", "desktop", "tablet"];

/** A policy with one context factor and rows whose probabilities all differ. */
function makePolicy(variants) {
  const sum = (variants * (variants + 1)) / 2;
  const row = Array.from({ length: variants }, (_, index) => (index + 1) / sum);
  return preparePolicy({
    optimization_id: "3f0c6a4e-8d5b-4a51-9a3e-2a6d1f7c9b10",
    status: "live",
    version: 1,
    revision: 1,
    draw_rule: "rendezvous",
    variants: row.map((_, index) => ({ number: index + 1, variant: {}, enabled: true })),
    context_factors: [{ name: "device", levels: LEVELS }],
    contexts: Array.from({ length: LEVELS.length + 2 }, () => ({ probabilities: row })),
    holdout: { threshold: "1999999a", variant_number: 1 },
  });
}

for (const variants of [2, 20, 100]) {
  const policy = makePolicy(variants);
  const users = Array.from({ length: DECISIONS }, () => crypto.randomUUID());
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const startedAt = process.cpuUsage();
    for (const user of users) drawVariant(policy, user, { device: "mobile" });
    const { user: microseconds } = process.cpuUsage(startedAt);
    best = Math.min(best, microseconds / DECISIONS);
  }
  console.log(`${variants} variants: ${best.toFixed(2)} µs a decision`);
}
