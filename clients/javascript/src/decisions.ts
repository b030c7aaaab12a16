// What a client has decided, for components that render before an effect could ask. No
// fallback is in it: components share it, and each fills in its own.

import type { LeveredClient } from "./client.ts";
import type { VariantRequest } from "./types.ts";

// A server that keeps one client for all users must not keep all users.
const MOST_DECISIONS = 1000;

/** What components wait for, and what came of it: `null` for the fallback of each. */
interface Waiting {
  promise: Promise<void>;
  variant?: object | null;
}

const decidedBy = new WeakMap<LeveredClient, Map<string, object>>();
const awaitedBy = new WeakMap<LeveredClient, Map<string, Waiting>>();

/** Return the variant that was decided before, if there is one. */
export const recall = (client: LeveredClient, key: string): object | undefined =>
  decidedBy.get(client)?.get(key);

/** Remember a variant, so that a component that is mounted later shows it at once. */
export function remember(client: LeveredClient, key: string, variant: object): void {
  put(decidedBy, client, key, variant);
}

/**
 * Return the variant, or `null` for the fallback. Throws a promise until that is known,
 * as React's Suspense wants it. The answer stays: asking again would suspend again.
 */
export function suspend(
  client: LeveredClient,
  key: string,
  request: VariantRequest<any>,
): object | null {
  const awaited = awaitedBy.get(client)?.get(key) ?? ask(client, key, request);
  if (awaited.variant === undefined) throw awaited.promise;
  return awaited.variant;
}

function ask(client: LeveredClient, key: string, request: VariantRequest<any>): Waiting {
  const asked = { ...request, fallback: {} };
  const promise = client.getDecision(asked).then(({ variant, source }) => {
    waiting.variant = source === "fallback" ? null : variant;
    if (waiting.variant) remember(client, key, variant);
  });
  const waiting: Waiting = { promise };
  put(awaitedBy, client, key, waiting);
  return waiting;
}

function put<T>(
  all: WeakMap<LeveredClient, Map<string, T>>,
  client: LeveredClient,
  key: string,
  value: T,
): void {
  const known = all.get(client) ?? new Map<string, T>();
  all.set(client, known.set(key, value));
  if (known.size > MOST_DECISIONS) known.delete(known.keys().next().value!);
}
