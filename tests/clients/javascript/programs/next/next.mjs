// Requests, responses and cookies as middleware and server components of Next.js see them.

import { AsyncLocalStorage } from "node:async_hooks";

/** The headers of the request that is rendered. */
export const rendered = new AsyncLocalStorage();

function readCookies(headers) {
  const pairs = (headers.get("Cookie") ?? "").split("; ").filter(Boolean);
  return new Map(pairs.map((pair) => pair.split("=")));
}

const getCookie = (headers, name) => {
  const value = readCookies(headers).get(name);
  return value === undefined ? undefined : { name, value };
};

export const cookies = async () => ({
  get: (name) => getCookie(rendered.getStore(), name),
});

export class NextRequest extends Request {
  cookies = {
    get: (name) => getCookie(this.headers, name),
    set: (name, value) => {
      const all = readCookies(this.headers).set(name, value);
      this.headers.set("Cookie", [...all].map((pair) => pair.join("=")).join("; "));
    },
  };
}

export class NextResponse {
  headers = new Headers();

  static next({ request } = {}) {
    return Object.assign(new NextResponse(), { requestHeaders: request?.headers });
  }

  cookies = {
    set: (name, value, { path, maxAge, sameSite }) => {
      const text = `${name}=${value}; Path=${path}; Max-Age=${maxAge}; SameSite=${sameSite}`;
      this.headers.append("Set-Cookie", text);
    },
  };
}
