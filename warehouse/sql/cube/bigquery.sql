-- The observation cube of STATISTICS section 1 for BigQuery. Slots in braces are filled
-- by cube_bigquery.py; parameters are named @p1, @p2 and so on.
WITH levered_regimes AS (
  {regimes}
),
levered_outcomes AS (
  {outcomes}
),
levered_configured AS (
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
  SELECT * FROM levered_exposures WHERE moment >= {start}
),
levered_older AS (
  -- Nothing but ids and times is read here; there is no index to ask.
  SELECT DISTINCT anonymous_id FROM levered_exposures WHERE moment < {start}
),
levered_variant_json AS (
  -- Few texts: their keys are read here, not per touch.
  SELECT d.variant,
         SAFE.PARSE_JSON(
           CASE WHEN STARTS_WITH(LTRIM(d.variant), '{') THEN d.variant END,
           wide_number_mode => 'round') AS json
  FROM (SELECT DISTINCT variant FROM levered_raw_touches) AS d
),
levered_variant_levels AS (
  SELECT j.variant, COALESCE(TO_JSON_STRING(j.json), j.variant) AS spelled,
         ARRAY_LENGTH(JSON_KEYS(j.json, 1)) AS factors{variant_levels}
  FROM levered_variant_json AS j
),
levered_numbered AS (
  SELECT v.variant, v.spelled,
         {variant_number} AS variant_number
  FROM levered_variant_levels AS v
),
levered_variants AS (
  SELECT v.variant, v.variant_number, COALESCE(c.shown, v.spelled) AS shown
  FROM levered_numbered AS v
  LEFT JOIN levered_configured AS c ON c.variant_number = v.variant_number
),
levered_touches AS (
  SELECT t.anonymous_id, t.moment, t.context, t.policy_version, v.variant_number,
         v.shown
  FROM levered_raw_touches AS t
  JOIN levered_variants AS v ON v.variant = t.variant
),
levered_first_touches AS (
  -- The earliest; ties by text.
  SELECT *
  FROM levered_touches
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY anonymous_id
    ORDER BY moment, shown, context, policy_version NULLS LAST) = 1
),
levered_users AS (
  -- First touched on the days wanted, with all that the first touch fixes.
  SELECT t.anonymous_id, t.moment, t.shown, t.variant_number, t.context,
         t.policy_version, CAST(t.moment AS DATE) AS day, r.regime,
         SUBSTR(TO_HEX(MD5(CONCAT({optimization_id}, ':', t.anonymous_id))), 1, 8)
           < r.threshold AS holdout,
         TIMESTAMP_ADD(t.moment, INTERVAL {horizon} HOUR) AS ends_at,
         TIMESTAMP_ADD(t.moment, INTERVAL {horizon} HOUR) <= {as_of} AS mature,
         {horizon} * 3600000000 AS horizon
  FROM levered_first_touches AS t
  JOIN levered_regimes AS r ON t.moment >= r.begins_at AND t.moment < r.ends_at
  WHERE CAST(t.moment AS DATE) IN ({days}){included}
    AND NOT EXISTS (
      SELECT 1 FROM levered_older AS o WHERE o.anonymous_id = t.anonymous_id)
),
levered_shown AS (
  -- Closes with the horizon, as rewards do: a sealed day never changes.
  SELECT u.anonymous_id, COUNT(*) AS exposures, LOGICAL_OR(t.shown <> u.shown) AS crossed
  FROM levered_users AS u
  JOIN levered_touches AS t
    ON t.anonymous_id = u.anonymous_id AND t.moment >= u.moment
      AND t.moment <= u.ends_at
  GROUP BY u.anonymous_id
),
levered_visits AS (
  -- Each touch until the next one: a reward's latest touch is the one it falls into.
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
levered_counted AS (
  SELECT u.anonymous_id, r.moment,
         TIMESTAMP_DIFF(r.moment, u.moment, MICROSECOND) AS waited,
         r.amount, r.amount_text, r.label
  FROM levered_users AS u
  JOIN levered_rewards AS r
    ON r.anonymous_id = u.anonymous_id AND r.moment >= u.moment
      AND r.moment <= u.ends_at AND r.moment <= {as_of}
  {within_window}
),
levered_earned AS (
  {earned}
),
levered_people AS (
  SELECT u.regime, u.day, u.policy_version, u.holdout, u.variant_number, u.context,
         u.mature, s.exposures, s.crossed, e.outcome,
         e.anonymous_id IS NOT NULL AS converted, COALESCE(e.amount, 0) AS amount,
         LN(CASE WHEN e.amount > 0 THEN e.amount END) AS logged,
         CASE WHEN NOT u.mature THEN TIMESTAMP_TRUNC(u.moment, HOUR) END AS first_hour,
         u.holdout AND u.variant_number <> 1 AS mismatched,
         CASE WHEN u.mature AND e.waited IS NOT NULL THEN LEAST(
           31, DIV(e.waited * 32, u.horizon)) END AS bucket
  FROM levered_users AS u
  JOIN levered_shown AS s ON s.anonymous_id = u.anonymous_id
  LEFT JOIN levered_earned AS e ON e.anonymous_id = u.anonymous_id
),
levered_grouped AS (
  -- By the raw text of the context: keys are read from the few groups, not per user.
  SELECT GROUPING(bucket) = 0 AS is_lag, regime, day, policy_version, holdout,
         variant_number, context, outcome, mature, first_hour, bucket,
         COUNT(*) AS users, SUM(exposures) AS exposures,
         COUNTIF(converted) AS converted, SUM(amount) AS value_sum,
         SUM(amount * amount) AS value_sum_squares, COUNT(logged) AS payers,
         SUM(logged) AS log_sum, SUM(logged * logged) AS log_sum_squares,
         COUNTIF(crossed) AS crossed, COUNTIF(mismatched) AS mismatched
  FROM levered_people
  GROUP BY GROUPING SETS (
    (regime, day, policy_version, holdout, variant_number, context, outcome, mature,
     first_hour),
    (day, bucket))
),
levered_json AS (
  SELECT g.*,
         SAFE.PARSE_JSON(
           CASE WHEN STARTS_WITH(LTRIM(g.context), '{') THEN g.context END,
           wide_number_mode => 'round') AS json
  FROM levered_grouped AS g
),
levered_levels AS (
  SELECT j.*{context_levels}
  FROM levered_json AS j
),
levered_mapped AS (
  SELECT c.*, {context_index} AS context_index
  FROM levered_levels AS c
)
-- Columns are read back, in this order, by cube.decode.
SELECT CASE WHEN is_lag THEN 'lag' ELSE 'cell' END AS kind, regime, day,
       policy_version, holdout, variant_number AS variant,
       CASE WHEN is_lag THEN bucket ELSE context_index END AS context, outcome, mature,
       first_hour, CAST(SUM(users) AS INT64) AS users,
       CAST(SUM(exposures) AS INT64) AS exposures,
       CAST(SUM(converted) AS INT64) AS converted,
       CAST(SUM(value_sum) AS FLOAT64) AS value_sum,
       CAST(SUM(value_sum_squares) AS FLOAT64) AS value_sum_squares,
       CAST(SUM(payers) AS INT64) AS payers,
       CAST(COALESCE(SUM(log_sum), 0) AS FLOAT64) AS log_sum,
       CAST(COALESCE(SUM(log_sum_squares), 0) AS FLOAT64) AS log_sum_squares,
       CAST(SUM(crossed) AS INT64) AS crossed,
       CAST(SUM(mismatched) AS INT64) AS mismatched
FROM levered_mapped
WHERE NOT is_lag OR bucket IS NOT NULL
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
UNION ALL
SELECT 'read', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, COUNT(*),
       NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM levered_raw_touches
