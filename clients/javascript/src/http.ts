// One request to the service, which ends in time whatever happens.

import { attempt } from "./device.ts";
import type { LeveredError } from "./types.ts";

/** Where to send requests, and with what. */
export interface Service {
  /** Ends with `/api/v2`. */
  url: string;
  key: string;
  timeoutMs: number;
  /**
   * This module, for those that are loaded later. If they imported it, bundlers would put
   * it into a file of its own, and each page would load one more.
   */
  http: typeof http;
}

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
}

/** An answer of no success, or one of several decisions: `status` is its code then. */
interface Refusal {
  status: number | string;
  text: string;
}

export const isPublishable = (key: string) => key.startsWith("lev_pub_");

/** Say that there was no answer, and what to look at: the address is easily mistyped. */
const miss = ({ url }: Service, why: string, cause?: unknown): Error =>
  Error(`no answer from ${url} (${why}): check apiUrl and the service`, { cause });

/** Settle as a promise does, or reject after `timeoutMs`, or when the signal says so. */
export function limit<T>(promise: Promise<T>, service: Service, signal?: AbortSignal): Promise<T> {
  const { timeoutMs } = service;
  let timer: ReturnType<typeof setTimeout>;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(miss(service, `after ${timeoutMs} ms`)), timeoutMs);
    signal?.addEventListener("abort", reject);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/**
 * Send a request and read its answer, of any status. Reject if there is none in time.
 *
 * A publishable key stands in the body. Without headers of its own a request from a
 * page is a simple one: the browser sends it without asking first.
 */
export function send(
  service: Service,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
  controller = new AbortController(),
): Promise<Answer> {
  const { url, key } = service;
  const text: any = body && JSON.stringify(body);
  if (key && !isPublishable(key)) {
    headers = { ...headers, "X-API-Key": key, "Content-Type": "application/json" };
  }
  const answer = fetch(url + path, {
    method: text ? "POST" : "GET",
    body: text,
    headers,
    credentials: "omit",
    signal: controller.signal,
    // Events outlive the page, unless they are longer than browsers allow then.
    keepalive: path === "/track" && text.length < 20_000,
  })
    .then(async (response) => {
      const { status, headers } = response;
      return { status, headers, text: await response.text() };
    })
    .catch((error) => {
      throw miss(service, error.message, error);
    });
  return limit(answer, service).finally(() => controller.abort());
}

/** For how long the service asks not to come again, in milliseconds; an hour at most. */
export function readRetryAfter({ headers }: Answer): number {
  // Without the header null comes to 0.
  const value = headers.get("Retry-After")!;
  return Math.min(3_600_000, +value * 1000 || Date.parse(value) - Date.now() || 0);
}

/** What the service, or a proxy before it, said went wrong. */
export const describeRefusal = ({ status, text }: Refusal): LeveredError =>
  Object.assign(
    Error(`the service answered ${status}: ${text.slice(0, 300)}`, { cause: status }),
    { code: attempt(() => JSON.parse(text).error.code) },
  );

/**
 * Whether a status or another cause of an error says that asking again would not help.
 * Of codes these are conflict, forbidden, not_found and invalid_parameters.
 */
export const isFinal = (cause: any): boolean => /^(4(?!08|29)|[cfn]|inv)/.test(cause);

// Names of properties would make each page longer.
export const http = [isFinal, send, readRetryAfter, describeRefusal] as const;
