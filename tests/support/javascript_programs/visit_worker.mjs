// Call the worker that is named once, as an edge runtime does; print the page.

import { pathToFileURL } from "node:url";

const { default: worker } = await import(pathToFileURL(process.argv[2]));
const promises = [];
const context = { waitUntil: (promise) => promises.push(promise) };
const headers = { Cookie: "visitor=visitor-1" };
const request = new Request("https://shop.example/", { headers });
const response = await worker.fetch(request, {}, context);
console.log(await response.text(), await Promise.all(promises));
