// Read calls as JSON from standard input, make them with the official client, print what an
// agent gets of each.
//
// Input: {"address", "token", "calls": [[tool, arguments]]}.
// Output: {"tools", "instructions", "results": [{"text", "document", "is_error"} or
// {"thrown"}]}.

import { text } from "node:stream/consumers";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const { address, token, calls } = JSON.parse(await text(process.stdin));
const headers = { Authorization: `Bearer ${token}` };
const client = new Client({ name: "test", version: "1" });
await client.connect(
  new StreamableHTTPClientTransport(new URL(address), { requestInit: { headers } }),
);
// From here on the client holds every answer against the output schema of its tool.
const { tools } = await client.listTools();

const results = [];
for (const [name, args] of calls) {
  try {
    const result = await client.callTool({ name, arguments: args });
    results.push({
      text: result.content.map((block) => block.text).join(""),
      document: result.structuredContent ?? null,
      is_error: result.isError ?? false,
    });
  } catch (error) {
    results.push({ thrown: String(error) });
  }
}
const instructions = client.getInstructions();
await client.close();
console.log(
  JSON.stringify({ tools: tools.map((tool) => tool.name), instructions, results }),
);
