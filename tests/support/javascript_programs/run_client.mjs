// Make a client from a request on standard input, call it, print what came of it.
//
// Input: {"options", "ticks": [[["method", {...}], ...], ...], "storage": file or null}.
// Output: tests/support/javascript_client.py, Session.

import { readFileSync, writeFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { LeveredClient } from "../../../clients/javascript/src/index.ts";

/** Web storage in a file, so that it outlives this program. */
class FileStorage {
  #file;

  constructor(file) {
    this.#file = file;
  }

  #read() {
    try {
      return JSON.parse(readFileSync(this.#file, "utf8"));
    } catch {
      return {};
    }
  }

  get length() {
    return Object.keys(this.#read()).length;
  }

  key(index) {
    return Object.keys(this.#read())[index] ?? null;
  }

  getItem(key) {
    return this.#read()[key] ?? null;
  }

  setItem(key, value) {
    writeFileSync(this.#file, JSON.stringify({ ...this.#read(), [key]: value }));
  }

  removeItem(key) {
    const { [key]: _, ...others } = this.#read();
    writeFileSync(this.#file, JSON.stringify(others));
  }
}

const { options, ticks, storage } = JSON.parse(await text(process.stdin));
const exposures = [];
const errors = [];
const codes = [];
const client = new LeveredClient({
  storage: storage ? new FileStorage(storage) : null,
  onExposure: (decision) => exposures.push(decision),
  onError: ({ message, code }) => {
    errors.push(message);
    codes.push(code ?? null);
  },
  ...options,
});

const CALLS = {
  track: ({ name, ...rest }) => client.track(name, rest),
  identify: ({ id }) => client.identify(id),
  setConsent: ({ isGranted }) => client.setConsent(isGranted),
  getDecisions: ({ requests }) => Promise.all(requests.map((each) => client.getDecision(each))),
  getVariants: ({ requests }) => client.getVariants(requests),
  sleep: ({ ms }) => new Promise((resolve) => setTimeout(resolve, ms)),
};

const results = [];
const milliseconds = [];
for (const calls of ticks) {
  const startedAt = performance.now();
  const answers = calls.map(([method, argument]) =>
    CALLS[method] ? CALLS[method](argument) : client[method](argument),
  );
  results.push((await Promise.all(answers)).map((answer) => answer ?? null));
  milliseconds.push(performance.now() - startedAt);
}
const { anonymousId: anonymous_id } = client;
const output = JSON.stringify({ results, milliseconds, exposures, errors, codes, anonymous_id });
process.stdout.write(output, () => process.exit(0));
