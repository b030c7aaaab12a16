// The decision by a policy, as the service would decide. docs/serving.md has the rule.

import type { Context } from "../types.ts";
import { hashMd5, hashSha256 } from "./hashes.ts";

const LONGEST_VALUE = 256;

/** The document of `GET /optimizations/:id/policy`, as far as it is used here. */
export interface Policy {
  optimization_id: string;
  status: string;
  version: number;
  revision: number;
  draw_rule: string;
  variants: { number: number; variant: Record<string, any>; enabled: boolean }[];
  context_factors: { name: string; levels: string[] }[];
  contexts: { probabilities: number[] }[];
  holdout: { threshold: string; variant_number: number };
}

/** A policy with what is looked up for each decision. */
export interface PreparedPolicy {
  policy: Policy;
  threshold: number;
  factors: { name: string; size: number; places: Map<string, number> }[];
}

export interface Draw {
  variantNumber: number;
  propensity: number;
  inHoldout: boolean;
}

/** Prepare a policy. Throws where it draws by a rule that is not known here. */
export function preparePolicy(policy: Policy): PreparedPolicy {
  if (policy.draw_rule !== "rendezvous") throw Error(`unknown rule ${policy.draw_rule}`);
  return {
    policy,
    threshold: parseInt(policy.holdout.threshold, 16),
    factors: policy.context_factors.map(({ name, levels }) => ({
      name,
      size: levels.length,
      places: new Map(levels.map((level, index) => [level, index])),
    })),
  };
}

/**
 * Decide for a user. `redraw` says how often the user was drawn again, this time
 * included. Throws TypeError for a context value that is a list or an object.
 */
export function drawVariant(
  { policy, threshold, factors }: PreparedPolicy,
  anonymousId: string,
  context: Context,
  redraw = 0,
): Draw {
  const row = findRow(factors, context);
  const text = `${policy.optimization_id}:${anonymousId}`;
  if (!redraw && threshold && hashMd5(text) < threshold) {
    return { variantNumber: policy.holdout.variant_number, propensity: 1, inHoldout: true };
  }
  const { probabilities } = policy.contexts[row]!;
  const seed = hashSha256(redraw ? `${text}:${redraw}` : text);
  const first = seed[0];
  const second = seed[1];
  let drawn = 0;
  let shortest = Infinity;
  for (let index = 0; index < probabilities.length; index++) {
    const probability = probabilities[index]!;
    if (probability <= 0) continue;
    const time = -Math.log(computeUniform(index + 1, first, second)) / probability;
    if (!drawn || time < shortest) {
      drawn = index + 1;
      shortest = time;
    }
  }
  return { variantNumber: drawn, propensity: probabilities[drawn - 1]!, inHoldout: false };
}

/** The finalizer of MurmurHash3, on a 32-bit word. */
function mix(word: number): number {
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
  return word ^ (word >>> 16);
}

/** The uniform number of a variant, above 0 and at most 1. */
function computeUniform(number: number, first: number, second: number): number {
  const high = mix(first ^ Math.imul(number, 0x9e3779b9)) >>> 5;
  const low = mix(second ^ Math.imul(number, 0x85ebca6b)) >>> 6;
  return (high * 2 ** 26 + low + 0.5) / 2 ** 53;
}

/** Rows are in row-major order: a factor has its levels, then other, then missing. */
function findRow(factors: PreparedPolicy["factors"], context: Context): number {
  let row = 0;
  for (const { name, size, places } of factors) {
    const text = formatLevel(context[name]);
    const place = text === null ? size + 1 : (places.get(text) ?? size);
    row = row * (size + 2) + place;
  }
  return row;
}

/** A context value as the text that levels are compared by; null if it is missing. */
export function formatLevel(value: unknown): string | null {
  switch (typeof value) {
    case "string":
      return formatText(value);
    case "number":
      // What JSON cannot say, it says as null.
      return isFinite(value) ? formatNumber(value).slice(0, LONGEST_VALUE) : null;
    case "boolean":
      return String(value);
  }
  if (value === undefined || value === null) return null;
  throw TypeError("a context value must be a string, a number, true, false or null");
}

/** At most 256 code points; U+FFFD for NUL, which no warehouse stores. */
function formatText(text: string): string {
  if (text.length > LONGEST_VALUE) text = [...text].slice(0, LONGEST_VALUE).join("");
  return text.includes("\0") ? text.replaceAll("\0", "\ufffd") : text;
}

/** A plain decimal: without an exponent and without trailing zeros. */
function formatNumber(value: number): string {
  const [mantissa = "", exponent] = String(value).split("e");
  if (exponent === undefined) return mantissa;
  const sign = mantissa.startsWith("-") ? "-" : "";
  const [whole = "", fraction = ""] = mantissa.replace("-", "").split(".");
  const digits = whole + fraction;
  const point = whole.length + Number(exponent);
  if (point <= 0) return `${sign}0.${"0".repeat(-point)}${digits}`;
  return sign + digits.padEnd(point, "0");
}
