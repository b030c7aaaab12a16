// Providers for OpenFeature's SDKs of pages and of servers, which need not be installed.

import type { LeveredClient } from "./client.ts";
import {
  describeError,
  FlagError,
  parseKey,
  readContext,
  resolve,
  type FlagContext,
  type Kind,
  type Resolution,
} from "./openfeature-flags.ts";
import type { Decision } from "./types.ts";

export type { FlagContext, Resolution } from "./openfeature-flags.ts";

export interface ProviderOptions {
  /** Names of flags: `{ hero: "optimization id", title: "optimization id.headline" }`. */
  flags?: Record<string, string>;
}

/** What both providers have. */
abstract class LeveredProvider {
  readonly metadata = { name: "levered" } as const;
  protected readonly client: LeveredClient;
  protected readonly flags: Record<string, string>;

  constructor(client: LeveredClient, { flags = {} }: ProviderOptions = {}) {
    this.client = client;
    this.flags = flags;
  }

  /** Send what is queued. */
  async onClose(): Promise<void> {
    await this.client.flush();
  }
}

/** A provider for `@openfeature/server-sdk`: `targetingKey` is the user's id. */
export class LeveredServerProvider extends LeveredProvider {
  readonly runsOn = "server" as const;

  /** Load the policies of the client's `preload`. */
  async initialize(): Promise<void> {
    await this.client.ready();
  }

  resolveBooleanEvaluation(key: string, value: boolean, context: FlagContext) {
    return this.#evaluate("boolean", key, value, context);
  }

  resolveStringEvaluation(key: string, value: string, context: FlagContext) {
    return this.#evaluate("string", key, value, context);
  }

  resolveNumberEvaluation(key: string, value: number, context: FlagContext) {
    return this.#evaluate("number", key, value, context);
  }

  resolveObjectEvaluation<T>(key: string, value: T, context: FlagContext) {
    return this.#evaluate("object", key, value, context);
  }

  /** Queue a conversion. Throws where the context names no user. */
  track(name: string, context: FlagContext = {}, details: { value?: number } = {}): void {
    this.client.track(name, { ...readValue(details), anonymousId: requireUser(context) });
  }

  async #evaluate<T>(
    kind: Kind,
    key: string,
    value: T,
    context: FlagContext,
  ): Promise<Resolution<T>> {
    try {
      const flag = parseKey(key, this.flags);
      const { optimizationId } = flag;
      const user = { anonymousId: requireUser(context), context: readContext(context) };
      const decision = await this.client.getDecision({ optimizationId, fallback: {}, ...user });
      return resolve(flag, decision, kind, value);
    } catch (error) {
      return describeError(error, value);
    }
  }
}

/**
 * A provider for `@openfeature/web-sdk`. It decides all optimizations of `flags` when it
 * is set and when the context changes: a page can then ask without waiting.
 */
export class LeveredWebProvider extends LeveredProvider {
  readonly runsOn = "client" as const;
  #decisions = new Map<string, Decision>();
  #context: FlagContext = {};

  /** Decide for the visitor: `targetingKey` if there is one, or the client's own id. */
  async initialize(context: FlagContext = {}): Promise<void> {
    this.#context = context;
    const { targetingKey } = context;
    if (targetingKey && targetingKey !== this.client.anonymousId) {
      this.client.identify(targetingKey);
    }
    const keys = Object.keys(this.flags).map((name) => parseKey(name, this.flags));
    const ids = [...new Set(keys.map(({ optimizationId }) => optimizationId))];
    const decisions = await Promise.all(
      ids.map((optimizationId) =>
        this.client.getDecision({ optimizationId, fallback: {}, context: readContext(context) }),
      ),
    );
    // The context may have changed again meanwhile.
    if (this.#context === context) {
      this.#decisions = new Map(decisions.map((each) => [each.optimizationId, each]));
    }
  }

  onContextChange(_: FlagContext, context: FlagContext): Promise<void> {
    return this.initialize(context);
  }

  resolveBooleanEvaluation(key: string, value: boolean) {
    return this.#evaluate("boolean", key, value);
  }

  resolveStringEvaluation(key: string, value: string) {
    return this.#evaluate("string", key, value);
  }

  resolveNumberEvaluation(key: string, value: number) {
    return this.#evaluate("number", key, value);
  }

  resolveObjectEvaluation<T>(key: string, value: T) {
    return this.#evaluate("object", key, value);
  }

  /** Queue a conversion of the visitor. */
  track(name: string, _: FlagContext = {}, details: { value?: number } = {}): void {
    this.client.track(name, readValue(details));
  }

  #evaluate<T>(kind: Kind, key: string, value: T): Resolution<T> {
    try {
      const flag = parseKey(key, this.flags);
      const decision = this.#decisions.get(flag.optimizationId);
      if (decision) return resolve(flag, decision, kind, value);
      throw new FlagError("FLAG_NOT_FOUND", `${key} is of no optimization in the flags`);
    } catch (error) {
      return describeError(error, value);
    }
  }
}

function requireUser({ targetingKey }: FlagContext): string {
  if (targetingKey) return targetingKey;
  throw new FlagError("TARGETING_KEY_MISSING", "the context has no targetingKey");
}

const readValue = ({ value }: { value?: number }) => (value == null ? {} : { value });
