// The client: decisions that never fail, and events that arrive.

import { attempt, Device, isPage, makeId } from "./device.ts";
import { EventQueue } from "./events.ts";
import { http, isFinal, isPublishable, limit, type Service } from "./http.ts";
import { RemoteDecider } from "./remote.ts";
import type { LocalDecider } from "./local/decider.ts";
import type {
  Ask,
  Decider,
  Decision,
  LeveredOptions,
  Outcome,
  TrackOptions,
  VariantRequest,
} from "./types.ts";

export class LeveredClient {
  #options: LeveredOptions;
  #service: Service;
  #device: Device;
  #queue: EventQueue;
  #remote: RemoteDecider;
  #local: Promise<LocalDecider> | undefined;
  #decider: LocalDecider | undefined;
  /** What the address of the page forces. While there is anything, nothing counts. */
  forced: string[] = isPage
    ? new URLSearchParams(location.search).getAll("levered_variant")
    : [];
  #memo = new Map<string, Ask | Decision>();
  #exposed = new Set<string>();
  #unrecorded = new Map<string, VariantRequest<any>>();
  #anonymousId = "";

  constructor(options: LeveredOptions) {
    this.#options = options;
    let { apiUrl, apiKey: key = "", timeoutMs = 2000 } = options;
    if (isPage && key && !isPublishable(key)) {
      this.#report(Error("a page's apiKey must be publishable"));
      key = "";
    }
    const url = `${String(apiUrl).replace(/(\/api\/v2)?[/]*$/, "")}/api/v2`;
    this.#service = { url, key, timeoutMs, http };
    this.#device = new Device(options.storage, options.consent ?? true);
    this.#queue = new EventQueue(this.#service, this.#device, this.#report);
    this.#remote = new RemoteDecider(this.#service);
    this.#queue.synchronize();
  }

  /** The visitor's id, made when it is first needed. */
  get anonymousId(): string {
    if (!this.#anonymousId) this.#readId();
    return this.#anonymousId;
  }

  /** Wait until the policies of `preload` are here, or have failed. Never rejects. */
  async ready(): Promise<void> {
    const { mode, preload = [] } = this.#options;
    const load = () => this.loadDecider().then((local) => local.preload(preload));
    if (mode === "local") await limit(load(), this.#service).catch(this.#report);
  }

  /** Return the variant to show; the fallback whenever there is no decision. */
  async getVariant<T extends object>(request: VariantRequest<T>): Promise<T> {
    return (await this.getDecision(request)).variant;
  }

  /** Return several variants, in the same order. Remote ones come in one request. */
  getVariants<T extends object>(requests: VariantRequest<T>[]): Promise<T[]> {
    return Promise.all(requests?.map?.((request) => this.getVariant(request)) ?? []);
  }

  /**
   * Return the variant to show with what is known about it. Never rejects. Where nobody
   * answers, a visitor keeps the variant of before.
   */
  async getDecision<T extends object>(request: VariantRequest<T>): Promise<Decision<T>> {
    const { optimizationId, anonymousId = this.anonymousId, fallback, signal } = request ?? {};
    const base = { optimizationId, anonymousId };
    let decision: any;
    try {
      decision = this.forced.length ? this.#force(request) : this.#recall(request);
      if (decision.then) {
        decision = {
          ...base,
          ...(await limit<object>(decision, this.#service, signal)),
        };
      }
    } catch (error) {
      if (!signal?.aborted) this.#report(error as Error);
      const served = attempt(() =>
        JSON.parse(this.#device.get(`served_${optimizationId}`.toLowerCase())!),
      );
      const isKept = served?.anonymousId === anonymousId && !this.forced.length;
      const isStored = isKept && !isFinal((error as Error).cause);
      decision = isStored ? { ...served, source: "stored" } : { ...base, source: "fallback" };
    }
    // A page may format a factor that the optimization does not vary, or not any more.
    return { ...decision, variant: { ...fallback, ...decision.variant } };
  }

  /** Queue a conversion, to be sent soon or while the page goes away. */
  track(name: string, options?: TrackOptions | null): void {
    if (this.forced.length) return;
    const { value, anonymousId = this.anonymousId } = options ?? {};
    try {
      const fields = { type: "reward", name, value: value ?? undefined };
      // What JSON cannot say would fail later, where nobody sees it.
      this.#queue.add(anonymousId, JSON.parse(JSON.stringify(fields)));
    } catch (error) {
      this.#report(error as Error);
    }
  }

  /** Send all queued events now. Return whether nothing is left. Never rejects. */
  flush(): Promise<boolean> {
    return this.#queue.flush();
  }

  /** Go on as another user. What was decided and queued before stays with the other. */
  identify(anonymousId: string): void {
    this.#anonymousId = anonymousId;
    this.#memo.clear();
    this.#device.writeId(anonymousId);
  }

  /**
   * Say whether the visitor agrees to storing. Until then nothing is kept on the device,
   * decisions are not recorded and events wait in memory. With consent they are made up
   * for, with the id that an earlier page stored if there is one. Without it everything
   * stored is erased.
   */
  setConsent(isGranted: boolean): void {
    this.#device.hasConsent = isGranted;
    if (!isGranted) return this.#device.clear();
    const before = this.anonymousId;
    this.#readId(before);
    this.#queue.synchronize(before, this.anonymousId);
    this.#unrecorded.forEach((request) => this.getDecision(request));
    this.#unrecorded.clear();
  }

  #readId(id = makeId()): void {
    this.identify(this.#options.anonymousId ?? this.#device.readId() ?? id);
  }

  async #force(request: VariantRequest<any>): Promise<Partial<Decision>> {
    const { findForcedVariant } = await import("./forced.ts");
    const variant = await findForcedVariant(this.forced, request, () => this.loadDecider());
    return variant ? { variant, source: "forced" } : this.#recall(request);
  }

  /** Decide once for each user and context, and count what was decided. */
  #recall(request: VariantRequest<any>): Promise<Decision> | Decision {
    const { signal } = request;
    const context = request.context ?? {};
    const anonymousId = request.anonymousId ?? this.anonymousId;
    const optimizationId = request.optimizationId.toLowerCase();
    const record = this.#device.hasConsent && !this.forced.length;
    const ask: Ask = { optimizationId, anonymousId, context, record, until: 0, waiting: 0 };
    // A server asks for others, often: nothing is shared, so nothing is remembered.
    const outcome = record && anonymousId !== this.#anonymousId && this.#decider?.decideNow(ask);
    if (outcome) return this.#expose(outcome);
    const key = JSON.stringify([optimizationId, anonymousId, context]);
    // A server without consent asks for more users than anybody will make up for.
    if (!record && this.#unrecorded.size < 1000) this.#unrecorded.set(key, request);
    const known = this.#memo.get(key);
    if (known && "source" in known) return known;
    if (known?.waiting) return share(known, signal);
    ask.until = Date.now() + this.#service.timeoutMs;
    ask.decided = this.#ask(ask);
    if (this.#memo.size > 9999) this.#memo.clear();
    this.#memo.set(key, ask);
    const forget = () => this.#memo.get(key) === ask && this.#memo.delete(key);
    // For others only what is under way is shared.
    const keep = (decision: Decision) =>
      forget() && anonymousId === this.#anonymousId && this.#memo.set(key, decision);
    ask.decided.then(keep, forget);
    return share(ask, signal);
  }

  async #ask(ask: Ask): Promise<Decision> {
    const isLocal = this.#options.mode === "local";
    const decider: Decider = isLocal ? await this.loadDecider() : this.#remote;
    const outcome = await decider.decide(ask);
    return ask.record ? this.#expose(outcome) : outcome.decision;
  }

  #expose({ decision, exposure, isNew }: Outcome): Decision {
    const { anonymousId, optimizationId, variantNumber } = decision;
    const seen = `${optimizationId}:${variantNumber}:${anonymousId}`;
    if (this.#exposed.has(seen)) return decision;
    if (this.#exposed.size > 9999) this.#exposed.clear();
    this.#exposed.add(seen);
    this.#device.set(`served_${optimizationId}`, decision);
    if (exposure) this.#queue.add(anonymousId, exposure);
    try {
      if (isNew) this.#options.onExposure?.(decision);
    } catch (error) {
      this.#report(error as Error);
    }
    return decision;
  }

  /** Return what decides by policies: the preview menu reads them. */
  loadDecider(): Promise<LocalDecider> {
    this.#local ??= import("./local/decider.ts").then(
      ({ LocalDecider }) =>
        (this.#decider = new LocalDecider(this.#service, this.#device, this.#report)),
    );
    this.#local.catch(() => (this.#local = undefined));
    return this.#local;
  }

  #report = (error: Error): void => {
    // A page must not fail because its error reporting does.
    attempt(() => this.#options.onError?.(error));
  };
}

/** Wait for an answer. When the signals of all who wait say so, the request is aborted. */
function share(ask: Ask, signal?: AbortSignal): Promise<Decision> {
  ask.waiting++;
  signal?.addEventListener("abort", () => --ask.waiting || ask.cancel?.());
  return ask.decided!;
}
