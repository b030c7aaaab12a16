-- The observation cube (docs/statistics.md section 1) for Postgres: the managed store and
-- connected servers. Slots in braces are filled by warehouse/sql/cube/postgres.py.
WITH bound AS (
  -- Fixes the types of the parameters, even of those that the rest does not use.
  SELECT CAST($1 AS text) AS organization_id, CAST($2 AS timestamptz) AS start_date,
         CAST($22 AS timestamptz) AS span_start,
         CAST($3 AS uuid) AS optimization_id, CAST($4 AS timestamptz) AS as_of,
         CAST($6 AS integer) * interval '1 hour' AS horizon,
         CAST($7 AS integer) * interval '1 hour' AS conversion_window
),
variants AS (
  SELECT number, key
  FROM unnest(CAST($8 AS integer[]), CAST($9 AS text[])) AS v (number, key)
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
touches AS (
  SELECT e.anonymous_id, e.timestamp_utc AS at, e.source = 'serve' AS served, e.variant,
         v.number, e.context, e.policy_version, e.in_holdout
  FROM managed_dw.exposures AS e
  LEFT JOIN variants AS v ON v.key = e.variant
  WHERE e.organization_id = $1 AND e.optimization_id = $3
    AND e.timestamp_utc >= CAST($22 AS timestamptz)
    AND e.timestamp_utc <= CAST($5 AS timestamptz)
),
first_touches AS (
  -- The serve record if there is one, else the earliest touch. Ties go to a configured
  -- variant, then to the smaller texts.
  SELECT DISTINCT ON (anonymous_id) *
  FROM touches
  WHERE NOT TRANSLATE(anonymous_id, E' \t\n\f\r', '') = ''
  ORDER BY anonymous_id, served DESC, at, number IS NULL,
           CASE WHEN number IS NOT NULL THEN variant END COLLATE "C",
           context COLLATE "C", policy_version NULLS LAST, in_holdout NULLS LAST
),
users AS (
  -- Users first touched on the requested days, with everything their first touch fixes.
  SELECT t.anonymous_id, t.at, t.variant, t.context, t.policy_version,
         CAST(t.at AT TIME ZONE 'UTC' AS date) AS day, r.number AS regime,
         COALESCE(t.number, 0) AS variant_number, t.in_holdout AS logged_holdout,
         substr(md5(CAST($3 AS text) || ':' || t.anonymous_id), 1, 8)
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
    
    AND NOT EXISTS (
      SELECT FROM managed_dw.exposures AS p
      WHERE p.organization_id = $1 AND p.optimization_id = $3
        AND p.anonymous_id = t.anonymous_id
        AND p.timestamp_utc < CAST($22 AS timestamptz)
        AND p.timestamp_utc >= CAST($27 AS timestamptz)
        AND (p.source = 'serve' OR NOT t.served))
    AND NOT EXISTS (
      SELECT FROM managed_dw.exposures AS p
      WHERE p.organization_id = $1 AND p.optimization_id = $3
        AND p.anonymous_id = t.anonymous_id AND p.source = 'serve' AND NOT t.served
        AND p.timestamp_utc > CAST($5 AS timestamptz)
        AND p.timestamp_utc <= CAST($4 AS timestamptz)
        AND p.timestamp_utc >= CAST($27 AS timestamptz))
),
exposure_counts AS (
  -- Stops at the horizon, as rewards do, so that a sealed day never changes.
  SELECT u.anonymous_id,
         GREATEST(1, count(*) FILTER (WHERE NOT t.served)) AS exposures,
         bool_or(t.variant <> u.variant) AS crossed
  FROM users AS u
  JOIN touches AS t
    ON t.anonymous_id = u.anonymous_id AND t.at >= u.at AND t.at <= u.ends_at
  GROUP BY u.anonymous_id
),
rewards AS (
  SELECT CAST(q."anonymous_id" AS text) AS anonymous_id,
         CAST(q."timestamp" AS timestamptz) AS at,
         CAST(CASE WHEN CAST(q."value" AS text) ~ '^[-+]?([0-9]{1,40}(\.[0-9]{0,40})?|\.[0-9]{1,40})([eE][-+]?[0-9]{1,2})?$' THEN CAST(q."value" AS text) END AS double precision) AS value,
         CAST(CAST(q."value" AS text) AS text) AS text_value, CAST(q."name" AS text) AS name
  FROM (
SELECT "anonymous_id", "timestamp_utc" AS "timestamp", "value", "name" FROM (SELECT "anonymous_id", "name", "value", "timestamp_utc", "organization_id", "optimization_id", "properties", "created_at" FROM "managed_dw"."rewards" WHERE "organization_id" = $1 AND "timestamp_utc" <= CAST($4 AS TIMESTAMPTZ) AND (CAST($3 AS UUID) IS NULL OR "optimization_id" IS NULL OR "optimization_id" = CAST($3 AS UUID))) AS "rewards" WHERE "timestamp_utc" >= CAST($2 AS TIMESTAMPTZ)
  ) AS q
  WHERE q."timestamp" >= CAST($22 AS timestamptz)
),
counted_rewards AS (
  SELECT u.anonymous_id, r.at, r.at - u.at AS lag, r.value, r.text_value, r.name
  FROM users AS u
  JOIN rewards AS r
    ON r.anonymous_id = u.anonymous_id AND r.at >= u.at AND r.at <= LEAST(u.ends_at, u.as_of)
  WHERE EXISTS (
    SELECT FROM touches AS t
    WHERE t.anonymous_id = r.anonymous_id AND t.at <= r.at
      AND t.at >= GREATEST(u.at, r.at - u.conversion_window))
),
user_rewards AS (
  SELECT anonymous_id, min(lag) FILTER (WHERE value IS NOT NULL) AS lag,
         sum(value) AS value, CAST(NULL AS text) AS outcome,
         count(text_value) - count(value) AS unread,
         min(text_value COLLATE "C") FILTER (WHERE value IS NULL) AS unread_example
  FROM counted_rewards
  WHERE text_value IS NOT NULL
  GROUP BY anonymous_id
),
user_rows AS (
  SELECT u.regime, u.day, u.policy_version, u.holdout, u.variant_number,
         u.context AS context, u.mature, s.exposures, s.crossed, e.outcome,
         e.anonymous_id IS NOT NULL AS converted, COALESCE(e.value, 0) AS value,
         CASE WHEN NOT u.mature THEN date_trunc('hour', u.at, 'UTC') END AS hour,
         (u.logged_holdout IS NOT NULL AND u.logged_holdout <> u.holdout)
           OR (u.holdout AND u.variant_number <> 1) AS mismatched,
         CASE WHEN u.mature AND e.lag IS NOT NULL THEN CAST(LEAST(31, div(
           extract(epoch FROM e.lag) * 32, extract(epoch FROM u.horizon)
         )) AS integer) END AS bucket,
         CASE WHEN u.mature AND e.value <> 0 THEN CASE WHEN e.value < 0 THEN -1 ELSE 1 END
           * CASE WHEN ABS(e.value) <= 0.0001 THEN 1 WHEN ABS(e.value) <= 0.0001778 THEN 2
           WHEN ABS(e.value) <= 0.0003162 THEN 3 WHEN ABS(e.value) <= 0.0005623 THEN 4
           WHEN ABS(e.value) <= 0.001 THEN 5 WHEN ABS(e.value) <= 0.001778 THEN 6
           WHEN ABS(e.value) <= 0.003162 THEN 7 WHEN ABS(e.value) <= 0.005623 THEN 8
           WHEN ABS(e.value) <= 0.01 THEN 9 WHEN ABS(e.value) <= 0.01778 THEN 10
           WHEN ABS(e.value) <= 0.03162 THEN 11 WHEN ABS(e.value) <= 0.05623 THEN 12
           WHEN ABS(e.value) <= 0.1 THEN 13 WHEN ABS(e.value) <= 0.1778 THEN 14
           WHEN ABS(e.value) <= 0.3162 THEN 15 WHEN ABS(e.value) <= 0.5623 THEN 16
           WHEN ABS(e.value) <= 1.0 THEN 17 WHEN ABS(e.value) <= 1.778 THEN 18
           WHEN ABS(e.value) <= 3.162 THEN 19 WHEN ABS(e.value) <= 5.623 THEN 20
           WHEN ABS(e.value) <= 10.0 THEN 21 WHEN ABS(e.value) <= 17.78 THEN 22
           WHEN ABS(e.value) <= 31.62 THEN 23 WHEN ABS(e.value) <= 56.23 THEN 24
           WHEN ABS(e.value) <= 100.0 THEN 25 WHEN ABS(e.value) <= 177.8 THEN 26
           WHEN ABS(e.value) <= 316.2 THEN 27 WHEN ABS(e.value) <= 562.3 THEN 28
           WHEN ABS(e.value) <= 1000.0 THEN 29 WHEN ABS(e.value) <= 1778.0 THEN 30
           WHEN ABS(e.value) <= 3162.0 THEN 31 WHEN ABS(e.value) <= 5623.0 THEN 32
           WHEN ABS(e.value) <= 10000.0 THEN 33 WHEN ABS(e.value) <= 17780.0 THEN 34
           WHEN ABS(e.value) <= 31620.0 THEN 35 WHEN ABS(e.value) <= 56230.0 THEN 36
           WHEN ABS(e.value) <= 100000.0 THEN 37 WHEN ABS(e.value) <= 177800.0 THEN 38
           WHEN ABS(e.value) <= 316200.0 THEN 39 WHEN ABS(e.value) <= 562300.0 THEN 40
           WHEN ABS(e.value) <= 1000000.0 THEN 41 WHEN ABS(e.value) <= 1778000.0 THEN 42
           WHEN ABS(e.value) <= 3162000.0 THEN 43 WHEN ABS(e.value) <= 5623000.0 THEN 44
           WHEN ABS(e.value) <= 10000000.0 THEN 45 WHEN ABS(e.value) <= 17780000.0 THEN 46
           WHEN ABS(e.value) <= 31620000.0 THEN 47 WHEN ABS(e.value) <= 56230000.0 THEN 48
           WHEN ABS(e.value) <= 100000000.0 THEN 49 WHEN ABS(e.value) <= 177800000.0 THEN 50
           WHEN ABS(e.value) <= 316200000.0 THEN 51 WHEN ABS(e.value) <= 562300000.0 THEN 52
           WHEN ABS(e.value) <= 1000000000.0 THEN 53 WHEN ABS(e.value) <= 1778000000.0 THEN 54
           WHEN ABS(e.value) <= 3162000000.0 THEN 55 WHEN ABS(e.value) <= 5623000000.0 THEN 56
           WHEN ABS(e.value) <= 10000000000.0 THEN 57 WHEN ABS(e.value) <= 17780000000.0 THEN 58
           WHEN ABS(e.value) <= 31620000000.0 THEN 59 WHEN ABS(e.value) <= 56230000000.0 THEN 60
           WHEN ABS(e.value) <= 100000000000.0 THEN 61 WHEN ABS(e.value) <= 177800000000.0 THEN 62
           WHEN ABS(e.value) <= 316200000000.0 THEN 63
           ELSE 64 END END AS amount_bucket
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
         count(*) FILTER (WHERE mismatched) AS mismatched,
         GROUPING(amount_bucket) = 0 AS is_amount, amount_bucket
  FROM user_rows
  GROUP BY GROUPING SETS (
    (regime, day, policy_version, holdout, variant_number, context, outcome, mature,
     hour),
    (day, bucket),
    (regime, day, holdout, amount_bucket))
),
indexed AS (
  SELECT g.*, c.json, ((0) * 3 + COALESCE(
           array_position(CAST($24 AS text[]), CASE jsonb_typeof(c.json -> CAST($23 AS text))
             WHEN 'number' THEN
               CAST(trim_scale(CAST(c.json ->> CAST($23 AS text) AS numeric)) AS text)
             ELSE c.json ->> CAST($23 AS text) END) - 1,
           CASE WHEN c.json ->> CAST($23 AS text) IS NULL THEN 2 ELSE 1 END)) * 4 + COALESCE(
           array_position(CAST($26 AS text[]), CASE jsonb_typeof(c.json -> CAST($25 AS text))
             WHEN 'number' THEN
               CAST(trim_scale(CAST(c.json ->> CAST($25 AS text) AS numeric)) AS text)
             ELSE c.json ->> CAST($25 AS text) END) - 1,
           CASE WHEN c.json ->> CAST($25 AS text) IS NULL THEN 3 ELSE 2 END) AS context_index
  FROM grouped AS g
  CROSS JOIN LATERAL (
    SELECT CAST(NULLIF(g.context, '') AS jsonb) AS json
  ) AS c
)
-- warehouse/sql/cube/statement.py decodes these columns in this order.
SELECT CASE WHEN is_lag THEN 'lag' WHEN is_amount THEN 'amount' ELSE 'cell' END AS kind,
       regime, day, policy_version, holdout, variant_number AS variant,
       CASE WHEN is_lag THEN bucket WHEN is_amount THEN amount_bucket
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
WHERE (NOT is_lag OR bucket IS NOT NULL) AND (NOT is_amount OR amount_bucket IS NOT NULL)
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
WHERE TRANSLATE(anonymous_id, E' \t\n\f\r', '') = '' AND CAST(at AT TIME ZONE 'UTC' AS date) = ANY(CAST($14 AS date[]))
GROUP BY 3
UNION ALL
SELECT 'variant', NULL, day, NULL, NULL, NULL, NULL, value, NULL, NULL, users, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM (
  SELECT day, value, users,
         ROW_NUMBER() OVER (PARTITION BY day ORDER BY users DESC, value COLLATE "C") AS place
  FROM (
    SELECT day, SUBSTR(variant, 1, 200) AS value,
           COUNT(*) AS users
    FROM users WHERE variant_number = 0
    GROUP BY 1, 2
  ) AS levered_counted
) AS levered_placed
WHERE place <= 5
UNION ALL
SELECT 'context', NULL, day, NULL, NULL, NULL, 0, value, NULL, NULL, users, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM (
  SELECT day, value, users,
         ROW_NUMBER() OVER (PARTITION BY day ORDER BY users DESC, value COLLATE "C") AS place
  FROM (
    SELECT day, substr(CASE jsonb_typeof(json -> CAST($23 AS text))
             WHEN 'number' THEN
               CAST(trim_scale(CAST(json ->> CAST($23 AS text) AS numeric)) AS text)
             ELSE json ->> CAST($23 AS text) END, 1, 100) AS value,
           CAST(sum(users) AS bigint) AS users
    FROM indexed
    WHERE NOT is_lag AND (context_index / 4) % 3 = 1
    GROUP BY 1, 2
  ) AS levered_counted
) AS levered_placed
WHERE place <= 5
UNION ALL
SELECT 'context', NULL, day, NULL, NULL, NULL, 1, value, NULL, NULL, users, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM (
  SELECT day, value, users,
         ROW_NUMBER() OVER (PARTITION BY day ORDER BY users DESC, value COLLATE "C") AS place
  FROM (
    SELECT day, substr(CASE jsonb_typeof(json -> CAST($25 AS text))
             WHEN 'number' THEN
               CAST(trim_scale(CAST(json ->> CAST($25 AS text) AS numeric)) AS text)
             ELSE json ->> CAST($25 AS text) END, 1, 100) AS value,
           CAST(sum(users) AS bigint) AS users
    FROM indexed
    WHERE NOT is_lag AND (context_index / 1) % 4 = 2
    GROUP BY 1, 2
  ) AS levered_counted
) AS levered_placed
WHERE place <= 5
UNION ALL
SELECT 'keys', NULL, day, NULL, NULL, NULL, NULL, value, NULL, NULL, users, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM (
  SELECT day, value, users,
         ROW_NUMBER() OVER (PARTITION BY day ORDER BY users DESC, value COLLATE "C") AS place
  FROM (
    SELECT day, SUBSTR(context, 1, 300) AS value,
           CAST(SUM(users) AS bigint) AS users
    FROM indexed
    WHERE NOT is_lag AND context IS NOT NULL AND ((context_index / 4) % 3 = 2 OR (context_index / 1) % 4 = 3)
    GROUP BY 1, 2
  ) AS levered_counted
) AS levered_placed
WHERE place <= 5
UNION ALL
SELECT 'unread_amounts', NULL, day, NULL, NULL, NULL, NULL, value, NULL, NULL, amounts, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM (
  SELECT day, CASE WHEN place <= 5 THEN value ELSE '(others)' END AS value,
         CAST(SUM(amounts) AS bigint) AS amounts
  FROM (
    SELECT day, value, amounts,
           ROW_NUMBER() OVER (PARTITION BY day ORDER BY amounts DESC, value COLLATE "C") AS place
    FROM (
      SELECT u.day, SUBSTR(e.unread_example, 1, 40) AS value,
             SUM(e.unread) AS amounts
      FROM user_rewards AS e
      JOIN users AS u ON u.anonymous_id = e.anonymous_id
      WHERE e.unread > 0
      GROUP BY 1, 2
    ) AS levered_counted
  ) AS levered_placed
  GROUP BY 1, 2
) AS levered_unread
ORDER BY 1, 2, 3, 4 NULLS FIRST, 5, 6, 7, 8 NULLS FIRST, 9, 10 NULLS FIRST

-- $1: 'org_a'
-- $2: datetime.datetime(2026, 3, 1, 0, 0, tzinfo=datetime.timezone.utc)
-- $3: UUID('7c9e6679-7425-40de-944b-e07fc1f90ae7')
-- $4: datetime.datetime(2026, 3, 9, 12, 0, tzinfo=datetime.timezone.utc)
-- $5: datetime.datetime(2026, 3, 9, 12, 0, tzinfo=datetime.timezone.utc)
-- $6: 168
-- $7: 24
-- $8: [1, 2]
-- $9: ['{"headline":"a"}', '{"headline":"b"}']
-- $10: [1]
-- $11: [None]
-- $12: [None]
-- $13: ['1999999a']
-- $14: [datetime.date(2026, 3, 1), datetime.date(2026, 3, 2)]
-- $15: ['tester']
-- $16: ['bot-']
-- $17: []
-- $18: []
-- $19: []
-- $20: []
-- $21: []
-- $22: datetime.datetime(2026, 3, 1, 0, 0, tzinfo=datetime.timezone.utc)
-- $23: 'device'
-- $24: ['mobile']
-- $25: 'age'
-- $26: ['1', '2']
-- $27: datetime.datetime(1, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
