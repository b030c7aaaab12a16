// Run the program that is named with a key, as a server; visit it once; print the page.

import { createServer } from "node:net";
import { pathToFileURL } from "node:url";

const [, , program, key] = process.argv;
const finder = createServer().listen(0, "127.0.0.1");
await new Promise((resolve) => finder.once("listening", resolve));
const { port } = finder.address();
await new Promise((resolve) => finder.close(resolve));
Object.assign(process.env, { PORT: String(port), LEVERED_KEY: key });

// The client sends what it queued by itself: wait until that is answered.
const { fetch: send } = globalThis;
const sent = new Promise((resolve) => {
  globalThis.fetch = async (...request) => {
    const response = await send(...request);
    if (String(request[0]).endsWith("/ingest/rewards")) resolve();
    return response;
  };
});

await import(pathToFileURL(program));
const headers = { Cookie: "visitor=visitor-1" };
const response = await fetch(`http://127.0.0.1:${port}/buy`, { headers });
console.log(await response.text());
await sent;
process.exit(0);
