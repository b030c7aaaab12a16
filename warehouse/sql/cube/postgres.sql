-- The observation cube (docs/statistics.md section 1) for Postgres: the managed store and
-- connected servers. Slots in braces are filled by warehouse/sql/cube/postgres.py.
WITH bound AS (
  -- Fixes the types of the parameters, even of those that the rest does not use.
  SELECT {first_parameter}, CAST($2 AS timestamptz) AS start_date,
         CAST($22 AS timestamptz) AS span_start,
         {third_parameter}, CAST($4 AS timestamptz) AS as_of,
         CAST($6 AS integer) * interval '1 hour' AS horizon,
         CAST($7 AS integer) * interval '1 hour' AS conversion_window
),
variants AS (
  {variants}
),
regimes AS (
  -- The first regime has no beginning and the last no end.
  SELECT number, COALESCE(begin_at, '-infinity') AS begin_at,
         COALESCE(end_at, 'infinity') AS end_at, threshold
  FROM unnest(CAST($10 AS integer[]), CAST($11 AS timestamptz[]),
              CAST($12 AS timestamptz[]), CAST($13 AS text[]))
    AS r (number, begin_at, end_at, threshold)
),
outcomes AS (
  SELECT key, weight, by_name, as_text, as_number, rank
  FROM unnest(CAST($17 AS text[]), CAST($18 AS double precision[]),
              CAST($19 AS boolean[]), CAST($20 AS text[]),
              CAST($21 AS double precision[]))
    WITH ORDINALITY AS o (key, weight, by_name, as_text, as_number, rank)
),
{touches},
users AS (
  -- Users first touched on the requested days, with everything their first touch fixes.
  SELECT t.anonymous_id, t.at, t.variant, t.context, t.policy_version,
         CAST(t.at AT TIME ZONE 'UTC' AS date) AS day, r.number AS regime,
         COALESCE(t.number, 0) AS variant_number{logged_arm},
         substr(md5({holdout_key}), 1, 8)
           COLLATE "C" < r.threshold AS holdout,
         t.at + b.horizon AS ends_at, t.at + b.horizon <= b.as_of AS mature,
         b.as_of, b.horizon, b.conversion_window
  FROM first_touches AS t
  CROSS JOIN bound AS b
  JOIN regimes AS r ON t.at >= r.begin_at AND t.at < r.end_at
  WHERE CAST(t.at AT TIME ZONE 'UTC' AS date) = ANY(CAST($14 AS date[]))
    AND t.anonymous_id <> ALL(CAST($15 AS text[]))
    AND NOT EXISTS (
      SELECT FROM unnest(CAST($16 AS text[])) AS x (prefix)
      WHERE starts_with(t.anonymous_id, x.prefix))
    {not_touched_outside}
),
exposure_counts AS (
  -- Stops at the horizon, as rewards do, so that a sealed day never changes.
  SELECT u.anonymous_id,
         {exposure_count} AS exposures,
         bool_or(t.variant <> u.variant) AS crossed
  FROM users AS u
  JOIN touches AS t
    ON t.anonymous_id = u.anonymous_id AND t.at >= u.at AND t.at <= u.ends_at
  GROUP BY u.anonymous_id
),
rewards AS (
  SELECT {metric_columns}
  FROM (
{metric_query}
  ) AS q{since_span_start}
),
counted_rewards AS (
  SELECT u.anonymous_id, r.at, r.at - u.at AS lag, r.value, r.text_value, r.name
  FROM users AS u
  JOIN rewards AS r
    ON r.anonymous_id = u.anonymous_id AND r.at >= u.at AND {within_window}
),
user_rewards AS (
  {user_rewards}
),
user_rows AS (
  SELECT u.regime, u.day, u.policy_version, u.holdout, u.variant_number,
         {group_context} AS context, u.mature, s.exposures, s.crossed, e.outcome,
         e.anonymous_id IS NOT NULL AS converted, COALESCE(e.value, 0) AS value,
         CASE WHEN NOT u.mature THEN date_trunc('hour', u.at, 'UTC') END AS hour,
         {mismatched} AS mismatched,
         CASE WHEN u.mature AND e.lag IS NOT NULL THEN CAST(LEAST(31, div(
           extract(epoch FROM e.lag) * 32, extract(epoch FROM u.horizon)
         )) AS integer) END AS bucket{amount_bucket}
  FROM users AS u
  JOIN exposure_counts AS s ON s.anonymous_id = u.anonymous_id
  LEFT JOIN user_rewards AS e
    ON e.anonymous_id = u.anonymous_id AND e.value IS NOT NULL
),
grouped AS (
  -- Group by the raw context text, so that JSON is parsed per group and not per user.
  SELECT GROUPING(bucket) = 0 AS is_lag, regime, day, policy_version, holdout,
         variant_number, context, outcome, mature, hour, bucket,
         count(*) AS users, sum(exposures) AS exposures,
         count(*) FILTER (WHERE converted) AS converted,
         sum(value) AS value_sum, sum(value * value) AS value_sum_squares,
         count(*) FILTER (WHERE value > 0) AS payers,
         sum(ln(value)) FILTER (WHERE value > 0) AS log_sum,
         sum(ln(value) * ln(value)) FILTER (WHERE value > 0) AS log_sum_squares,
         count(*) FILTER (WHERE value < 0) AS negatives,
         sum(ln(-value)) FILTER (WHERE value < 0) AS negative_log_sum,
         sum(ln(-value) * ln(-value)) FILTER (WHERE value < 0)
           AS negative_log_sum_squares,
         count(*) FILTER (WHERE crossed) AS crossed,
         count(*) FILTER (WHERE mismatched) AS mismatched{grouped_amount}
  FROM user_rows
  GROUP BY GROUPING SETS (
    (regime, day, policy_version, holdout, variant_number, context, outcome, mature,
     hour),
    (day, bucket){amount_group})
),
indexed AS (
  SELECT g.*, c.json, {context_index} AS context_index
  FROM grouped AS g
  CROSS JOIN LATERAL (
    SELECT {context_json} AS json
  ) AS c
)
-- warehouse/sql/cube/statement.py decodes these columns in this order.
SELECT CASE WHEN is_lag THEN 'lag'{amount_kind} ELSE 'cell' END AS kind,
       regime, day, policy_version, holdout, variant_number AS variant,
       CASE WHEN is_lag THEN bucket{amount_context}
         ELSE context_index END AS context,
       outcome, mature,
       hour, CAST(sum(users) AS bigint) AS users,
       CAST(sum(exposures) AS bigint) AS exposures,
       CAST(sum(converted) AS bigint) AS converted, sum(value_sum) AS value_sum,
       sum(value_sum_squares) AS value_sum_squares,
       CAST(sum(payers) AS bigint) AS payers, COALESCE(sum(log_sum), 0) AS log_sum,
       COALESCE(sum(log_sum_squares), 0) AS log_sum_squares,
       CAST(sum(negatives) AS bigint) AS negatives,
       COALESCE(sum(negative_log_sum), 0) AS negative_log_sum,
       COALESCE(sum(negative_log_sum_squares), 0) AS negative_log_sum_squares,
       CAST(sum(crossed) AS bigint) AS crossed,
       CAST(sum(mismatched) AS bigint) AS mismatched
FROM indexed
WHERE (NOT is_lag OR bucket IS NOT NULL){amount_filter}
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
UNION ALL
SELECT 'read', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, count(*),
       NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM touches
UNION ALL
-- Exposures that name nobody, by their day.
SELECT 'blank', NULL, CAST(at AT TIME ZONE 'UTC' AS date), NULL, NULL, NULL, NULL, NULL,
       NULL, NULL, count(*), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
       NULL, NULL
FROM touches
WHERE {is_blank_id} AND CAST(at AT TIME ZONE 'UTC' AS date) = ANY(CAST($14 AS date[]))
GROUP BY 3{notes}{erased_people}
ORDER BY 1, 2, 3, 4 NULLS FIRST, 5, 6, 7, 8 NULLS FIRST, 9, 10 NULLS FIRST
