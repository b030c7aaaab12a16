// Decide on the device, by the signed policy; remember what was decided.

import type { Device } from "../device.ts";
import { isFinal, type Service } from "../http.ts";
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

export class LocalDecider implements Decider {
  #device: Device;
  #policies: PolicyStore;

  constructor(service: Service, device: Device, report: (error: Error) => void) {
    this.#device = device;
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
    const stored = this.#recall(ask);
    let prepared;
    try {
      prepared = await this.load(ask.optimizationId);
    } catch (error) {
      if (stored && !isFinal((error as Error).cause)) return describeStored(ask, stored);
      throw error;
    }
    if (Date.now() > ask.until) throw Error("the policy came too late");
    const { status, variants } = prepared.policy;
    if (status === "shipped") return { decision: this.#draw(ask, prepared, 0).decision };
    if (status !== "live") throw Error(`the optimization is ${status}`, { cause: 409 });
    if (!stored) return this.#decideAnew(ask, prepared, 0);
    const isEnabled = variants.find(({ number }) => number === stored.number)?.enabled;
    if (isEnabled) return describeStored(ask, stored);
    return this.#decideAnew(ask, prepared, stored.redraw + 1);
  }

  #decideAnew(ask: Ask, prepared: PreparedPolicy, redraw: number): Outcome {
    const { decision, stored } = this.#draw(ask, prepared, redraw);
    if (ask.record) this.#device.set(nameDecision(ask), JSON.stringify(stored));
    const exposure = {
      type: "exposure",
      optimization_id: ask.optimizationId,
      variant_number: stored.number,
      variant: stored.variant,
      policy_version: stored.version,
      context: selectFactors(prepared, ask.context),
    };
    return { decision, exposure };
  }

  #draw(
    { optimizationId, anonymousId, context }: Ask,
    prepared: PreparedPolicy,
    redraw: number,
  ): { decision: Decision; stored: StoredDecision } {
    const draw = drawVariant(prepared, anonymousId, context, redraw);
    const { version, variants } = prepared.policy;
    const { variant } = variants[draw.variantNumber - 1]!;
    const decision: Decision = {
      ...{ optimizationId, anonymousId, variant, source: "local" as const },
      ...{ ...draw, policyVersion: version },
    };
    const { variantNumber: number, propensity, inHoldout } = draw;
    return { decision, stored: { number, variant, version, propensity, inHoldout, redraw } };
  }

  #recall(ask: Ask): StoredDecision | null {
    try {
      const stored = JSON.parse(this.#device.get(nameDecision(ask))!);
      return stored?.variant instanceof Object ? stored : null;
    } catch {
      return null;
    }
  }
}

function nameDecision({ optimizationId, anonymousId }: Ask): string {
  return `decision_${optimizationId}_${anonymousId}`;
}

function describeStored({ optimizationId, anonymousId }: Ask, stored: StoredDecision): Outcome {
  const { number: variantNumber, variant, version: policyVersion, propensity, inHoldout } = stored;
  const known = { variantNumber, policyVersion, propensity, inHoldout };
  return { decision: { optimizationId, anonymousId, variant, source: "stored", ...known } };
}

/** Nothing of a context is sent but the values of its factors. */
function selectFactors({ factors }: PreparedPolicy, context: Context): Context {
  const known = factors.filter(({ name }) => context[name] != null);
  return Object.fromEntries(known.map(({ name }) => [name, context[name]]));
}
