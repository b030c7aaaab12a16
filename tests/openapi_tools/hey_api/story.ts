// Ten calls of a client that @hey-api/openapi-ts makes of the document.
import * as api from "./client";
import { client } from "./client/client.gen";

const [baseUrl, token] = process.argv.slice(2) as [string, string];
client.setConfig({ baseUrl, auth: () => token });

/** Return the data of an answer; throw its error. */
function take<T>(answer: { data?: T; error?: unknown }): T {
  if (answer.data === undefined) throw new Error(JSON.stringify(answer.error));
  return answer.data;
}

async function tell(): Promise<void> {
  const me = take(await api.getMe());
  const metric = take(
    await api.createMetric({
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
    await api.createOptimization({
      body: {
        name: "Landing page",
        reward_metric_id: metric.id,
        training_data_config: {
          reward: { name: "signup", type: "bool" },
          design_factors: [{ name: "headline", levels: ["Start free", "Save hours"] }],
          attribution: { conversion_window_hours: 48 },
        },
      },
    }),
  );
  const path = { id: optimization.id };
  const body = { anonymous_id: "visitor-1" };
  const decision = take(await api.serve({ path, body, security: [] }));
  const number: number = decision.variant_number;
  const listed = take(await api.listOptimizations({ query: { limit: 5, status: "live" } }));
  const read = take(await api.getOptimization({ path }));
  const changed = take(await api.updateOptimization({ path, body: { holdout_percentage: 20 } }));
  const results = take(await api.getResults({ path }));
  const explained = take(
    await api.explainDecision({ path: { ...path, anonymous_id: "visitor-1" } }),
  );
  const stopped = take(await api.stopOptimization({ path }));
  const missing = await api.getModel({ path: { id: "00000000-0000-4000-8000-000000000000" } });
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
}

void tell();
