// The part of Next.js's types that the example uses.

declare module "next/headers" {
  export function cookies(): Promise<{ get(name: string): { value: string } | undefined }>;
}

declare module "next/server" {
  interface CookieOptions {
    path?: string;
    maxAge?: number;
    sameSite?: "lax";
  }
  export interface NextRequest extends Request {
    cookies: {
      get(name: string): { value: string } | undefined;
      set(name: string, value: string): void;
    };
  }
  export class NextResponse extends Response {
    static next(init?: { request?: { headers: Headers } }): NextResponse;
    cookies: { set(name: string, value: string, options?: CookieOptions): void };
  }
}

declare const process: { env: Record<string, string | undefined> };
