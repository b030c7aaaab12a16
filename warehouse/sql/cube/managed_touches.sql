touches AS (
  SELECT anonymous_id, timestamp_utc AS at, source = 'serve' AS served, variant,
         context, policy_version, in_holdout
  FROM managed_dw.exposures
  WHERE organization_id = $1 AND optimization_id = $3
    AND timestamp_utc >= $2 AND timestamp_utc <= CAST($5 AS timestamptz)
),
first_touches AS (
  -- The serve record if there is one, else the earliest touch; the texts break ties.
  SELECT DISTINCT ON (anonymous_id) *
  FROM touches
  ORDER BY anonymous_id, served DESC, at, variant COLLATE "C", context COLLATE "C",
           policy_version NULLS LAST, in_holdout NULLS LAST
)
