// Check that a policy is the service's: an Ed25519 signature over its bytes.

import type { Service } from "../http.ts";

const HEADER = /^keyid="([^"]+)", alg="ed25519", sig=:([^:]+):$/;

/** Verifies signatures by the keys that the service publishes. */
export class Verifier {
  #service: Service;
  #keys = new Map<string, CryptoKey>();

  constructor(service: Service) {
    this.#service = { ...service, url: service.url.replace(/\/api\/v2$/, ""), key: "" };
  }

  /**
   * Return true for a right signature, false where the runtime cannot tell. Reject for a
   * wrong one, and for an unknown key.
   */
  async verify(header: string | null, body: string): Promise<boolean> {
    const [, id, signature] = HEADER.exec(header ?? "") ?? [];
    if (!id || !signature) throw Error("the policy is not signed");
    // Pages without https have no WebCrypto.
    const subtle = globalThis.crypto?.subtle;
    if (!subtle || !(await this.#loadKey(id, subtle))) return false;
    const bytes = Uint8Array.from(atob(signature), (each) => each.charCodeAt(0));
    const signed = new TextEncoder().encode(body);
    if (await subtle.verify("Ed25519", this.#keys.get(id)!, bytes, signed)) return true;
    throw Error("the signature of the policy is wrong");
  }

  /** Fetch an unknown key. Return false where the runtime has no Ed25519. */
  async #loadKey(id: string, subtle: SubtleCrypto): Promise<boolean> {
    if (this.#keys.has(id)) return true;
    const [, send] = this.#service.http;
    const { text } = await send(this.#service, "/.well-known/levered-keys.json");
    const jwk = JSON.parse(text).keys.find(({ kid }: { kid: string }) => kid === id);
    if (!jwk) throw Error("the policy is not signed with a published key");
    const { kty, crv, x } = jwk;
    try {
      const key = await subtle.importKey("jwk", { kty, crv, x }, "Ed25519", false, ["verify"]);
      this.#keys.set(id, key);
      return true;
    } catch (error) {
      if ((error as Error).name === "NotSupportedError") return false;
      throw error;
    }
  }
}
