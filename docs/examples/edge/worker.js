// A worker that decides at the edge, by the signed public policy, and counts purchases.
//
// wrangler.toml has its variables; LEVERED_KEY is a secret key with the scopes `serve` and
// `ingest`. Only the first visitor waits for the service: from then on the worker asks for
// a newer policy every half minute, beside its answers.

import { decide, loadPolicy } from "../decide.mjs";

const FALLBACK = { headline: "Start free" };
const FRESH_MS = 30_000;
const YEAR = 31_536_000;

// All visitors of a worker share the policy.
let held = null;
let askedAt = 0;

export default {
  async fetch(request, env, context) {
    const cookies = readCookies(request);
    const visitor = cookies.levered_id ?? crypto.randomUUID();
    // A reward before the decision would not count, so both have the worker's time.
    const timestamp = new Date().toISOString();
    if (request.method === "POST" && new URL(request.url).pathname === "/buy") {
      const event = { anonymous_id: visitor, name: "purchase", timestamp };
      const events = [{ ...event, idempotency_key: crypto.randomUUID() }];
      context.waitUntil(send(env, "/ingest/rewards", { events }));
      return new Response("Thank you");
    }
    const policy = await findPolicy(env, context);
    const decision = policy && choose(policy, visitor, request, cookies.levered_hero);
    if (decision?.isNew) {
      const path = `/optimizations/${env.OPTIMIZATION_ID}/decisions`;
      const decisions = [{ ...decision.receipt, timestamp }];
      context.waitUntil(send(env, path, { decisions }));
    }
    return render(decision?.variant ?? FALLBACK, {
      levered_id: visitor,
      ...(decision?.kept && { levered_hero: decision.kept }),
    });
  },
};

/** Return the policy, or nothing while there is none: that visitor sees the fallback. */
async function findPolicy(env, context) {
  if (Date.now() - askedAt > FRESH_MS) {
    askedAt = Date.now();
    const refreshed = refreshPolicy(env);
    context.waitUntil(refreshed);
    if (!held) await Promise.race([refreshed, sleep(env.PATIENCE_MS)]);
  }
  return held?.policy;
}

async function refreshPolicy(env) {
  try {
    held = await loadPolicy(env.LEVERED_URL, env.OPTIMIZATION_ID, held);
  } catch (error) {
    // What is held decides on; without any the next visitors ask again in a second.
    if (!held) askedAt = Date.now() - FRESH_MS + 1000;
    console.error(error);
  }
}

/**
 * Decide for a visitor. Their cookie keeps `number.redraw`, so that another policy does
 * not change the variant; a variant that was disabled is drawn again.
 */
function choose(policy, visitor, request, kept = "") {
  const isMobile = request.headers.get("Sec-CH-UA-Mobile") === "?1";
  const [number, redraws] = kept.split(".").map(Number);
  const isLive = policy.status === "live";
  const known = isLive ? policy.variants[number - 1] : null;
  if (known?.enabled) return { variant: known.variant, kept };
  const redraw = known ? (redraws || 0) + 1 : 0;
  const device = isMobile ? "mobile" : "desktop";
  const receipt = decide(policy, visitor, { device }, redraw);
  if (!receipt) return null;
  return {
    variant: policy.variants[receipt.variant_number - 1].variant,
    // Only a live optimization records and is kept.
    kept: isLive ? `${receipt.variant_number}.${redraw}` : kept,
    isNew: isLive,
    receipt,
  };
}

async function send(env, path, body) {
  const headers = { "X-API-Key": env.LEVERED_KEY, "Content-Type": "application/json" };
  const init = { method: "POST", headers, body: JSON.stringify(body) };
  for (let attempt = 0; attempt < 3; attempt++) {
    const answer = await fetch(`${env.LEVERED_URL}/api/v2${path}`, init).catch(() => null);
    if (answer && answer.status < 500 && answer.status !== 429) return;
    await sleep(1000 * 2 ** attempt);
  }
  console.error(`${path} was not sent`);
}

function render({ headline }, cookies) {
  const page = `<!doctype html><title>Shop</title><h1>${escapeText(headline)}</h1>
<button onclick="fetch('/buy', { method: 'POST', keepalive: true })">Buy</button>`;
  const headers = new Headers({ "Content-Type": "text/html; charset=utf-8" });
  // The page is one visitor's.
  headers.set("Cache-Control", "private, no-store");
  for (const [name, value] of Object.entries(cookies)) {
    headers.append("Set-Cookie", `${name}=${value}; Path=/; Max-Age=${YEAR}; SameSite=Lax`);
  }
  return new Response(page, { headers });
}

function readCookies(request) {
  const text = request.headers.get("Cookie") ?? "";
  return Object.fromEntries(
    [...text.matchAll(/(levered_\w+)=([\w.-]+)/g)].map(([, name, value]) => [name, value]),
  );
}

const escapeText = (text) => String(text).replace(/[&<>]/g, (each) => `&#${each.charCodeAt(0)};`);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
