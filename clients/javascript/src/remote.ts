// Decide by asking the service: one request for everything asked in the same tick.

import { describeRefusal, readRetryAfter, send, type Service } from "./http.ts";
import type { Ask, Decider, Decision, Outcome } from "./types.ts";

const LARGEST_BATCH = 20;

interface Waiting {
  ask: Ask;
  resolve: (outcome: Outcome) => void;
  reject: (error: Error) => void;
}

export class RemoteDecider implements Decider {
  #service: Service;
  #batches = new Map<string, Waiting[]>();
  #pausedUntil = 0;

  constructor(service: Service) {
    this.#service = service;
  }

  decide(ask: Ask): Promise<Outcome> {
    const key = JSON.stringify([ask.anonymousId, ask.context, ask.record]);
    return new Promise((resolve, reject) => {
      let batch = this.#batches.get(key);
      if (!batch || batch.length === LARGEST_BATCH) {
        const started: Waiting[] = (batch = []);
        this.#batches.set(key, started);
        setTimeout(() => {
          if (this.#batches.get(key) === started) this.#batches.delete(key);
          this.#send(started);
        });
      }
      batch.push({ ask, resolve, reject });
    });
  }

  async #send(all: Waiting[]): Promise<void> {
    const batch = all.filter(({ ask }) => ask.waiting);
    if (!batch.length) return;
    try {
      const answers = await this.#request(batch.map(({ ask }) => ask));
      batch.forEach(({ ask, resolve, reject }, index) => {
        const { optimizationId, anonymousId } = ask;
        const answer = answers[index];
        if (answer?.variant instanceof Object) {
          const decision: Decision = {
            optimizationId,
            anonymousId,
            variant: answer.variant,
            source: "remote",
            variantNumber: answer.variant_number,
            policyVersion: answer.policy_version,
            propensity: answer.propensity,
            inHoldout: answer.in_holdout,
          };
          // The service says whether the user is known only where it records.
          resolve({ decision, isNew: answer.sticky === false });
        } else {
          // Each has an error of its own, with a code in place of a status.
          const status = answer?.error?.code ?? 200;
          reject(describeRefusal({ status, text: `${JSON.stringify(answer)}` }));
        }
      });
    } catch (error) {
      batch.forEach(({ reject }) => reject(error as Error));
    }
  }

  /** Return an answer for each question: all are of one user and context. */
  async #request(asks: Ask[]): Promise<any[]> {
    if (Date.now() < this.#pausedUntil) throw Error("the service asked to wait");
    const ids = asks.map(({ optimizationId }) => optimizationId);
    const { anonymousId, context, record } = asks[0]!;
    const controller = new AbortController();
    for (const ask of asks) {
      ask.cancel = () => asks.some(({ waiting }) => waiting) || controller.abort();
    }
    const body = { anonymous_id: anonymousId, context, record };
    const [path, fields] =
      ids.length > 1
        ? ["best-variants", { ...body, optimization_ids: ids }]
        : [`${encodeURIComponent(ids[0]!)}/serve`, body];
    const answer = await send(this.#service, `/optimizations/${path}`, fields, {}, controller);
    if (answer.status !== 200) {
      this.#pausedUntil = Date.now() + readRetryAfter(answer);
      throw describeRefusal(answer);
    }
    const found = JSON.parse(answer.text);
    return ids.length > 1 ? found.decisions : [found];
  }
}
