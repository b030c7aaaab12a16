-- The observation cube (docs/statistics.md section 1) for Snowflake and BigQuery. Slots in
-- braces are filled by warehouse/sql/cube/cloud.py. On Snowflake the session runs in UTC.
WITH levered_regimes AS (
  SELECT CAST(? AS INTEGER) AS regime, CAST(? AS TIMESTAMP_NTZ) AS begins_at, CAST(? AS TIMESTAMP_NTZ) AS ends_at, CAST(? AS VARCHAR) AS threshold
),
levered_outcomes AS (
  SELECT CAST(? AS VARCHAR) AS outcome, CAST(? AS DOUBLE) AS weight, CAST(? AS BOOLEAN) AS by_name, CAST(? AS VARCHAR) AS as_text, CAST(NULL AS DOUBLE) AS as_number, CAST(? AS INTEGER) AS rule_rank
),
levered_configured_variants AS (
  SELECT CAST(? AS INTEGER) AS variant_number, CAST(? AS VARCHAR) AS variant_key
  UNION ALL SELECT CAST(? AS INTEGER) AS variant_number, CAST(? AS VARCHAR) AS variant_key
),
levered_exposures AS (
  SELECT s.anonymous_id, s.moment, s.variant, s.context, s.policy_version
  FROM (
    SELECT CAST(q."WHO" AS VARCHAR) AS anonymous_id,
           CAST(CONVERT_TIMEZONE('UTC', CAST(q."SEEN_AT" AS TIMESTAMP_TZ)) AS TIMESTAMP_NTZ) AS moment,
           LOWER(CAST(q."OPTIMIZATION" AS VARCHAR)) AS optimization_id,
           COALESCE(CAST(q."VARIANT" AS VARCHAR), '') AS variant,
           COALESCE(CAST(q."CONTEXT" AS VARCHAR), '') AS context,
           TRY_CAST(CASE WHEN REGEXP_LIKE(CAST(q."VERSION" AS VARCHAR), '[0-9]{1,9}') THEN CAST(q."VERSION" AS VARCHAR) END AS INTEGER) AS policy_version
    FROM (
SELECT * FROM "APP"."EXPOSURES" WHERE "SEEN_AT" >= CAST(? AS TIMESTAMPTZ)
    ) AS q
  ) AS s
  WHERE s.optimization_id = CAST(? AS VARCHAR) AND s.anonymous_id IS NOT NULL
    AND s.moment >= CAST(? AS TIMESTAMP_NTZ) AND s.moment <= CAST(? AS TIMESTAMP_NTZ)
),
levered_raw_touches AS (
  SELECT * FROM levered_exposures WHERE moment >= CAST(? AS TIMESTAMP_NTZ)
),
levered_earlier_users AS (
  -- There is no index to look users up in, so this scan reads only their ids.
  SELECT DISTINCT anonymous_id FROM levered_exposures
  WHERE moment < CAST(? AS TIMESTAMP_NTZ)
),
levered_variant_json AS (
  -- Parse each distinct text once instead of once per touch.
  SELECT d.variant,
         TRY_PARSE_JSON(CASE WHEN STARTSWITH(LTRIM(d.variant), '{') THEN d.variant END) AS json
  FROM (SELECT DISTINCT variant FROM levered_raw_touches) AS d
),
levered_variant_levels AS (
  SELECT j.variant, COALESCE(TO_JSON(j.json), j.variant) AS normalized_text,
         ARRAY_SIZE(OBJECT_KEYS(j.json)) AS factors,
         CASE WHEN REGEXP_LIKE(TO_JSON(j.json:"headline"), '-?[0-9].*')
           THEN COALESCE(REGEXP_REPLACE(CAST(TRY_CAST(CAST(j.json:"headline" AS VARCHAR) AS NUMBER(38, 12)) AS VARCHAR), '[.]?0+$', ''), CAST(j.json:"headline" AS VARCHAR))
           ELSE CAST(j.json:"headline" AS VARCHAR) END AS f0
  FROM levered_variant_json AS j
),
levered_numbered AS (
  SELECT v.variant, v.normalized_text,
         CASE WHEN v.f0 = CAST(? AS VARCHAR) AND v.factors = CAST(? AS INTEGER)
           THEN CAST(? AS INTEGER)
         WHEN v.f0 = CAST(? AS VARCHAR) AND v.factors = CAST(? AS INTEGER)
           THEN CAST(? AS INTEGER)
         ELSE 0 END AS variant_number
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
  WHERE NOT TRANSLATE(t.anonymous_id, CAST(? AS VARCHAR), '') = ''
),
levered_first_touches AS (
  -- The earliest touch of each user. Ties go to a configured variant, then to the
  -- smaller texts.
  SELECT *
  FROM levered_touches
  
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
         SUBSTR(MD5(CAST(? AS VARCHAR) || ':' || t.anonymous_id), 1, 8) < r.threshold AS holdout,
         DATEADD('hour', CAST(? AS INTEGER), t.moment) AS ends_at,
         DATEADD('hour', CAST(? AS INTEGER), t.moment) <= CAST(? AS TIMESTAMP_NTZ) AS mature,
         CAST(? AS INTEGER) * 3600000000 AS horizon
  FROM levered_first_touches AS t
  JOIN levered_regimes AS r ON t.moment >= r.begins_at AND t.moment < r.ends_at
  WHERE CAST(t.moment AS DATE) IN (CAST(? AS DATE), CAST(? AS DATE))
    AND t.anonymous_id NOT IN (CAST(? AS VARCHAR))
    AND NOT STARTSWITH(t.anonymous_id, CAST(? AS VARCHAR))
    AND NOT EXISTS (
      SELECT 1 FROM levered_earlier_users AS o WHERE o.anonymous_id = t.anonymous_id)
),
levered_exposure_counts AS (
  -- Stops at the horizon, as rewards do, so that a sealed day never changes.
  SELECT u.anonymous_id, COUNT(*) AS exposures,
         BOOLOR_AGG(t.variant_key <> u.variant_key) AS crossed
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
  SELECT CAST(q."WHO" AS VARCHAR) AS anonymous_id,
         CAST(CONVERT_TIMEZONE('UTC', CAST(q."EARNED_AT" AS TIMESTAMP_TZ)) AS TIMESTAMP_NTZ) AS moment,
         TRY_CAST(CASE WHEN REGEXP_LIKE(CAST(q."AMOUNT" AS VARCHAR), '[-+]?([0-9]{1,40}([.][0-9]{0,40})?|[.][0-9]{1,40})([eE][-+]?[0-9]{1,2})?') THEN CAST(q."AMOUNT" AS VARCHAR) END AS DOUBLE) AS amount,
         CAST(q."AMOUNT" AS VARCHAR) AS amount_text, CAST(q."LABEL" AS VARCHAR) AS label
  FROM (
SELECT * FROM "APP"."REWARDS" WHERE "EARNED_AT" >= CAST(? AS TIMESTAMPTZ)
  ) AS q
),
levered_counted_rewards AS (
  SELECT u.anonymous_id, r.moment,
         DATEDIFF('microsecond', u.moment, r.moment) AS lag_microseconds,
         r.amount, r.amount_text, r.label
  FROM levered_users AS u
  JOIN levered_rewards AS r
    ON r.anonymous_id = u.anonymous_id AND r.moment >= u.moment
      AND r.moment <= u.ends_at AND r.moment <= CAST(? AS TIMESTAMP_NTZ)
  WHERE r.moment <= DATEADD('hour', CAST(? AS INTEGER), u.moment)
),
levered_user_rewards AS (
  SELECT c.anonymous_id, c.lag_microseconds, o.weight AS amount,
         o.outcome
  FROM levered_counted_rewards AS c
  JOIN levered_outcomes AS o
    ON (o.by_name AND c.label = o.as_text)
      OR (NOT o.by_name AND o.as_number IS NULL AND c.amount_text = o.as_text)
      OR (NOT o.by_name AND c.amount = o.as_number)
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY c.anonymous_id ORDER BY c.moment, o.rule_rank) = 1
),
levered_user_rows AS (
  SELECT u.regime, u.day, u.policy_version, u.holdout, u.variant_number, u.context,
         u.mature, s.exposures, s.crossed, e.outcome,
         e.anonymous_id IS NOT NULL AS converted, COALESCE(e.amount, 0) AS amount,
         LN(CASE WHEN e.amount > 0 THEN e.amount END) AS log_amount,
         LN(CASE WHEN e.amount < 0 THEN -e.amount END) AS log_negative,
         CASE WHEN NOT u.mature THEN DATE_TRUNC('hour', u.moment) END AS first_hour,
         u.holdout AND u.variant_number <> 1 AS mismatched,
         CASE WHEN u.mature AND e.lag_microseconds IS NOT NULL
           THEN LEAST(31, CAST(
             (e.lag_microseconds * 32 - MOD(e.lag_microseconds * 32, u.horizon))
               / u.horizon AS INTEGER)) END AS bucket
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
         COUNT_IF(converted) AS converted, SUM(amount) AS value_sum,
         SUM(amount * amount) AS value_sum_squares, COUNT(log_amount) AS payers,
         SUM(log_amount) AS log_sum, SUM(log_amount * log_amount) AS log_sum_squares,
         COUNT(log_negative) AS negatives, SUM(log_negative) AS negative_log_sum,
         SUM(log_negative * log_negative) AS negative_log_sum_squares,
         COUNT_IF(crossed) AS crossed, COUNT_IF(mismatched) AS mismatched
  FROM levered_user_rows
  GROUP BY GROUPING SETS (
    (regime, day, policy_version, holdout, variant_number, context, outcome, mature,
     first_hour),
    (day, bucket))
),
levered_json AS (
  SELECT g.*,
         TRY_PARSE_JSON(CASE WHEN STARTSWITH(LTRIM(g.context), '{') THEN g.context END) AS json
  FROM levered_grouped AS g
),
levered_levels AS (
  SELECT j.*
  FROM levered_json AS j
),
levered_indexed AS (
  SELECT c.*, 0 AS context_index
  FROM levered_levels AS c
)
-- warehouse/sql/cube/statement.py decodes these columns in this order.
SELECT CASE WHEN is_lag THEN 'lag' ELSE 'cell' END AS kind,
       regime, day, policy_version, holdout, variant_number AS variant,
       CASE WHEN is_lag THEN bucket
         ELSE context_index END AS context,
       outcome, mature,
       CAST(first_hour AS TIMESTAMP_TZ) AS first_hour, CAST(SUM(users) AS INTEGER) AS users,
       CAST(SUM(exposures) AS INTEGER) AS exposures,
       CAST(SUM(converted) AS INTEGER) AS converted,
       CAST(SUM(value_sum) AS DOUBLE) AS value_sum,
       CAST(SUM(value_sum_squares) AS DOUBLE) AS value_sum_squares,
       CAST(SUM(payers) AS INTEGER) AS payers,
       CAST(COALESCE(SUM(log_sum), 0) AS DOUBLE) AS log_sum,
       CAST(COALESCE(SUM(log_sum_squares), 0) AS DOUBLE) AS log_sum_squares,
       CAST(SUM(negatives) AS INTEGER) AS negatives,
       CAST(COALESCE(SUM(negative_log_sum), 0) AS DOUBLE) AS negative_log_sum,
       CAST(COALESCE(SUM(negative_log_sum_squares), 0) AS DOUBLE)
         AS negative_log_sum_squares,
       CAST(SUM(crossed) AS INTEGER) AS crossed,
       CAST(SUM(mismatched) AS INTEGER) AS mismatched
FROM levered_indexed
WHERE (NOT is_lag OR bucket IS NOT NULL)
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
WHERE TRANSLATE(t.anonymous_id, CAST(? AS VARCHAR), '') = '' AND CAST(t.moment AS DATE) IN (CAST(? AS DATE), CAST(? AS DATE))
GROUP BY CAST(t.moment AS DATE)
UNION ALL
SELECT 'variant', NULL, day, NULL, NULL, NULL, NULL, value, NULL, NULL, users, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM (
  SELECT day, value, users,
         ROW_NUMBER() OVER (PARTITION BY day ORDER BY users DESC, value) AS place
  FROM (
    SELECT day, SUBSTR(variant_key, 1, 200) AS value,
           COUNT(*) AS users
    FROM levered_users WHERE variant_number = 0
    GROUP BY 1, 2
  ) AS levered_counted
) AS levered_placed
WHERE place <= 5

-- 1: 1
-- 2: '1900-01-01T00:00:00.000000'
-- 3: '9999-01-01T00:00:00.000000'
-- 4: '1999999a'
-- 5: 'buy'
-- 6: 3.0
-- 7: True
-- 8: 'purchase'
-- 9: 1
-- 10: 1
-- 11: '{"headline":"a"}'
-- 12: 2
-- 13: '{"headline":"b"}'
-- 14: '2025-03-01T00:00:00.000000+00:00'
-- 15: '7c9e6679-7425-40de-944b-e07fc1f90ae7'
-- 16: '2025-03-01T00:00:00.000000'
-- 17: '2026-03-04T00:00:00.000000'
-- 18: '2026-03-01T00:00:00.000000'
-- 19: '2026-03-01T00:00:00.000000'
-- 20: 'a'
-- 21: 1
-- 22: 1
-- 23: 'b'
-- 24: 1
-- 25: 2
-- 26: ' \t\n\x0c\r'
-- 27: '7c9e6679-7425-40de-944b-e07fc1f90ae7'
-- 28: 24
-- 29: 24
-- 30: '2026-03-09T12:00:00.000000'
-- 31: 24
-- 32: '2026-03-01'
-- 33: '2026-03-02'
-- 34: 'tester'
-- 35: 'bot-'
-- 36: '2026-03-01T00:00:00.000000+00:00'
-- 37: '2026-03-09T12:00:00.000000'
-- 38: 24
-- 39: ' \t\n\x0c\r'
-- 40: '2026-03-01'
-- 41: '2026-03-02'
