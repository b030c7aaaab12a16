exposures AS NOT MATERIALIZED (
  -- Rows without an id or a time belong to no user.
  SELECT * FROM (
    SELECT {source_columns}
    FROM (
{source_query}
    ) AS s
  ) AS e
  WHERE e.optimization_id = $3 AND e.anonymous_id IS NOT NULL
    AND (CAST($1 AS timestamptz) IS NULL OR e.at >= CAST($1 AS timestamptz))
),
exposed AS (
  SELECT * FROM exposures
  WHERE at >= CAST($22 AS timestamptz) AND at <= CAST($5 AS timestamptz){outside_gaps}
),
variant_texts AS (
  -- Each distinct text once. Texts that differ in the order of keys are one variant.
  SELECT t.variant_text, v.number, COALESCE(v.written, k.key, t.variant_text, '') AS variant
  FROM (SELECT DISTINCT variant_text FROM exposed) AS t
  CROSS JOIN LATERAL (
    {canonical_variant_text}
  ) AS k
  LEFT JOIN variants AS v ON v.key = k.key
),
touches AS (
  SELECT e.anonymous_id, e.at, t.variant, t.number, e.context, e.policy_version
  FROM exposed AS e
  JOIN variant_texts AS t ON t.variant_text IS NOT DISTINCT FROM e.variant_text
),
first_touches AS (
  -- The earliest touch of each user. Ties go to a configured variant, then to the
  -- smaller texts.
  SELECT DISTINCT ON (anonymous_id) *
  FROM touches
  WHERE NOT {is_blank_id}
  ORDER BY anonymous_id, at, number IS NULL,
           CASE WHEN number IS NOT NULL THEN variant END COLLATE "C",
           context COLLATE "C", policy_version NULLS LAST
)
