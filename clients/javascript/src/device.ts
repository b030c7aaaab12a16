// What is remembered on the visitor's device, if it may be.

import type { KeyValueStorage } from "./types.ts";

/** Whether this runs in a page, not in a server or a worker. */
export const isPage = typeof document === "object";

const PREFIX = "levered_";
const YEAR = 31_536_000;

/** Return an unguessable id; pages without https have no `randomUUID`. */
export const makeId = (): string =>
  crypto.randomUUID?.() ?? crypto.getRandomValues(new Uint32Array(4)).join("-");

/** Return what a function returns; undefined where it throws, as a full storage does. */
export function attempt<T>(use: () => T): T | undefined {
  try {
    return use();
  } catch {
    return undefined;
  }
}

/** Storage that never throws, and is empty and deaf without the visitor's consent. */
export class Device {
  #storage: KeyValueStorage | null | undefined;
  #hasCookies = false;
  hasConsent: boolean;

  constructor(storage: KeyValueStorage | null | undefined, hasConsent: boolean) {
    this.hasConsent = hasConsent;
    this.#storage = storage;
    if (storage === undefined && isPage) {
      this.#hasCookies = true;
      this.#storage = attempt(() => localStorage);
    }
  }

  /** Whether anything is remembered. */
  get isKept(): boolean {
    return this.hasConsent && !!this.#storage;
  }

  get(key: string): string | null {
    return attempt(() => this.isKept && this.#storage!.getItem(PREFIX + key)) || null;
  }

  /** Store a text, or anything else as JSON, if there is a storage. */
  set(key: string, value: unknown): void {
    const text = () => (typeof value === "string" ? value : JSON.stringify(value));
    attempt(() => this.isKept && this.#storage!.setItem(PREFIX + key, text()));
  }

  remove(key: string): void {
    attempt(() => this.#storage?.removeItem(PREFIX + key));
  }

  /** List the stored keys that begin so, with consent or without. */
  list(start: string): string[] {
    const length = attempt(() => this.#storage?.length) || 0;
    return Array.from({ length }, (_, index) => attempt(() => this.#storage?.key(index)))
      .filter((key) => key?.startsWith(PREFIX + start))
      .map((key) => key!.slice(PREFIX.length));
  }

  /** Return the visitor's id of an earlier page. */
  readId(): string | null {
    const read = () =>
      this.hasConsent &&
      this.#hasCookies &&
      decodeURIComponent(/(^|; )levered_id=([^;]+)/.exec(document.cookie)![2]!);
    return attempt(read) || this.get("id");
  }

  /** Remember the visitor's id, in cookie and storage: each restores the other. */
  writeId(id: string): void {
    this.set("id", id);
    // Half of a surrogate pair has no such encoding.
    attempt(() => this.hasConsent && this.#setCookie(encodeURIComponent(id), YEAR));
  }

  /** Erase everything. */
  clear(): void {
    this.list("").forEach((key) => this.remove(key));
    this.#setCookie("", 0);
  }

  #setCookie(value: string, seconds: number): void {
    if (!this.#hasCookies) return;
    attempt(() => {
      const secure = location.protocol === "https:" ? "; secure" : "";
      document.cookie = `levered_id=${value}; path=/; max-age=${seconds}; samesite=lax${secure}`;
    });
  }
}
