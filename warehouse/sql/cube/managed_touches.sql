touches AS (
  SELECT e.anonymous_id, e.timestamp_utc AS at, e.source = 'serve' AS served, e.variant,
         v.number, e.context, e.policy_version, e.in_holdout
  FROM managed_dw.exposures AS e
  LEFT JOIN variants AS v ON v.key = e.variant
  WHERE e.organization_id = $1 AND e.optimization_id = $3
    AND e.timestamp_utc >= CAST($22 AS timestamptz)
    AND e.timestamp_utc <= CAST($5 AS timestamptz){only_user}{outside_gaps}
),
first_touches AS (
  -- The serve record if there is one, else the earliest touch. Ties go to a configured
  -- variant, then to the smaller texts.
  SELECT DISTINCT ON (anonymous_id) *
  FROM touches
  WHERE NOT {is_blank_id}
  ORDER BY anonymous_id, served DESC, at, number IS NULL,
           CASE WHEN number IS NOT NULL THEN variant END COLLATE "C",
           context COLLATE "C", policy_version NULLS LAST, in_holdout NULLS LAST
)
