// Events on their way to the service. They survive a reload, and each counts once.

import { attempt, isPage, makeId, type Device } from "./device.ts";
import {
  describeRefusal,
  isFinal,
  isPublishable,
  readRetryAfter,
  send,
  type Service,
} from "./http.ts";
import type { Fields } from "./types.ts";

const MINUTE = 60_000;
const DELAY = 100;
// The service remembers for 7 days which events it has.
const TOO_OLD = 6 * 86_400_000;

interface QueuedEvent {
  anonymousId: string;
  at: number;
  fields: Fields;
}
type Entry = [key: string, event: QueuedEvent];

export class EventQueue {
  #service: Service;
  #device: Device;
  #report: (error: Error) => void;
  // Each event is an entry of its own in storage, so that two tabs lose none.
  #events = new Map<string, QueuedEvent>();
  // Two events say that a page goes away.
  #beaconed = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sending: Promise<boolean> | undefined;
  /** Whether a page sends them, by a publishable key. */
  #isTracked: boolean;
  #batchSize: number;
  #limit: number;
  #warnedAt = 0;
  #failures = 0;
  #pausedUntil = 0;

  constructor(service: Service, device: Device, report: (error: Error) => void) {
    this.#service = service;
    // The service takes so many from a page, and from a server, in one request.
    this.#isTracked = isPublishable(service.key);
    this.#batchSize = this.#isTracked ? 50 : 500;
    this.#limit = this.#batchSize * 20;
    this.#device = device;
    this.#report = report;
    if (isPage) {
      addEventListener("pagehide", () => this.#sendBeacons());
      addEventListener("visibilitychange", () => {
        if (document.visibilityState === "hidden") this.#sendBeacons();
      });
    }
  }

  /** Queue an event; it is sent soon. */
  add(anonymousId: string, fields: Fields): void {
    if (!this.#service.key) return this.#warn("events need an apiKey");
    const key = makeId();
    fields.idempotency_key = key;
    const event = { anonymousId, at: Date.now(), fields };
    this.#events.set(key, event);
    this.#device.set(`event_${key}`, event);
    if (this.#events.size > this.#limit) {
      this.#warn("the queue is full: events were lost");
      // The oldest go, several at once: to find them takes long.
      this.#remove([...this.#events].slice(0, this.#limit / 100));
    }
    this.#schedule();
  }

  /** Report what would be reported with each event once a minute. */
  #warn(message: string): void {
    const now = Date.now();
    if (now - this.#warnedAt > MINUTE) {
      this.#warnedAt = now;
      this.#report(Error(message));
    }
  }

  /**
   * Take up what earlier pages left, and store what was not stored before consent, now
   * of a user who has another id.
   */
  synchronize(before?: string, after = ""): void {
    if (!this.#device.hasConsent) return;
    for (const [key, event] of this.#events) {
      if (event.anonymousId === before) event.anonymousId = after;
      this.#device.set(`event_${key}`, event);
    }
    for (const stored of this.#device.list("event_")) {
      try {
        const event: QueuedEvent = JSON.parse(this.#device.get(stored)!);
        if (!(Date.now() - event.at < TOO_OLD)) throw Error();
        this.#events.set(stored.slice(6), event);
      } catch {
        this.#device.remove(stored);
      }
    }
    if (this.#events.size) this.#schedule();
  }

  /** Send everything now. Return whether nothing is left. */
  flush(): Promise<boolean> {
    this.#sending ??= this.#sendAll().finally(() => (this.#sending = undefined));
    return this.#sending;
  }

  #schedule(): void {
    this.#timer ??= setTimeout(
      () => {
        this.#timer = undefined;
        this.flush();
      },
      Math.max(DELAY, this.#pausedUntil - Date.now()),
    );
    // A program in Node may end before; `flush` waits.
    (this.#timer as { unref?: () => void }).unref?.();
  }

  async #sendAll(): Promise<boolean> {
    while (this.#events.size && this.#device.hasConsent) {
      if (Date.now() < this.#pausedUntil) {
        this.#schedule();
        return false;
      }
      const batch = this.#nextBatch(this.#events);
      const answer = await send(this.#service, ...this.#build(batch)).catch(() => undefined);
      const status = answer?.status!;
      // Another page may have answered, as of a hotel's network.
      const rejected = status < 300 && attempt(() => JSON.parse(answer!.text).rejected);
      if (Array.isArray(rejected)) {
        this.#failures = 0;
        this.#remove(batch);
        rejected.forEach(({ message }) => this.#report(Error(`an event: ${message}`)));
      } else if (status === 413 && batch.length > 1) {
        this.#batchSize = 1;
      } else if (isFinal(status)) {
        this.#remove(batch);
        this.#report(describeRefusal(answer!));
      } else {
        this.#pause(answer ? readRetryAfter(answer) : 0);
      }
    }
    return !this.#events.size;
  }

  /** Try again later: twice as late each time, and not all visitors at once. */
  #pause(asked: number): void {
    const half = Math.min(MINUTE, 1000 * 2 ** this.#failures++) / 2;
    this.#pausedUntil = Date.now() + Math.max(asked, half) + Math.random() * half;
  }

  /** Take events of one user for /track, of one type for /ingest. */
  #nextBatch(events: Map<string, QueuedEvent>): Entry[] {
    const group = ([, { anonymousId, fields }]: Entry) =>
      this.#isTracked ? anonymousId : fields.type;
    const all = [...events];
    return all.filter((each) => group(each) === group(all[0]!)).slice(0, this.#batchSize);
  }

  #build(batch: Entry[]): [path: string, body: unknown] {
    const { anonymousId, fields } = batch[0]![1];
    // A clock may be wrong: the service dates what is younger.
    const events = batch.map(([, event]) => ({
      ...event.fields,
      ...(Date.now() - event.at > MINUTE && { timestamp: new Date(event.at).toISOString() }),
      ...(!this.#isTracked && { anonymous_id: event.anonymousId }),
    }));
    return this.#isTracked
      ? ["/track", { key: this.#service.key, anonymous_id: anonymousId, events }]
      : [`/ingest/${fields.type}s`, { events }];
  }

  /** Send what waits while the page goes away. It stays queued: nobody answers. */
  #sendBeacons(): void {
    const left = new Map(this.#device.hasConsent ? this.#events : []);
    this.#beaconed.forEach((key) => left.delete(key));
    while (left.size) {
      const batch = this.#nextBatch(left);
      const [path, body] = this.#build(batch);
      const isSent = navigator.sendBeacon?.(this.#service.url + path, JSON.stringify(body));
      for (const [key] of batch) {
        left.delete(key);
        if (isSent) this.#beaconed.add(key);
      }
    }
  }

  #remove(entries: Entry[]): void {
    for (const [key] of entries) {
      this.#events.delete(key);
      this.#device.remove(`event_${key}`);
    }
  }
}
