// Decide for users by the public policy of an optimization, as the service would.
//
//   import { decide, loadPolicy } from "./decide.mjs";
//   let held = await loadPolicy("https://levered.example", optimizationId);
//   const decision = decide(held.policy, "user-1", { device: "mobile" });
//
// Call loadPolicy again with what it returned, every half minute: it fetches the policy
// only if it has changed. docs/serving.md, "Deciding in the client", has the whole rule.
// Runs in Node 20 or newer and in edge workers that have node:crypto.

import { createHash } from "node:crypto";

const LONGEST_VALUE = 256;

// --- the draw

/** The finalizer of MurmurHash3, on a 32-bit word. */
function mix(word) {
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
  return (word ^ (word >>> 16)) >>> 0;
}

/** The two 32-bit words that decide all draws of a user. */
export function computeSeed(optimizationId, anonymousId, redraw = 0) {
  const text = `${optimizationId}:${anonymousId}` + (redraw ? `:${redraw}` : "");
  const digest = createHash("sha256").update(text, "utf8").digest();
  return [digest.readUInt32BE(0), digest.readUInt32BE(4)];
}

/** The uniform number of a variant, above 0 and at most 1. */
export function computeUniform(number, [first, second]) {
  const high = mix(first ^ Math.imul(number, 0x9e3779b9));
  const low = mix(second ^ Math.imul(number, 0x85ebca6b));
  return ((high >>> 5) * 2 ** 26 + (low >>> 6) + 0.5) / 2 ** 53;
}

/** The number of the variant with the smallest -ln(u) / probability. */
export function drawVariant(probabilities, seed) {
  let drawn = 0;
  let shortest = Infinity;
  probabilities.forEach((probability, index) => {
    if (probability <= 0) return;
    const time = -Math.log(computeUniform(index + 1, seed)) / probability;
    if (drawn === 0 || time < shortest) [drawn, shortest] = [index + 1, time];
  });
  return drawn;
}

// --- the holdout and the context

/** Whether a user belongs to the holdout. */
export function isInHoldout(policy, anonymousId) {
  const text = `${policy.optimization_id}:${anonymousId}`;
  const digest = createHash("md5").update(text, "utf8").digest("hex");
  return digest.slice(0, 8) < policy.holdout.threshold;
}

/** A number without an exponent and without trailing zeros. */
function formatNumber(value) {
  const [mantissa, exponent] = String(value).split("e");
  if (exponent === undefined) return mantissa === "-0" ? "0" : mantissa;
  const sign = mantissa.startsWith("-") ? "-" : "";
  const [whole, fraction = ""] = mantissa.replace("-", "").split(".");
  const digits = whole + fraction;
  const point = whole.length + Number(exponent);
  if (point <= 0) return `${sign}0.${"0".repeat(-point)}${digits}`;
  return sign + digits.padEnd(point, "0");
}

/** A context value as the text that levels are compared by; null if it is missing. */
export function formatLevel(value) {
  if (value === undefined || value === null) return null;
  if (typeof value === "boolean") return String(value);
  if (typeof value === "number") return formatNumber(value).slice(0, LONGEST_VALUE);
  if (typeof value === "string") return value;
  throw new TypeError("a context value must be a string, a number, true, false or null");
}

/** The probabilities of the user's context. Rows are in row-major order. */
export function findProbabilities(policy, context) {
  let row = 0;
  for (const { name, levels } of policy.context_factors) {
    const text = formatLevel(context[name]);
    let level = text === null ? levels.length + 1 : levels.indexOf(text);
    if (level === -1) level = levels.length; // any other value
    row = row * (levels.length + 2) + level;
  }
  return policy.contexts[row].probabilities;
}

// --- the decision

/**
 * Decide for a user whom the service has not seen. The result is what
 * POST /optimizations/:id/decisions takes.
 *
 * For a user whose stored variant is not `enabled` any more, pass how often the user has
 * been drawn again, this time included, as `redraw`.
 */
export function decide(policy, anonymousId, context = {}, redraw = 0) {
  if (policy.status !== "live" && policy.status !== "shipped") return null;
  const inHoldout = redraw === 0 && isInHoldout(policy, anonymousId);
  const seed = computeSeed(policy.optimization_id, anonymousId, redraw);
  return {
    anonymous_id: anonymousId,
    variant_number: inHoldout
      ? policy.holdout.variant_number
      : drawVariant(findProbabilities(policy, context), seed),
    policy_version: policy.version,
    in_holdout: inHoldout,
    redraw,
    context,
  };
}

// --- the document

/** Verify the header Levered-Signature over the bytes of a body; throw if it is wrong. */
export async function verifySignature(header, body, keys) {
  const match = /^keyid="([^"]+)", alg="ed25519", sig=:([^:]+):$/.exec(header ?? "");
  const jwk = match && keys.find((key) => key.kid === match[1]);
  if (!jwk) throw new Error("the policy is not signed with a published key");
  const { kty, crv, x } = jwk;
  const key = await crypto.subtle.importKey("jwk", { kty, crv, x }, "Ed25519", false, [
    "verify",
  ]);
  const signature = Uint8Array.from(atob(match[2]), (each) => each.charCodeAt(0));
  if (!(await crypto.subtle.verify("Ed25519", key, signature, body))) {
    throw new Error("the signature of the policy is wrong");
  }
}

/** Fetch and verify a policy; return what is held if it has not changed. */
export async function loadPolicy(origin, optimizationId, held = null) {
  const headers = held ? { "If-None-Match": held.etag } : {};
  const url = `${origin}/api/v2/optimizations/${optimizationId}/policy`;
  const response = await fetch(url, { headers });
  if (response.status === 304) return held;
  if (!response.ok) throw new Error(`the policy cannot be read: ${response.status}`);
  const body = new Uint8Array(await response.arrayBuffer());
  const published = await fetch(`${origin}/.well-known/levered-keys.json`);
  const { keys } = await published.json();
  await verifySignature(response.headers.get("Levered-Signature"), body, keys);
  const policy = JSON.parse(new TextDecoder().decode(body));
  if (policy.optimization_id !== optimizationId) throw new Error("another policy");
  if (held && policy.revision < held.policy.revision) return held; // out of date
  return { policy, etag: response.headers.get("ETag") };
}
