// Call a worker as an edge runtime does, for one visitor who comes several times.
//
// Standard input: {"worker": file, "env", "visits": ["GET /", ...], "cookies": {name: value}}.
// Prints {"pages": [...], "cookies"}, when all that the worker still did is done.

import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";

const { worker, env, visits, cookies } = JSON.parse(await text(process.stdin));
const { default: handler } = await import(pathToFileURL(worker));
const pages = [];
for (const visit of visits) {
  const [method, path] = visit.split(" ");
  const Cookie = Object.entries(cookies).map((each) => each.join("=")).join("; ");
  const request = new Request(`https://shop.example${path}`, { method, headers: { Cookie } });
  const promises = [];
  const context = { waitUntil: (promise) => promises.push(promise) };
  const response = await handler.fetch(request, env, context);
  for (const line of response.headers.getSetCookie()) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
    cookies[name] = value;
  }
  pages.push(await response.text());
  await Promise.all(promises);
}
const output = JSON.stringify({ pages, cookies });
// Without waiting for timers that are left.
process.stdout.write(output, () => process.exit(0));
