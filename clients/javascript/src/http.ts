// One request to the service, which ends in time whatever happens.

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

export const isPublishable = (key: string) => key.startsWith("lev_pub_");

/** Settle as a promise does, or reject after some milliseconds, or when the signal says so. */
export function limit<T>(promise: Promise<T>, ms: number, signal?: AbortSignal): Promise<T> {
  let timer: ReturnType<typeof setTimeout>;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(Error(`no answer within ${ms} ms`)), ms);
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
  { url, key, timeoutMs }: Service,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
  controller = new AbortController(),
): Promise<Answer> {
  const text = body ? JSON.stringify(body) : null;
  if (key && !isPublishable(key)) {
    headers = { ...headers, "X-API-Key": key, "Content-Type": "application/json" };
  }
  const init: RequestInit = {
    method: text ? "POST" : "GET",
    body: text,
    headers,
    credentials: "omit",
    signal: controller.signal,
    // Events outlive the page, unless they are longer than browsers allow then.
    keepalive: path === "/track" && text!.length < 20_000,
  };
  const answer = fetch(url + path, init).then(async (response) => {
    const { status, headers } = response;
    return { status, headers, text: await response.text() };
  });
  return limit(answer, timeoutMs).finally(() => controller.abort());
}

/** For how long the service asks not to come again, in milliseconds; an hour at most. */
export function readRetryAfter({ headers }: Answer): number {
  // Without the header null comes to 0.
  const value = headers.get("Retry-After")!;
  return Math.min(3_600_000, +value * 1000 || Date.parse(value) - Date.now() || 0);
}

/** What the service, or a proxy before it, said went wrong. */
export const describeRefusal = ({ status, text }: Answer): Error =>
  Error(`the service answered ${status}: ${text.slice(0, 300)}`, { cause: status });

/** Whether a status, or an error's cause, says that asking again would not help. */
export const isFinal = (status: any): boolean => /^4(?!08|29)/.test(status);

export const http = { send, readRetryAfter, describeRefusal, isFinal };
