// Policies in memory: fetched, verified, and fetched again while the old one decides.

import type { Service } from "../http.ts";
import { preparePolicy, type PreparedPolicy } from "./draw.ts";
import { Verifier } from "./signature.ts";

const FRESH = 30_000;
const PAUSE = 1000;

interface Held {
  prepared?: PreparedPolicy;
  etag?: string | null;
  /** When to ask again, after a success or a failure. */
  askAt: number;
  /** What was answered instead of a policy. */
  refusal?: number;
  loading?: Promise<PreparedPolicy> | undefined;
}

export class PolicyStore {
  #service: Service;
  #report: (error: Error) => void;
  #verifier: Verifier;
  #held = new Map<string, Held>();
  #hasWarned = false;

  constructor(service: Service, report: (error: Error) => void) {
    this.#service = service;
    this.#report = report;
    this.#verifier = new Verifier(service);
  }

  /** Return the policy if it is here; a newer one is asked for meanwhile. */
  get(optimizationId: string): PreparedPolicy | undefined {
    const held = this.#held.get(optimizationId);
    if (held?.prepared && Date.now() >= held.askAt) void this.load(optimizationId);
    return held?.prepared;
  }

  /** Return the policy. Reject if there is none and none can be had now. */
  async load(optimizationId: string): Promise<PreparedPolicy> {
    let held = this.#held.get(optimizationId);
    if (!held) this.#held.set(optimizationId, (held = { askAt: 0 }));
    if (!held.loading && Date.now() >= held.askAt) {
      held.loading = this.#refresh(optimizationId, held);
      const done = () => void (held.loading = undefined);
      held.loading.then(done, (error: Error) => {
        done();
        // Whoever waits for it reports it.
        if (held.prepared) this.#report(error);
      });
    }
    if (held.prepared) return held.prepared;
    if (held.loading) return held.loading;
    throw Error("the policy could not be loaded; it is tried again soon", {
      cause: held.refusal,
    });
  }

  async #refresh(optimizationId: string, held: Held): Promise<PreparedPolicy> {
    held.askAt = Date.now() + PAUSE;
    delete held.refusal;
    // A browser asks so by itself, and without a preflight.
    const headers: Record<string, string> =
      held.etag && typeof document !== "object" ? { "If-None-Match": held.etag } : {};
    const path = `/optimizations/${encodeURIComponent(optimizationId)}/policy`;
    const [, send, readRetryAfter, describeRefusal] = this.#service.http;
    const answer = await send(this.#service, path, undefined, headers);
    if (answer.status === 200) await this.#accept(optimizationId, held, answer);
    else if (answer.status !== 304 || !held.prepared) {
      held.askAt = Date.now() + Math.max(readRetryAfter(answer), PAUSE);
      held.refusal = answer.status;
      if (answer.status === 404) delete held.prepared;
      throw describeRefusal(answer);
    }
    held.askAt = Date.now() + FRESH;
    return held.prepared!;
  }

  async #accept(
    optimizationId: string,
    held: Held,
    { text, headers }: { text: string; headers: Headers },
  ): Promise<void> {
    const isVerified = await this.#verifier.verify(headers.get("Levered-Signature"), text);
    if (!isVerified && !this.#hasWarned) {
      this.#hasWarned = true;
      this.#report(Error("policies are not verified: this runtime has no Ed25519"));
    }
    const prepared = preparePolicy(JSON.parse(text));
    const { policy } = prepared;
    if (policy.optimization_id !== optimizationId) throw Error("this is another policy");
    if (held.prepared && policy.revision < held.prepared.policy.revision) return;
    held.prepared = prepared;
    held.etag = headers.get("ETag");
  }
}
