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
        AND p.timestamp_utc >= CAST($23 AS timestamptz)
        AND (p.source = 'serve' OR NOT t.served))
    AND NOT EXISTS (
      SELECT FROM managed_dw.exposures AS p
      WHERE p.organization_id = $1 AND p.optimization_id = $3
        AND p.anonymous_id = t.anonymous_id AND p.source = 'serve' AND NOT t.served
        AND p.timestamp_utc > CAST($5 AS timestamptz)
        AND p.timestamp_utc <= CAST($4 AS timestamptz)
        AND p.timestamp_utc >= CAST($23 AS timestamptz))
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
    ON r.anonymous_id = u.anonymous_id AND r.at >= u.at AND r.at <= LEAST(u.at + u.conversion_window, u.as_of)
),
user_rewards AS (
  SELECT DISTINCT ON (c.anonymous_id) c.anonymous_id, c.lag,
         o.weight AS value, o.key AS outcome
  FROM counted_rewards AS c
  JOIN outcomes AS o ON CASE
    WHEN o.by_name THEN c.name = o.as_text
    WHEN o.as_number IS NULL THEN c.text_value = o.as_text
    ELSE c.value = o.as_number END
  ORDER BY c.anonymous_id, c.at, o.rank
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
         )) AS integer) END AS bucket
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
         count(*) FILTER (WHERE mismatched) AS mismatched
  FROM user_rows
  GROUP BY GROUPING SETS (
    (regime, day, policy_version, holdout, variant_number, context, outcome, mature,
     hour),
    (day, bucket))
),
indexed AS (
  SELECT g.*, c.json, 0 AS context_index
  FROM grouped AS g
  CROSS JOIN LATERAL (
    SELECT CAST(NULLIF(g.context, '') AS jsonb) AS json
  ) AS c
)
-- warehouse/sql/cube/statement.py decodes these columns in this order.
SELECT CASE WHEN is_lag THEN 'lag' ELSE 'cell' END AS kind,
       regime, day, policy_version, holdout, variant_number AS variant,
       CASE WHEN is_lag THEN bucket
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
WHERE (NOT is_lag OR bucket IS NOT NULL)
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
ORDER BY 1, 2, 3, 4 NULLS FIRST, 5, 6, 7, 8 NULLS FIRST, 9, 10 NULLS FIRST

-- $1: 'org_a'
-- $2: datetime.datetime(2026, 3, 1, 0, 0, tzinfo=datetime.timezone.utc)
-- $3: UUID('7c9e6679-7425-40de-944b-e07fc1f90ae7')
-- $4: datetime.datetime(2026, 3, 9, 12, 0, tzinfo=datetime.timezone.utc)
-- $5: datetime.datetime(2026, 3, 4, 0, 0, tzinfo=datetime.timezone.utc)
-- $6: 24
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
-- $17: ['buy']
-- $18: [3.0]
-- $19: [True]
-- $20: ['purchase']
-- $21: [None]
-- $22: datetime.datetime(2026, 3, 1, 0, 0, tzinfo=datetime.timezone.utc)
-- $23: datetime.datetime(1, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
