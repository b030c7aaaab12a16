// Decide by asking the service: one request for everything asked in the same tick.

import { describeRefusal, readRetryAfter, send, type Service } from "./http.ts";
import type { Ask, Decider, Decision, Outcome } from "./types.ts";

const LARGEST_BATCH = 20;

/** Questions of one user and context, and the answer to each that somebody waits for. */
interface Batch {
  asks: Ask[];
  answers: Promise<Map<Ask, any>>;
}

export class RemoteDecider implements Decider {
  #service: Service;
  #batches = new Map<string, Batch>();
  #pausedUntil = 0;

  constructor(service: Service) {
    this.#service = service;
  }

  async decide(ask: Ask): Promise<Outcome> {
    const { optimizationId, anonymousId, context, record } = ask;
    const key = JSON.stringify([anonymousId, context, record]);
    let batch = this.#batches.get(key);
    if (!batch || batch.asks.length === LARGEST_BATCH) {
      const asks: Ask[] = [];
      batch = { asks, answers: this.#collect(key, asks) };
      this.#batches.set(key, batch);
    }
    batch.asks.push(ask);
    const answer = (await batch.answers).get(ask);
    if (!(answer?.variant instanceof Object)) {
      // Each has an error of its own, with a code in place of a status.
      const status = answer?.error?.code ?? 200;
      throw describeRefusal({ status, text: `${JSON.stringify(answer)}` });
    }
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
    return { decision, isNew: answer.sticky === false };
  }

  /** Wait for what else is asked in this tick, then ask what somebody still waits for. */
  async #collect(key: string, asks: Ask[]): Promise<Map<Ask, any>> {
    await new Promise((resolve) => setTimeout(resolve));
    // Of full batches the last one goes with the first: what is asked later starts another.
    this.#batches.delete(key);
    const waiting = asks.filter((ask) => ask.waiting);
    const answers = waiting.length ? await this.#request(waiting) : [];
    return new Map(waiting.map((ask, index) => [ask, answers[index]]));
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
