"""The cube's statement for a connected Postgres."""

from functools import partial
from pathlib import Path
from uuid import UUID

from warehouse.sql.cube import postgres
from warehouse.sql.cube.day_notes import build_history_sql, build_outside_gaps_sql
from warehouse.sql.cube.json_pattern import JSON_OBJECT_PATTERN
from warehouse.sql.cube.slots import fill_slots
from warehouse.sql.customer.check import quote_identifier
from warehouse.sql.shapes import CheckedMetric, CheckedSource, CubeSpec, Statement

TOUCHES = Path(__file__).with_name("connected_touches.sql").read_text().strip()

# Only Postgres 16 and later can test a text before the cast, which fails the statement
# if the text is no JSON. The CASE stands inside the cast: the planner computes the cast of
# a constant in advance, also in a branch that is never taken.
GUARDED_JSON = "CAST(CASE WHEN pg_input_is_valid({0}, 'jsonb') THEN {0} END AS jsonb)"
UNGUARDED_JSON = "CAST({0} AS jsonb)"
GUARDED_JSON_BEFORE_16 = (
    "CASE WHEN {{0}} ~ '{pattern}' THEN CAST({{0}} AS jsonb) END".format(
        pattern=JSON_OBJECT_PATTERN.replace("{", "{{").replace("}", "}}")
    )
)
JSON_CASTS = {
    "postgres": GUARDED_JSON,
    "postgres before 16": GUARDED_JSON_BEFORE_16,
}

# A JSON object with its keys sorted by code point and its levels as text: equal for
# texts that differ only in the order of keys or the types of levels.
CANONICAL_JSON = """SELECT '{{' || string_agg(CAST(to_json(e.key) AS text) || ':' || CAST(to_json(
      CASE jsonb_typeof(e.value)
        WHEN 'number' THEN CAST(trim_scale(CAST(e.value #>> '{{}}' AS numeric)) AS text)
        ELSE e.value #>> '{{}}' END) AS text), ',' ORDER BY e.key COLLATE "C") || '}}' AS key
    FROM jsonb_each({object}) AS e"""

VARIANTS = """SELECT c.number, c.key AS written, k.key
  FROM unnest(CAST($8 AS integer[]), CAST($9 AS text[])) AS c (number, key)
  CROSS JOIN LATERAL (
    {canonical_key}
  ) AS k"""

NOT_TOUCHED_OUTSIDE = """AND NOT EXISTS (
      SELECT FROM exposures AS p
      WHERE p.anonymous_id = t.anonymous_id AND p.at < CAST($22 AS timestamptz){outside_gaps})"""
# All exposures of the span, whatever their time.
EXPOSURES = """exposures AS e
WHERE e.at >= CAST($22 AS timestamptz) AND e.at <= CAST($5 AS timestamptz)"""

STORE_SLOTS = {
    "first_parameter": "CAST($1 AS timestamptz) AS history_from",
    "third_parameter": "CAST($3 AS text) AS optimization_id",
    "logged_arm": "",
    "holdout_key": "convert_to($3 || ':' || t.anonymous_id, 'UTF8')",
    "exposure_count": "count(*)",
    # A cast may fail on rows that the customer's condition leaves out.
    "since_span_start": "",
    "mismatched": "u.holdout AND u.variant_number <> 1",
    "erased_people": "",
}


def _build_statement(
    spec: CubeSpec, metric: CheckedMetric, source: CheckedSource, json_cast: str
) -> Statement:
    """Build the statement that counts the cells of `spec.days`.

    The parameters are those of the managed store except for $1, the source's start date,
    and $3, the optimization's id as text. It reads the exposures from the first day until
    the last day's horizon in full, and ids and times of all earlier ones.
    """
    optimization_id = str(UUID(spec.optimization_id))
    values = list(postgres.list_parameters(spec, spec.history_from, optimization_id))
    bind = postgres.build_binder(values)
    canonical_key = _canonicalize_json(UNGUARDED_JSON.format("c.key"))
    touches = {
        "source_columns": build_source_columns_sql(source),
        "source_query": source.query.text,
        "is_blank_id": postgres.IS_BLANK_ID,
        "outside_gaps": build_outside_gaps_sql(spec, "at", bind),
        "canonical_variant_text": _canonicalize_json(
            json_cast.format("t.variant_text")
        ),
    }
    slots = {
        **STORE_SLOTS,
        "variants": fill_slots(VARIANTS, {"canonical_key": canonical_key}),
        "touches": fill_slots(TOUCHES, touches),
        "group_context": "u.context" if spec.contexts else "CAST('' AS text)",
        "context_json": json_cast.format("NULLIF(g.context, '')"),
        "not_touched_outside": fill_slots(
            NOT_TOUCHED_OUTSIDE,
            {"outside_gaps": build_outside_gaps_sql(spec, "p.at", bind)},
        ),
        "notes": postgres.build_notes_sql(spec, EXPOSURES, "e.at", bind)
        + build_history_sql(
            spec, users="users", touches="touches", moment="at", bind=bind
        ),
    }
    return Statement(postgres.build_sql(slots, spec, metric), tuple(values))


build_statement = partial(_build_statement, json_cast=GUARDED_JSON)
build_statement_before_16 = partial(_build_statement, json_cast=GUARDED_JSON_BEFORE_16)


def build_object_cast(text: str, dialect: str) -> str:
    """Cast a text to jsonb as the cube does: null where it is no JSON object.

    `dialect` is a key of JSON_CASTS.
    """
    json = JSON_CASTS[dialect].format(text)
    return f"CASE jsonb_typeof({json}) WHEN 'object' THEN {json} END"


def build_source_columns_sql(source: CheckedSource) -> str:
    """Rename and cast the mapped columns of an assignment source, table alias `s`."""
    context = policy_version = "NULL"
    if source.context:
        context = f"s.{quote_identifier(source.context)}"
    if source.policy_version:
        text = f"CAST(s.{quote_identifier(source.policy_version)} AS text)"
        policy_version = f"CASE WHEN {text} ~ '^[0-9]{{1,9}}$' THEN {text} END"
    return f"""CAST(s.{quote_identifier(source.anonymous_id)} AS text) AS anonymous_id,
         CAST(s.{quote_identifier(source.timestamp)} AS timestamptz) AS at,
         lower(CAST(s.{quote_identifier(source.optimization_id)} AS text)) AS optimization_id,
         CAST(s.{quote_identifier(source.variant)} AS text) AS variant_text,
         COALESCE(CAST({context} AS text), '') AS context,
         CAST({policy_version} AS integer) AS policy_version"""


def _canonicalize_json(json: str) -> str:
    return CANONICAL_JSON.format(
        object=f"CASE jsonb_typeof({json}) WHEN 'object' THEN {json} END"
    )
