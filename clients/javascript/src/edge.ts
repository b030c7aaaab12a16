// A handler of requests for edge workers: it knows the visitor by a cookie, and decides.

import type { LeveredClient } from "./client.ts";
import { attempt, makeId } from "./device.ts";
import type { Decision, Variant, VariantRequest } from "./types.ts";

const YEAR = 31_536_000;

/** A request of a visitor, and what was decided for the visitor. */
export interface Visit<T extends object> {
  request: Request;
  anonymousId: string;
  variant: T;
  decision: Decision<T>;
}

/** What a platform gives to a worker beside the request, as far as it is used here. */
export interface WorkerContext {
  waitUntil(promise: Promise<unknown>): void;
}

export interface HandlerOptions<T extends object> {
  /** A client with `mode: "local"`; all requests of a worker share it. */
  client: LeveredClient;
  optimizationId: string;
  fallback: T;
  /** Return what is known about the visitor. */
  getContext?: (request: Request) => VariantRequest["context"];
  /** Return the response to show. */
  render: (visit: Visit<T>) => Response | Promise<Response>;
}

/**
 * Return a `fetch` handler. The visitor's id is in the cookie `levered_id`, which it sets
 * where there is none and which the client in a page reads. Exposures and what `render`
 * tracks are sent after the response. It rejects only where `getContext` or `render` fails.
 */
export function createHandler<T extends object = Variant>(
  options: HandlerOptions<T>,
): (request: Request, env?: unknown, context?: WorkerContext) => Promise<Response> {
  const { client, optimizationId, fallback, getContext, render } = options;
  return async (request, _, worker) => {
    const known = readId(request);
    const anonymousId = known ?? makeId();
    const context = getContext?.(request) ?? {};
    const asked = { optimizationId, fallback, context, anonymousId };
    const decision = await client.getDecision<T>(asked);
    const rendered = await render({ request, anonymousId, variant: decision.variant, decision });
    // A response that was fetched has headers that cannot be changed.
    const response = new Response(rendered.body, rendered);
    if (!known) response.headers.append("Set-Cookie", writeId(anonymousId, request));
    // The page is one visitor's: a cache must not show it to others.
    if (!response.headers.has("Cache-Control")) {
      response.headers.set("Cache-Control", "private, no-store");
    }
    worker?.waitUntil(client.flush());
    return response;
  };
}

function readId(request: Request): string | undefined {
  const [, id] = /(?:^|; ?)levered_id=([^;]+)/.exec(request.headers.get("Cookie") ?? "") ?? [];
  return id && attempt(() => decodeURIComponent(id));
}

function writeId(id: string, { url }: Request): string {
  const secure = url.startsWith("https:") ? "; Secure" : "";
  return `levered_id=${id}; Path=/; Max-Age=${YEAR}; SameSite=Lax${secure}`;
}
