-- The observation cube (docs/statistics.md section 1) for Snowflake and BigQuery. Slots in
-- braces are filled by warehouse/sql/cube/cloud.py. On Snowflake the session runs in UTC.
WITH levered_regimes AS (
  SELECT CAST(@p10 AS INT64) AS regime, CAST(@p11 AS TIMESTAMP) AS begins_at, CAST(@p12 AS TIMESTAMP) AS ends_at, CAST(@p13 AS STRING) AS threshold
),
levered_outcomes AS (
  SELECT CAST(NULL AS STRING) AS outcome, CAST(NULL AS FLOAT64) AS weight, CAST(NULL AS BOOLEAN) AS by_name, CAST(NULL AS STRING) AS as_text, CAST(NULL AS FLOAT64) AS as_number, CAST(NULL AS INT64) AS rule_rank
),
levered_configured_variants AS (
  SELECT CAST(@p24 AS INT64) AS variant_number, CAST(@p25 AS STRING) AS variant_key
  UNION ALL SELECT CAST(@p26 AS INT64) AS variant_number, CAST(@p27 AS STRING) AS variant_key
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
         CASE WHEN v.f0 = CAST(@p18 AS STRING) AND v.factors = CAST(@p19 AS INT64)
           THEN CAST(@p20 AS INT64)
         WHEN v.f0 = CAST(@p21 AS STRING) AND v.factors = CAST(@p22 AS INT64)
           THEN CAST(@p23 AS INT64)
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
  WHERE NOT TRANSLATE(t.anonymous_id, CAST(@p31 AS STRING), '') = ''
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
  WHERE CAST(t.moment AS DATE) IN (CAST(@p14 AS DATE), CAST(@p15 AS DATE))
    AND t.anonymous_id NOT IN (CAST(@p16 AS STRING))
    AND NOT STARTS_WITH(t.anonymous_id, CAST(@p17 AS STRING))
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
  JOIN levered_touch_spans AS t
    ON t.anonymous_id = u.anonymous_id AND t.moment <= r.moment
      AND (t.next_moment IS NULL OR t.next_moment > r.moment)
  WHERE r.moment <= TIMESTAMP_ADD(t.moment, INTERVAL CAST(@p9 AS INT64) HOUR)
),
levered_user_rewards AS (
  SELECT anonymous_id,
         MIN(CASE WHEN amount IS NOT NULL THEN lag_microseconds END) AS lag_microseconds,
         SUM(amount) AS amount, CAST(NULL AS STRING) AS outcome,
         COUNT(amount_text) - COUNT(amount) AS unread,
         MIN(CASE WHEN amount IS NULL THEN amount_text END) AS unread_example
  FROM levered_counted_rewards
  WHERE amount_text IS NOT NULL
  GROUP BY anonymous_id
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
           THEN LEAST(31, DIV(e.lag_microseconds * 32, u.horizon)) END AS bucket,
         CASE WHEN u.mature AND e.amount <> 0 THEN CASE WHEN e.amount < 0 THEN -1 ELSE 1 END
           * CASE WHEN ABS(e.amount) <= 0.0001 THEN 1 WHEN ABS(e.amount) <= 0.0001778 THEN 2
           WHEN ABS(e.amount) <= 0.0003162 THEN 3 WHEN ABS(e.amount) <= 0.0005623 THEN 4
           WHEN ABS(e.amount) <= 0.001 THEN 5 WHEN ABS(e.amount) <= 0.001778 THEN 6
           WHEN ABS(e.amount) <= 0.003162 THEN 7 WHEN ABS(e.amount) <= 0.005623 THEN 8
           WHEN ABS(e.amount) <= 0.01 THEN 9 WHEN ABS(e.amount) <= 0.01778 THEN 10
           WHEN ABS(e.amount) <= 0.03162 THEN 11 WHEN ABS(e.amount) <= 0.05623 THEN 12
           WHEN ABS(e.amount) <= 0.1 THEN 13 WHEN ABS(e.amount) <= 0.1778 THEN 14
           WHEN ABS(e.amount) <= 0.3162 THEN 15 WHEN ABS(e.amount) <= 0.5623 THEN 16
           WHEN ABS(e.amount) <= 1.0 THEN 17 WHEN ABS(e.amount) <= 1.778 THEN 18
           WHEN ABS(e.amount) <= 3.162 THEN 19 WHEN ABS(e.amount) <= 5.623 THEN 20
           WHEN ABS(e.amount) <= 10.0 THEN 21 WHEN ABS(e.amount) <= 17.78 THEN 22
           WHEN ABS(e.amount) <= 31.62 THEN 23 WHEN ABS(e.amount) <= 56.23 THEN 24
           WHEN ABS(e.amount) <= 100.0 THEN 25 WHEN ABS(e.amount) <= 177.8 THEN 26
           WHEN ABS(e.amount) <= 316.2 THEN 27 WHEN ABS(e.amount) <= 562.3 THEN 28
           WHEN ABS(e.amount) <= 1000.0 THEN 29 WHEN ABS(e.amount) <= 1778.0 THEN 30
           WHEN ABS(e.amount) <= 3162.0 THEN 31 WHEN ABS(e.amount) <= 5623.0 THEN 32
           WHEN ABS(e.amount) <= 10000.0 THEN 33 WHEN ABS(e.amount) <= 17780.0 THEN 34
           WHEN ABS(e.amount) <= 31620.0 THEN 35 WHEN ABS(e.amount) <= 56230.0 THEN 36
           WHEN ABS(e.amount) <= 100000.0 THEN 37 WHEN ABS(e.amount) <= 177800.0 THEN 38
           WHEN ABS(e.amount) <= 316200.0 THEN 39 WHEN ABS(e.amount) <= 562300.0 THEN 40
           WHEN ABS(e.amount) <= 1000000.0 THEN 41 WHEN ABS(e.amount) <= 1778000.0 THEN 42
           WHEN ABS(e.amount) <= 3162000.0 THEN 43 WHEN ABS(e.amount) <= 5623000.0 THEN 44
           WHEN ABS(e.amount) <= 10000000.0 THEN 45 WHEN ABS(e.amount) <= 17780000.0 THEN 46
           WHEN ABS(e.amount) <= 31620000.0 THEN 47 WHEN ABS(e.amount) <= 56230000.0 THEN 48
           WHEN ABS(e.amount) <= 100000000.0 THEN 49 WHEN ABS(e.amount) <= 177800000.0 THEN 50
           WHEN ABS(e.amount) <= 316200000.0 THEN 51 WHEN ABS(e.amount) <= 562300000.0 THEN 52
           WHEN ABS(e.amount) <= 1000000000.0 THEN 53 WHEN ABS(e.amount) <= 1778000000.0 THEN 54
           WHEN ABS(e.amount) <= 3162000000.0 THEN 55 WHEN ABS(e.amount) <= 5623000000.0 THEN 56
           WHEN ABS(e.amount) <= 10000000000.0 THEN 57 WHEN ABS(e.amount) <= 17780000000.0 THEN 58
           WHEN ABS(e.amount) <= 31620000000.0 THEN 59 WHEN ABS(e.amount) <= 56230000000.0 THEN 60
           WHEN ABS(e.amount) <= 100000000000.0 THEN 61 WHEN ABS(e.amount) <= 177800000000.0 THEN 62
           WHEN ABS(e.amount) <= 316200000000.0 THEN 63
           ELSE 64 END END AS amount_bucket
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
         COUNTIF(crossed) AS crossed, COUNTIF(mismatched) AS mismatched,
         GROUPING(amount_bucket) = 0 AS is_amount, amount_bucket
  FROM levered_user_rows
  GROUP BY GROUPING SETS (
    (regime, day, policy_version, holdout, variant_number, context, outcome, mature,
     first_hour),
    (day, bucket),
    (regime, day, holdout, amount_bucket))
),
levered_json AS (
  SELECT g.*,
         SAFE.PARSE_JSON(
           CASE WHEN STARTS_WITH(LTRIM(g.context), '{') THEN g.context END,
           wide_number_mode => 'round') AS json
  FROM levered_grouped AS g
),
levered_levels AS (
  SELECT j.*,
         CASE JSON_TYPE(JSON_QUERY(j.json, '$."device"'))
           WHEN 'number' THEN
             COALESCE(CAST(SAFE_CAST(JSON_VALUE(j.json, '$."device"') AS BIGNUMERIC) AS STRING), JSON_VALUE(j.json, '$."device"'))
           WHEN 'object' THEN TO_JSON_STRING(JSON_QUERY(j.json, '$."device"'))
           WHEN 'array' THEN TO_JSON_STRING(JSON_QUERY(j.json, '$."device"'))
           ELSE JSON_VALUE(j.json, '$."device"') END AS c0,
         CASE JSON_TYPE(JSON_QUERY(j.json, '$."age"'))
           WHEN 'number' THEN
             COALESCE(CAST(SAFE_CAST(JSON_VALUE(j.json, '$."age"') AS BIGNUMERIC) AS STRING), JSON_VALUE(j.json, '$."age"'))
           WHEN 'object' THEN TO_JSON_STRING(JSON_QUERY(j.json, '$."age"'))
           WHEN 'array' THEN TO_JSON_STRING(JSON_QUERY(j.json, '$."age"'))
           ELSE JSON_VALUE(j.json, '$."age"') END AS c1
  FROM levered_json AS j
),
levered_indexed AS (
  SELECT c.*, ((0) * 3 + CASE WHEN c.c0 IS NULL THEN 2 WHEN c.c0 = CAST(@p28 AS STRING) THEN 0 ELSE 1 END) * 4 + CASE WHEN c.c1 IS NULL THEN 3 WHEN c.c1 = CAST(@p29 AS STRING) THEN 0 WHEN c.c1 = CAST(@p30 AS STRING) THEN 1 ELSE 2 END AS context_index
  FROM levered_levels AS c
)
-- warehouse/sql/cube/statement.py decodes these columns in this order.
SELECT CASE WHEN is_lag THEN 'lag' WHEN is_amount THEN 'amount' ELSE 'cell' END AS kind,
       regime, day, policy_version, holdout, variant_number AS variant,
       CASE WHEN is_lag THEN bucket WHEN is_amount THEN amount_bucket
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
WHERE (NOT is_lag OR bucket IS NOT NULL) AND (NOT is_amount OR amount_bucket IS NOT NULL)
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
WHERE TRANSLATE(t.anonymous_id, CAST(@p31 AS STRING), '') = '' AND CAST(t.moment AS DATE) IN (CAST(@p14 AS DATE), CAST(@p15 AS DATE))
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
UNION ALL
SELECT 'context', NULL, day, NULL, NULL, NULL, 0, value, NULL, NULL, users, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM (
  SELECT day, value, users,
         ROW_NUMBER() OVER (PARTITION BY day ORDER BY users DESC, value) AS place
  FROM (
    SELECT day, SUBSTR(c0, 1, 100) AS value,
           CAST(SUM(users) AS INT64) AS users
    FROM levered_indexed
    WHERE NOT is_lag AND c0 IS NOT NULL AND c0 NOT IN (CAST(@p32 AS STRING))
    GROUP BY 1, 2
  ) AS levered_counted
) AS levered_placed
WHERE place <= 5
UNION ALL
SELECT 'context', NULL, day, NULL, NULL, NULL, 1, value, NULL, NULL, users, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM (
  SELECT day, value, users,
         ROW_NUMBER() OVER (PARTITION BY day ORDER BY users DESC, value) AS place
  FROM (
    SELECT day, SUBSTR(c1, 1, 100) AS value,
           CAST(SUM(users) AS INT64) AS users
    FROM levered_indexed
    WHERE NOT is_lag AND c1 IS NOT NULL AND c1 NOT IN (CAST(@p33 AS STRING), CAST(@p34 AS STRING))
    GROUP BY 1, 2
  ) AS levered_counted
) AS levered_placed
WHERE place <= 5
UNION ALL
SELECT 'keys', NULL, day, NULL, NULL, NULL, NULL, value, NULL, NULL, users, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM (
  SELECT day, value, users,
         ROW_NUMBER() OVER (PARTITION BY day ORDER BY users DESC, value) AS place
  FROM (
    SELECT day, SUBSTR(context, 1, 300) AS value,
           CAST(SUM(users) AS INT64) AS users
    FROM levered_indexed
    WHERE NOT is_lag AND context IS NOT NULL AND (c0 IS NULL OR c1 IS NULL)
    GROUP BY 1, 2
  ) AS levered_counted
) AS levered_placed
WHERE place <= 5
UNION ALL
SELECT 'unread_amounts', NULL, day, NULL, NULL, NULL, NULL, value, NULL, NULL, amounts, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM (
  SELECT day, CASE WHEN place <= 5 THEN value ELSE '(others)' END AS value,
         CAST(SUM(amounts) AS INT64) AS amounts
  FROM (
    SELECT day, value, amounts,
           ROW_NUMBER() OVER (PARTITION BY day ORDER BY amounts DESC, value) AS place
    FROM (
      SELECT u.day, SUBSTR(e.unread_example, 1, 40) AS value,
             SUM(e.unread) AS amounts
      FROM levered_user_rewards AS e
      JOIN levered_users AS u ON u.anonymous_id = e.anonymous_id
      WHERE e.unread > 0
      GROUP BY 1, 2
    ) AS levered_counted
  ) AS levered_placed
  GROUP BY 1, 2
) AS levered_unread

-- 1: datetime.datetime(2026, 3, 1, 0, 0, tzinfo=datetime.timezone.utc)
-- 2: datetime.datetime(2025, 3, 1, 0, 0, tzinfo=datetime.timezone.utc)
-- 3: '7c9e6679-7425-40de-944b-e07fc1f90ae7'
-- 4: datetime.datetime(2025, 3, 1, 0, 0, tzinfo=datetime.timezone.utc)
-- 5: datetime.datetime(2026, 3, 1, 0, 0, tzinfo=datetime.timezone.utc)
-- 6: datetime.datetime(2026, 3, 9, 12, 0, tzinfo=datetime.timezone.utc)
-- 7: datetime.datetime(2026, 3, 9, 12, 0, tzinfo=datetime.timezone.utc)
-- 8: 168
-- 9: 24
-- 10: 1
-- 11: datetime.datetime(1900, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
-- 12: datetime.datetime(9999, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
-- 13: '1999999a'
-- 14: '2026-03-01'
-- 15: '2026-03-02'
-- 16: 'tester'
-- 17: 'bot-'
-- 18: 'a'
-- 19: 1
-- 20: 1
-- 21: 'b'
-- 22: 1
-- 23: 2
-- 24: 1
-- 25: '{"headline":"a"}'
-- 26: 2
-- 27: '{"headline":"b"}'
-- 28: 'mobile'
-- 29: '1'
-- 30: '2'
-- 31: ' \t\n\x0c\r'
-- 32: 'mobile'
-- 33: '1'
-- 34: '2'
