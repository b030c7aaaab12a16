"""Fills the cube's text for a customer's own Postgres: his exposures, then as ours."""

from functools import partial
from pathlib import Path
from uuid import UUID

from warehouse.sql.cube import postgres
from warehouse.sql.cube.slots import fill_slots
from warehouse.sql.customer.check import quote_identifier
from warehouse.sql.shapes import CheckedMetric, CheckedSource, CubeSpec, Statement

TEMPLATE = Path(__file__).with_suffix(".sql").read_text()
# Since Postgres 16 text that is no JSON can be told before it fails the statement.
GUARDED_JSON = "CASE WHEN pg_input_is_valid({0}, 'jsonb') THEN CAST({0} AS jsonb) END"
UNGUARDED_JSON = "CAST({0} AS jsonb)"

# A JSON object with its keys sorted by code point and its levels as text: what the
# order of keys and the kind of a level leave equal.
CANONICAL_JSON = """SELECT '{{' || string_agg(CAST(to_json(e.key) AS text) || ':' || CAST(to_json(
      CASE jsonb_typeof(e.value)
        WHEN 'number' THEN CAST(trim_scale(CAST(e.value #>> '{{}}' AS numeric)) AS text)
        ELSE e.value #>> '{{}}' END) AS text), ',' ORDER BY e.key COLLATE "C") || '}}' AS key
    FROM jsonb_each({object}) AS e"""


def _build_statement(
    spec: CubeSpec, metric: CheckedMetric, source: CheckedSource, guard: str
) -> Statement:
    """Write the one statement; parameters as the managed store's, but for two.

    $1 is the start date of the source, $3 the optimization's id as text. A refresh
    reads the exposures of the days wanted until their horizon, and ids and times of all
    that are older.
    """
    context = guard.format("NULLIF(g.context, '')")
    slots = {
        "exposure_columns": build_exposure_columns(source),
        "source_query": source.query.text,
        "canonical_configured": _canonicalize_json(UNGUARDED_JSON.format("c.key")),
        "canonical_written": _canonicalize_json(guard.format("t.variant_text")),
        "reward_columns": postgres.build_reward_columns(metric),
        "customer_query": metric.query.text,
        "within_window": postgres.build_window_condition(spec),
        "earned": postgres.EARNED_QUERIES[spec.reward_type],
        "group_context": "u.context" if spec.contexts else "CAST('' AS text)",
        "context_json": context,
        "context_index": postgres.build_context_index(spec),
    }
    third = str(UUID(spec.optimization_id))
    parameters = postgres.list_parameters(spec, spec.history_from, third)
    return Statement(fill_slots(TEMPLATE, slots), parameters)


build_statement = partial(_build_statement, guard=GUARDED_JSON)
build_statement_before_16 = partial(_build_statement, guard=UNGUARDED_JSON)


def build_exposure_columns(source: CheckedSource) -> str:
    """Put the customer's columns under our names, as text where he may have any type."""
    context = policy_version = "NULL"
    if source.context:
        context = f"s.{quote_identifier(source.context)}"
    if source.policy_version:
        written = f"CAST(s.{quote_identifier(source.policy_version)} AS text)"
        policy_version = f"CASE WHEN {written} ~ '^[0-9]{{1,9}}$' THEN {written} END"
    return f"""CAST(s.{quote_identifier(source.anonymous_id)} AS text) AS anonymous_id,
         CAST(s.{quote_identifier(source.timestamp)} AS timestamptz) AS at,
         lower(CAST(s.{quote_identifier(source.optimization_id)} AS text)) AS optimization_id,
         CAST(s.{quote_identifier(source.variant)} AS text) AS variant_text,
         COALESCE(CAST({context} AS text), '') AS context,
         CAST({policy_version} AS integer) AS policy_version"""


def _canonicalize_json(json: str) -> str:
    an_object = f"CASE jsonb_typeof({json}) WHEN 'object' THEN {json} END"
    return CANONICAL_JSON.format(object=an_object)
