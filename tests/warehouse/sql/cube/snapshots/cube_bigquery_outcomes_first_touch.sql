-- The observation cube (docs/statistics.md section 1) for Snowflake and BigQuery. Slots in
-- braces are filled by warehouse/sql/cube/cloud.py. On Snowflake the session runs in UTC.
WITH levered_regimes AS (
  SELECT CAST(@p10 AS INT64) AS regime, CAST(@p11 AS TIMESTAMP) AS begins_at, CAST(@p12 AS TIMESTAMP) AS ends_at, CAST(@p13 AS STRING) AS threshold
),
levered_outcomes AS (
  SELECT CAST(@p14 AS STRING) AS outcome, CAST(@p15 AS FLOAT64) AS weight, CAST(@p16 AS BOOLEAN) AS by_name, CAST(@p17 AS STRING) AS as_text, CAST(NULL AS FLOAT64) AS as_number, CAST(@p18 AS INT64) AS rule_rank
),
levered_configured_variants AS (
  SELECT CAST(@p29 AS INT64) AS variant_number, CAST(@p30 AS STRING) AS variant_key
  UNION ALL SELECT CAST(@p31 AS INT64) AS variant_number, CAST(@p32 AS STRING) AS variant_key
),
levered_exposures AS (
  SELECT s.anonymous_id, s.moment, s.variant, s.context, s.policy_version
  FROM (
    SELECT CAST(q.`who` AS STRING) AS anonymous_id,
           CAST(q.`seen_at` AS TIMESTAMP) AS moment,
           LOWER(CAST(q.`optimization` AS STRING)) AS optimization_id,
           COALESCE(CAST(q.`variant` AS STRING), '') AS variant,
           COALESCE(CAST(q.`context` AS STRING), '') AS context,
           SAFE_CAST(CASE WHEN REGEXP_CONTAINS(CAST(q.`version` AS STRING), '^([0-9]{1,9})$') THEN CAST(q.`version` AS STRING) END AS INT64) AS policy_version
    FROM (
SELECT * FROM `app`.`exposures` WHERE `seen_at` >= @p2
    ) AS q
  ) AS s
  WHERE s.optimization_id = CAST(@p3 AS STRING) AND s.anonymous_id IS NOT NULL
    AND s.moment >= CAST(@p4 AS TIMESTAMP) AND s.moment <= CAST(@p6 AS TIMESTAMP)
),
levered_raw_touches AS (
  SELECT * FROM levered_exposures WHERE moment >= CAST(@p5 AS TIMESTAMP)
),
levered_earlier_users AS (
  -- There is no index to look users up in, so this scan reads only their ids.
  SELECT DISTINCT anonymous_id FROM levered_exposures
  WHERE moment < CAST(@p5 AS TIMESTAMP)
),
levered_variant_json AS (
  -- Parse each distinct text once instead of once per touch.
  SELECT d.variant,
         SAFE.PARSE_JSON(
           CASE WHEN STARTS_WITH(LTRIM(d.variant), '{') THEN d.variant END,
           wide_number_mode => 'round') AS json
  FROM (SELECT DISTINCT variant FROM levered_raw_touches) AS d
),
levered_variant_levels AS (
  SELECT j.variant, COALESCE(TO_JSON_STRING(j.json), j.variant) AS normalized_text,
         ARRAY_LENGTH(JSON_KEYS(j.json, 1)) AS factors,
         CASE JSON_TYPE(JSON_QUERY(j.json, '$."headline"'))
           WHEN 'number' THEN
             COALESCE(CAST(SAFE_CAST(JSON_VALUE(j.json, '$."headline"') AS BIGNUMERIC) AS STRING), JSON_VALUE(j.json, '$."headline"'))
           WHEN 'object' THEN TO_JSON_STRING(JSON_QUERY(j.json, '$."headline"'))
           WHEN 'array' THEN TO_JSON_STRING(JSON_QUERY(j.json, '$."headline"'))
           ELSE JSON_VALUE(j.json, '$."headline"') END AS f0
  FROM levered_variant_json AS j
),
levered_numbered AS (
  SELECT v.variant, v.normalized_text,
         CASE WHEN v.f0 = CAST(@p23 AS STRING) AND v.factors = CAST(@p24 AS INT64)
           THEN CAST(@p25 AS INT64)
         WHEN v.f0 = CAST(@p26 AS STRING) AND v.factors = CAST(@p27 AS INT64)
           THEN CAST(@p28 AS INT64)
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
  WHERE NOT TRANSLATE(t.anonymous_id, CAST(@p33 AS STRING), '') = ''
),
levered_first_touches AS (
  -- The earliest touch of each user. Ties go to a configured variant, then to the
  -- smaller texts.
  SELECT *
  FROM levered_touches
  WHERE TRUE
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
         SUBSTR(TO_HEX(MD5(CONCAT(CAST(@p3 AS STRING), ':', t.anonymous_id))), 1, 8) < r.threshold AS holdout,
         TIMESTAMP_ADD(t.moment, INTERVAL CAST(@p8 AS INT64) HOUR) AS ends_at,
         TIMESTAMP_ADD(t.moment, INTERVAL CAST(@p8 AS INT64) HOUR) <= CAST(@p7 AS TIMESTAMP) AS mature,
         CAST(@p8 AS INT64) * 3600000000 AS horizon
  FROM levered_first_touches AS t
  JOIN levered_regimes AS r ON t.moment >= r.begins_at AND t.moment < r.ends_at
  WHERE CAST(t.moment AS DATE) IN (CAST(@p19 AS DATE), CAST(@p20 AS DATE))
    AND t.anonymous_id NOT IN (CAST(@p21 AS STRING))
    AND NOT STARTS_WITH(t.anonymous_id, CAST(@p22 AS STRING))
    AND NOT EXISTS (
      SELECT 1 FROM levered_earlier_users AS o WHERE o.anonymous_id = t.anonymous_id)
),
levered_exposure_counts AS (
  -- Stops at the horizon, as rewards do, so that a sealed day never changes.
  SELECT u.anonymous_id, COUNT(*) AS exposures,
         LOGICAL_OR(t.variant_key <> u.variant_key) AS crossed
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
  SELECT CAST(q.`who` AS STRING) AS anonymous_id,
         CAST(q.`earned_at` AS TIMESTAMP) AS moment,
         SAFE_CAST(CASE WHEN REGEXP_CONTAINS(CAST(q.`amount` AS STRING), '^([-+]?([0-9]{1,40}([.][0-9]{0,40})?|[.][0-9]{1,40})([eE][-+]?[0-9]{1,2})?)$') THEN CAST(q.`amount` AS STRING) END AS FLOAT64) AS amount,
         CAST(q.`amount` AS STRING) AS amount_text, CAST(q.`label` AS STRING) AS label
  FROM (
SELECT * FROM `app`.`rewards` WHERE `earned_at` >= @p1
  ) AS q
),
levered_counted_rewards AS (
  SELECT u.anonymous_id, r.moment,
         TIMESTAMP_DIFF(r.moment, u.moment, MICROSECOND) AS lag_microseconds,
         r.amount, r.amount_text, r.label
  FROM levered_users AS u
  JOIN levered_rewards AS r
    ON r.anonymous_id = u.anonymous_id AND r.moment >= u.moment
      AND r.moment <= u.ends_at AND r.moment <= CAST(@p7 AS TIMESTAMP)
  WHERE r.moment <= TIMESTAMP_ADD(u.moment, INTERVAL CAST(@p9 AS INT64) HOUR)
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
         CASE WHEN NOT u.mature THEN TIMESTAMP_TRUNC(u.moment, HOUR) END AS first_hour,
         u.holdout AND u.variant_number <> 1 AS mismatched,
         CASE WHEN u.mature AND e.lag_microseconds IS NOT NULL
           THEN LEAST(31, DIV(e.lag_microseconds * 32, u.horizon)) END AS bucket
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
         COUNTIF(converted) AS converted, SUM(amount) AS value_sum,
         SUM(amount * amount) AS value_sum_squares, COUNT(log_amount) AS payers,
         SUM(log_amount) AS log_sum, SUM(log_amount * log_amount) AS log_sum_squares,
         COUNT(log_negative) AS negatives, SUM(log_negative) AS negative_log_sum,
         SUM(log_negative * log_negative) AS negative_log_sum_squares,
         COUNTIF(crossed) AS crossed, COUNTIF(mismatched) AS mismatched
  FROM levered_user_rows
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
       first_hour, CAST(SUM(users) AS INT64) AS users,
       CAST(SUM(exposures) AS INT64) AS exposures,
       CAST(SUM(converted) AS INT64) AS converted,
       CAST(SUM(value_sum) AS FLOAT64) AS value_sum,
       CAST(SUM(value_sum_squares) AS FLOAT64) AS value_sum_squares,
       CAST(SUM(payers) AS INT64) AS payers,
       CAST(COALESCE(SUM(log_sum), 0) AS FLOAT64) AS log_sum,
       CAST(COALESCE(SUM(log_sum_squares), 0) AS FLOAT64) AS log_sum_squares,
       CAST(SUM(negatives) AS INT64) AS negatives,
       CAST(COALESCE(SUM(negative_log_sum), 0) AS FLOAT64) AS negative_log_sum,
       CAST(COALESCE(SUM(negative_log_sum_squares), 0) AS FLOAT64)
         AS negative_log_sum_squares,
       CAST(SUM(crossed) AS INT64) AS crossed,
       CAST(SUM(mismatched) AS INT64) AS mismatched
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
WHERE TRANSLATE(t.anonymous_id, CAST(@p33 AS STRING), '') = '' AND CAST(t.moment AS DATE) IN (CAST(@p19 AS DATE), CAST(@p20 AS DATE))
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

-- 1: datetime.datetime(2026, 3, 1, 0, 0, tzinfo=datetime.timezone.utc)
-- 2: datetime.datetime(2025, 3, 1, 0, 0, tzinfo=datetime.timezone.utc)
-- 3: '7c9e6679-7425-40de-944b-e07fc1f90ae7'
-- 4: datetime.datetime(2025, 3, 1, 0, 0, tzinfo=datetime.timezone.utc)
-- 5: datetime.datetime(2026, 3, 1, 0, 0, tzinfo=datetime.timezone.utc)
-- 6: datetime.datetime(2026, 3, 4, 0, 0, tzinfo=datetime.timezone.utc)
-- 7: datetime.datetime(2026, 3, 9, 12, 0, tzinfo=datetime.timezone.utc)
-- 8: 24
-- 9: 24
-- 10: 1
-- 11: datetime.datetime(1900, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
-- 12: datetime.datetime(9999, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
-- 13: '1999999a'
-- 14: 'buy'
-- 15: 3.0
-- 16: True
-- 17: 'purchase'
-- 18: 1
-- 19: '2026-03-01'
-- 20: '2026-03-02'
-- 21: 'tester'
-- 22: 'bot-'
-- 23: 'a'
-- 24: 1
-- 25: 1
-- 26: 'b'
-- 27: 1
-- 28: 2
-- 29: 1
-- 30: '{"headline":"a"}'
-- 31: 2
-- 32: '{"headline":"b"}'
-- 33: ' \t\n\x0c\r'
