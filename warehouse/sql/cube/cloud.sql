-- The observation cube (docs/statistics.md section 1) for Snowflake and BigQuery. Slots in
-- braces are filled by warehouse/sql/cube/cloud.py. On Snowflake the session runs in UTC.
WITH levered_regimes AS (
  {regimes}
),
levered_outcomes AS (
  {outcomes}
),
levered_configured_variants AS (
  {variants}
),
levered_exposures AS (
  SELECT s.anonymous_id, s.moment, s.variant, s.context, s.policy_version
  FROM (
    SELECT {source_columns}
    FROM (
{source_query}
    ) AS q
  ) AS s
  WHERE s.optimization_id = {optimization_id} AND s.anonymous_id IS NOT NULL
    AND s.moment >= {history} AND s.moment <= {until}
),
levered_raw_touches AS (
  SELECT * FROM levered_exposures WHERE moment >= {start}{outside_gaps}
),
levered_earlier_users AS (
  -- There is no index to look users up in, so this scan reads only their ids.
  SELECT DISTINCT anonymous_id FROM levered_exposures
  WHERE moment < {start}{outside_gaps}
),
levered_variant_json AS (
  -- Parse each distinct text once instead of once per touch.
  SELECT d.variant,
         {variant_json} AS json
  FROM (SELECT DISTINCT variant FROM levered_raw_touches) AS d
),
levered_variant_levels AS (
  SELECT j.variant, COALESCE({to_json_text}(j.json), j.variant) AS normalized_text,
         {factor_count} AS factors{variant_levels}
  FROM levered_variant_json AS j
),
levered_numbered AS (
  SELECT v.variant, v.normalized_text,
         {variant_number} AS variant_number
  FROM levered_variant_levels AS v
),
levered_variants AS (
  SELECT v.variant, v.variant_number,
         COALESCE(c.variant_key, v.normalized_text) AS variant_key
  FROM levered_numbered AS v
  LEFT JOIN levered_configured_variants AS c ON c.variant_number = v.variant_number
),
levered_touches AS (
  SELECT t.anonymous_id, t.moment, t.context, t.policy_version, v.variant_number,
         v.variant_key
  FROM levered_raw_touches AS t
  JOIN levered_variants AS v ON v.variant = t.variant
  WHERE NOT {is_blank_id}
),
levered_first_touches AS (
  -- The earliest touch of each user. Ties go to a configured variant, then to the
  -- smaller texts.
  SELECT *
  FROM levered_touches
  {before_qualify}
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY anonymous_id
    ORDER BY moment, CASE WHEN variant_number = 0 THEN 1 ELSE 0 END,
      CASE WHEN variant_number <> 0 THEN variant_key END, context,
      policy_version NULLS LAST) = 1
),
levered_users AS (
  -- Users first touched on the requested days, with everything their first touch fixes.
  SELECT t.anonymous_id, t.moment, t.variant_key, t.variant_number, t.context,
         t.policy_version, CAST(t.moment AS DATE) AS day, r.regime,
         SUBSTR({user_hash}, 1, 8) < r.threshold AS holdout,
         {ends_at} AS ends_at,
         {ends_at} <= {as_of} AS mature,
         {horizon} * 3600000000 AS horizon
  FROM levered_first_touches AS t
  JOIN levered_regimes AS r ON t.moment >= r.begins_at AND t.moment < r.ends_at
  WHERE CAST(t.moment AS DATE) IN ({days}){not_excluded}
    AND NOT EXISTS (
      SELECT 1 FROM levered_earlier_users AS o WHERE o.anonymous_id = t.anonymous_id)
),
levered_exposure_counts AS (
  -- Stops at the horizon, as rewards do, so that a sealed day never changes.
  SELECT u.anonymous_id, COUNT(*) AS exposures,
         {logical_or}(t.variant_key <> u.variant_key) AS crossed
  FROM levered_users AS u
  JOIN levered_touches AS t
    ON t.anonymous_id = u.anonymous_id AND t.moment >= u.moment
      AND t.moment <= u.ends_at
  GROUP BY u.anonymous_id
),
levered_touch_spans AS (
  -- Each touch lasts until the next one; a reward falls into the span of its latest touch.
  SELECT anonymous_id, moment,
         LEAD(moment) OVER (PARTITION BY anonymous_id ORDER BY moment) AS next_moment
  FROM levered_touches
),
levered_rewards AS (
  SELECT {metric_columns}
  FROM (
{metric_query}
  ) AS q
),
levered_counted_rewards AS (
  SELECT u.anonymous_id, r.moment,
         {lag_microseconds} AS lag_microseconds,
         r.amount, r.amount_text, r.label
  FROM levered_users AS u
  JOIN levered_rewards AS r
    ON r.anonymous_id = u.anonymous_id AND r.moment >= u.moment
      AND r.moment <= u.ends_at AND r.moment <= {as_of}
  {within_window}
),
levered_user_rewards AS (
  {user_rewards}
),
levered_user_rows AS (
  SELECT u.regime, u.day, u.policy_version, u.holdout, u.variant_number, u.context,
         u.mature, s.exposures, s.crossed, e.outcome,
         e.anonymous_id IS NOT NULL AS converted, COALESCE(e.amount, 0) AS amount,
         LN(CASE WHEN e.amount > 0 THEN e.amount END) AS log_amount,
         LN(CASE WHEN e.amount < 0 THEN -e.amount END) AS log_negative,
         CASE WHEN NOT u.mature THEN {hour_of_first_touch} END AS first_hour,
         u.holdout AND u.variant_number <> 1 AS mismatched,
         CASE WHEN u.mature AND e.lag_microseconds IS NOT NULL
           THEN LEAST(31, {lag_bucket}) END AS bucket{amount_bucket}
  FROM levered_users AS u
  JOIN levered_exposure_counts AS s ON s.anonymous_id = u.anonymous_id
  LEFT JOIN levered_user_rewards AS e
    ON e.anonymous_id = u.anonymous_id AND e.amount IS NOT NULL
),
levered_grouped AS (
  -- Group by the raw context text, so that JSON is parsed per group and not per user.
  SELECT GROUPING(bucket) = 0 AS is_lag, regime, day, policy_version, holdout,
         variant_number, context, outcome, mature, first_hour, bucket,
         COUNT(*) AS users, SUM(exposures) AS exposures,
         {count_if}(converted) AS converted, SUM(amount) AS value_sum,
         SUM(amount * amount) AS value_sum_squares, COUNT(log_amount) AS payers,
         SUM(log_amount) AS log_sum, SUM(log_amount * log_amount) AS log_sum_squares,
         COUNT(log_negative) AS negatives, SUM(log_negative) AS negative_log_sum,
         SUM(log_negative * log_negative) AS negative_log_sum_squares,
         {count_if}(crossed) AS crossed, {count_if}(mismatched) AS mismatched{grouped_amount}
  FROM levered_user_rows
  GROUP BY GROUPING SETS (
    (regime, day, policy_version, holdout, variant_number, context, outcome, mature,
     first_hour),
    (day, bucket){amount_group})
),
levered_json AS (
  SELECT g.*,
         {context_json} AS json
  FROM levered_grouped AS g
),
levered_levels AS (
  SELECT j.*{context_levels}
  FROM levered_json AS j
),
levered_indexed AS (
  SELECT c.*, {context_index} AS context_index
  FROM levered_levels AS c
)
-- warehouse/sql/cube/statement.py decodes these columns in this order.
SELECT CASE WHEN is_lag THEN 'lag'{amount_kind} ELSE 'cell' END AS kind,
       regime, day, policy_version, holdout, variant_number AS variant,
       CASE WHEN is_lag THEN bucket{amount_context}
         ELSE context_index END AS context,
       outcome, mature,
       {result_hour}, CAST(SUM(users) AS {integer}) AS users,
       CAST(SUM(exposures) AS {integer}) AS exposures,
       CAST(SUM(converted) AS {integer}) AS converted,
       CAST(SUM(value_sum) AS {double}) AS value_sum,
       CAST(SUM(value_sum_squares) AS {double}) AS value_sum_squares,
       CAST(SUM(payers) AS {integer}) AS payers,
       CAST(COALESCE(SUM(log_sum), 0) AS {double}) AS log_sum,
       CAST(COALESCE(SUM(log_sum_squares), 0) AS {double}) AS log_sum_squares,
       CAST(SUM(negatives) AS {integer}) AS negatives,
       CAST(COALESCE(SUM(negative_log_sum), 0) AS {double}) AS negative_log_sum,
       CAST(COALESCE(SUM(negative_log_sum_squares), 0) AS {double})
         AS negative_log_sum_squares,
       CAST(SUM(crossed) AS {integer}) AS crossed,
       CAST(SUM(mismatched) AS {integer}) AS mismatched
FROM levered_indexed
WHERE (NOT is_lag OR bucket IS NOT NULL){amount_filter}
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
UNION ALL
SELECT 'read', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, COUNT(*),
       NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM levered_raw_touches
UNION ALL
-- Exposures that name nobody, by their day.
SELECT 'blank', NULL, CAST(t.moment AS DATE), NULL, NULL, NULL, NULL, NULL, NULL, NULL,
       COUNT(*), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM levered_raw_touches AS t
WHERE {is_blank_id} AND CAST(t.moment AS DATE) IN ({days})
GROUP BY CAST(t.moment AS DATE){notes}
