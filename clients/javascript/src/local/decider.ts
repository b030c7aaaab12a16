// Decide on the device, by the signed policy; remember what was decided.

import type { Device } from "../device.ts";
import type { Service } from "../http.ts";
import type { Ask, Context, Decider, Decision, Outcome, Variant } from "../types.ts";
import { drawVariant, type Policy, type PreparedPolicy } from "./draw.ts";
import { PolicyStore } from "./policies.ts";

/** A decision of before, as it is stored. */
interface StoredDecision {
  number: number;
  variant: Variant;
  version: number;
  propensity: number;
  inHoldout: boolean;
  redraw: number;
}

/** What a decision depends on, and whether it may be stored. */
type Question = Pick<Ask, "optimizationId" | "anonymousId" | "context" | "record">;

export class LocalDecider implements Decider {
  #device: Device;
  #policies: PolicyStore;
  #isFinal: (status: any) => boolean;

  constructor(service: Service, device: Device, report: (error: Error) => void) {
    this.#device = device;
    [this.#isFinal] = service.http;
    this.#policies = new PolicyStore(service, report);
  }

  /** Load a policy. Reject if there is none and none can be had now. */
  load(optimizationId: string): Promise<PreparedPolicy> {
    return this.#policies.load(optimizationId.toLowerCase());
  }

  /** Load several policies. Reject if one of them cannot be had now. */
  async preload(optimizationIds: string[]): Promise<void> {
    await Promise.all(optimizationIds.map((id) => this.load(id)));
  }

  /** Return the variant of a number. Reject if there is none. */
  async findVariant(optimizationId: string, number: number): Promise<Policy["variants"][0]> {
    const { policy } = await this.load(optimizationId);
    const found = policy.variants.find((variant) => variant.number === number);
    if (!found) throw Error(`there is no variant ${number}`);
    return found;
  }

  async decide(ask: Ask): Promise<Outcome> {
    let prepared;
    try {
      prepared = await this.load(ask.optimizationId);
    } catch (error) {
      const stored = this.#recall(ask);
      if (stored && !this.#isFinal((error as Error).cause)) return describeStored(ask, stored);
      throw error;
    }
    if (Date.now() > ask.until || !ask.waiting) throw Error("the policy came too late");
    return this.#decideBy(prepared, ask);
  }

  /**
   * Decide without waiting. Undefined where the policy is not here yet. Throws where
   * there is no decision.
   */
  decideNow(ask: Question): Outcome | undefined {
    const prepared = this.#policies.get(ask.optimizationId);
    return prepared && this.#decideBy(prepared, ask);
  }

  #decideBy(prepared: PreparedPolicy, ask: Question): Outcome {
    const stored = this.#recall(ask);
    const { status, variants } = prepared.policy;
    if (status === "shipped") return { decision: draw(ask, prepared, 0), isNew: false };
    if (status !== "live") throw Error(`the optimization is ${status}`, { cause: 409 });
    if (!stored) return this.#decideAnew(ask, prepared, 0);
    const isEnabled = variants.find(({ number }) => number === stored.number)?.enabled;
    if (isEnabled) return describeStored(ask, stored);
    return this.#decideAnew(ask, prepared, stored.redraw + 1);
  }

  #decideAnew(ask: Question, prepared: PreparedPolicy, redraw: number): Outcome {
    const decision = draw(ask, prepared, redraw);
    const { variant, variantNumber, policyVersion } = decision;
    if (ask.record && this.#device.isKept) this.#store(ask, decision, redraw);
    const exposure = {
      type: "exposure",
      optimization_id: ask.optimizationId,
      variant_number: variantNumber,
      variant,
      policy_version: policyVersion,
      context: selectFactors(prepared, ask.context),
    };
    return { decision, exposure, isNew: true };
  }

  #store(ask: Question, decision: Decision, redraw: number): void {
    const { variantNumber: number, variant, policyVersion: version } = decision;
    const { propensity, inHoldout } = decision;
    this.#device.set(nameDecision(ask), {
      ...{ number, variant, version, propensity, inHoldout, redraw },
    });
  }

  #recall(ask: Question): StoredDecision | null {
    if (!this.#device.isKept) return null;
    try {
      const stored = JSON.parse(this.#device.get(nameDecision(ask))!);
      return stored?.variant instanceof Object ? stored : null;
    } catch {
      return null;
    }
  }
}

function draw(
  { optimizationId, anonymousId, context }: Question,
  prepared: PreparedPolicy,
  redraw: number,
): Decision {
  const { variantNumber, propensity, inHoldout } = drawVariant(
    prepared,
    anonymousId,
    context,
    redraw,
  );
  const { version: policyVersion, variants } = prepared.policy;
  const { variant } = variants[variantNumber - 1]!;
  return {
    optimizationId,
    anonymousId,
    variant,
    source: "local",
    variantNumber,
    propensity,
    inHoldout,
    policyVersion,
  };
}

function nameDecision({ optimizationId, anonymousId }: Question): string {
  return `decision_${optimizationId}_${anonymousId}`;
}

function describeStored(
  { optimizationId, anonymousId }: Question,
  stored: StoredDecision,
): Outcome {
  const { number: variantNumber, variant, version: policyVersion, propensity, inHoldout } = stored;
  const known = { variantNumber, policyVersion, propensity, inHoldout };
  const decision = { optimizationId, anonymousId, variant, source: "stored" as const, ...known };
  return { decision, isNew: false };
}

/** Nothing of a context is sent but the values of its factors. */
function selectFactors({ factors }: PreparedPolicy, context: Context): Context {
  const known: Context = {};
  for (const { name } of factors) if (context[name] != null) known[name] = context[name];
  return known;
}
