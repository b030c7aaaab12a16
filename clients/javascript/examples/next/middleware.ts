// Give each visitor an id before the page is rendered. From Next 16 on this file is
// proxy.ts, and its function `proxy`.

import { NextResponse, type NextRequest } from "next/server";

const YEAR = 31_536_000;

export function middleware(request: NextRequest) {
  if (request.cookies.get("levered_id")) return NextResponse.next();
  const id = crypto.randomUUID();
  // The page is rendered for this request, and the browser keeps the answer's cookie.
  request.cookies.set("levered_id", id);
  const response = NextResponse.next({ request: { headers: request.headers } });
  response.cookies.set("levered_id", id, { path: "/", maxAge: YEAR, sameSite: "lax" });
  return response;
}

export const config = { matcher: "/((?!_next|api|favicon.ico).*)" };
