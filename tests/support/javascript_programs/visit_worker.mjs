// Call the worker that is named as an edge runtime does, once for each further argument: the
// visitor's cookies. Prints a list of {page, cookie, cache}.

import { pathToFileURL } from "node:url";

const [program, ...visitors] = process.argv.slice(2);
const { default: worker } = await import(pathToFileURL(program));
const promises = [];
const context = { waitUntil: (promise) => promises.push(promise) };
const visits = [];
for (const Cookie of visitors) {
  const request = new Request("https://shop.example/", { headers: { Cookie } });
  const response = await worker.fetch(request, {}, context);
  const cookie = response.headers.get("Set-Cookie");
  const cache = response.headers.get("Cache-Control");
  visits.push({ page: await response.text(), cookie, cache });
}
await Promise.all(promises);
console.log(JSON.stringify(visits));
