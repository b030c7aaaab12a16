// Ten calls of a client that openapi-typescript and openapi-fetch make of the document.
import createClient from "openapi-fetch";
import type { paths } from "./schema.d.ts";

const [baseUrl, token] = process.argv.slice(2) as [string, string];
const authorization = { Authorization: `Bearer ${token}` };
const client = createClient<paths>({ baseUrl, headers: authorization });

/** Return the data of an answer; throw its error. */
function take<T>(answer: { data?: T; error?: { error: { code: string; message: string } } }): T {
  if (answer.error) throw new Error(`${answer.error.error.code}: ${answer.error.error.message}`);
  if (answer.data === undefined) throw new Error("no data");
  return answer.data;
}

const me = take(await client.GET("/api/v2/me"));
const metric = take(
  await client.POST("/api/v2/warehouse/metrics", {
    body: {
      name: "Signup",
      sql: "SELECT anonymous_id, timestamp_utc FROM managed_dw.rewards WHERE name = 'signup'",
      column_mapping: {
        anonymous_id: "anonymous_id",
        timestamp: "timestamp_utc",
        reward_type: "bool",
      },
    },
  }),
);
const optimization = take(
  await client.POST("/api/v2/optimizations", {
    body: {
      name: "Landing page",
      reward_metric_id: metric.id,
      training_data_config: {
        reward: { name: "signup", type: "bool" },
        design_factors: [{ name: "headline", dtype: "str", levels: ["Start free", "Save hours"] }],
        attribution: { conversion_window_hours: 48 },
      },
    },
  }),
);
const path = { id: optimization.id };
const decision = take(
  await client.POST("/api/v2/optimizations/{id}/serve", {
    params: { path },
    body: { anonymous_id: "visitor-1" },
    headers: { Authorization: null },
  }),
);
const number: number = decision.variant_number;
const listed = take(
  await client.GET("/api/v2/optimizations", { params: { query: { limit: 5, status: "live" } } }),
);
const read = take(await client.GET("/api/v2/optimizations/{id}", { params: { path } }));
const changed = take(
  await client.PATCH("/api/v2/optimizations/{id}", {
    params: { path },
    body: { holdout_percentage: 20 },
  }),
);
const results = take(await client.GET("/api/v2/optimizations/{id}/results", { params: { path } }));
const explained = take(
  await client.GET("/api/v2/optimizations/{id}/decisions/{anonymous_id}", {
    params: { path: { ...path, anonymous_id: "visitor-1" } },
  }),
);
const stopped = take(
  await client.POST("/api/v2/optimizations/{id}/stop", { params: { path } }),
);
const missing = await client.GET("/api/v2/models/{id}", {
  params: { path: { id: "00000000-0000-4000-8000-000000000000" } },
});

console.log(
  JSON.stringify({
    role: me.role,
    served: number === explained.variant_number,
    listed: listed.optimizations.map((each) => each.id === read.id),
    holdout: changed.holdout_percentage,
    health: results.health.status,
    status: stopped.status,
    missing: missing.error?.error.code,
  }),
);
