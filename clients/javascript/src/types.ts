// The types that callers see. Nothing here is left at run time.

/** A variant: factor to level. */
export type Variant = Record<string, string | number | boolean>;

/** What is known about the visitor: factor to a text, number, true, false or null. */
export type Context = Record<string, unknown>;

/** The part of `localStorage` that the client uses. */
export type KeyValueStorage = Pick<
  Storage,
  "getItem" | "setItem" | "removeItem" | "key" | "length"
>;

/** What went wrong; `code` is that of the service, such as `conflict`, where it refused. */
export type LeveredError = Error & { code?: string | undefined };

export interface LeveredOptions {
  /** Where the service is: `https://levered.example`, with or without `/api/v2`. */
  apiUrl: string;
  /** In a page a publishable key (`lev_pub_…`); on a server a secret one. */
  apiKey?: string;
  /** Ask the service for each decision (`remote`), or decide by its signed policy. */
  mode?: "remote" | "local";
  /** The visitor's id, if your application has one. It must be unguessable. */
  anonymousId?: string;
  /** Where to remember; `null` for nowhere. By default cookie and `localStorage`. */
  storage?: KeyValueStorage | null;
  /** Whether the visitor agreed to storing. `setConsent` changes it. */
  consent?: boolean;
  /** After how long a decision is the fallback. */
  timeoutMs?: number;
  /** Optimizations whose policies `ready()` loads, in local mode. */
  preload?: string[];
  /** Called with each decision that counts a visitor for the first time. */
  onExposure?: (decision: Decision) => void;
  /** Called with everything that went wrong. Nothing is thrown. */
  onError?: (error: LeveredError) => void;
}

export interface VariantRequest<T extends object = Variant> {
  optimizationId: string;
  /** What to show whenever there is no decision, and of factors that are not varied. */
  fallback: T;
  context?: Context;
  /** Decide for another user than the client's, as a server does. */
  anonymousId?: string;
  /**
   * Stop waiting: the answer is then the fallback, and no error is reported. A request
   * that nobody else waits for is aborted.
   */
  signal?: AbortSignal | undefined;
}

export interface Decision<T extends object = Variant> {
  optimizationId: string;
  anonymousId: string;
  variant: T;
  /** `stored` is a decision of an earlier page; `forced` comes from the address. */
  source: "remote" | "local" | "stored" | "forced" | "fallback";
  /** The rest is absent where the variant is forced or the fallback. */
  variantNumber?: number;
  policyVersion?: number;
  propensity?: number;
  inHoldout?: boolean;
}

export interface TrackOptions {
  /** The amount of the reward; 1 if absent. */
  value?: number;
  /** Another user than the client's. */
  anonymousId?: string;
}

/** A question to whatever decides. */
export interface Ask {
  optimizationId: string;
  anonymousId: string;
  context: Context;
  /** Whether the decision may be recorded. */
  record: boolean;
  /** After that the page has shown its fallback: a decision must not count. */
  until: number;
  /** How many wait for the answer: without any it must not count either. */
  waiting: number;
  decided?: Promise<Decision>;
  /** Abort the request, unless it is for others too. */
  cancel?: () => void;
}

/** An event as `POST /track` takes it. */
export type Fields = Record<string, unknown>;

/** A decision, and the exposure to send where the service has not recorded it. */
export interface Outcome {
  decision: Decision;
  exposure?: Fields;
  /** Whether the visitor is counted for the first time. */
  isNew: boolean;
}

export interface Decider {
  /** Decide, or reject with the reason why there is no decision. */
  decide(ask: Ask): Promise<Outcome>;
}
