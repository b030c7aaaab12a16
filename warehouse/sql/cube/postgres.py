"""Fills the cube's text for Postgres: parameters in their order, slots by the spec."""

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from uuid import UUID

from warehouse.sql.cube.slots import fill_slots
from warehouse.sql.customer.check import quote_identifier
from warehouse.sql.shapes import CheckedMetric, CubeSpec, Statement

TEMPLATE = Path(__file__).with_suffix(".sql").read_text()
FIRST_CONTEXT_PARAMETER = 22
YEAR_ONE = datetime(1, 1, 1, tzinfo=UTC)

# What a number looks like whose square certainly fits a double (at most 1e139): the
# rest (infinity, NaN, text) is dropped.
NUMBER_PATTERN = (
    r"^[-+]?([0-9]{1,40}(\.[0-9]{0,40})?|\.[0-9]{1,40})([eE][-+]?[0-9]{1,2})?$"
)

# An exposure within the window before the reward exists exactly where the latest one is
# within it. With a window as long as the horizon the first touch always is such a one.
FIRST_TOUCH_WINDOW = "r.at <= LEAST(u.at + u.conversion_window, u.as_of)"
LAST_TOUCH_WINDOW = """r.at <= LEAST(u.ends_at, u.as_of)
  WHERE EXISTS (
    SELECT FROM touches AS t
    WHERE t.anonymous_id = r.anonymous_id AND t.at <= r.at
      AND t.at >= GREATEST(u.at, r.at - u.conversion_window))"""

# Whom the store remembers to have been touched outside the span is looked up, each for
# himself: with its aggregate it cannot become a join, which would read all of them.
EXCLUDE_TOUCHED_BEFORE = """AND NOT COALESCE((
      SELECT bool_or(CASE
        WHEN t.served THEN f.served_at < $2
        ELSE f.touched_at < $2 OR f.served_at > CAST($5 AS timestamptz)
          AND f.served_at <= CAST($4 AS timestamptz) END)
      FROM managed_dw.first_touches AS f
      WHERE f.organization_id = $1 AND f.optimization_id = $3
        AND f.anonymous_id = t.anonymous_id), false)"""

EARNED_QUERIES = {
    "bool": """SELECT anonymous_id, min(lag) AS lag,
         CAST(1 AS double precision) AS value, CAST(NULL AS text) AS outcome
  FROM counted
  GROUP BY anonymous_id""",
    "numeric": """SELECT anonymous_id, min(lag) AS lag, sum(value) AS value,
         CAST(NULL AS text) AS outcome
  FROM counted
  WHERE value IS NOT NULL
  GROUP BY anonymous_id""",
    "outcomes": """SELECT DISTINCT ON (c.anonymous_id) c.anonymous_id, c.lag,
         o.weight AS value, o.key AS outcome
  FROM counted AS c
  JOIN outcomes AS o ON CASE
    WHEN o.by_name THEN c.name = o.as_text
    WHEN o.as_number IS NULL THEN c.text_value = o.as_text
    ELSE c.value = o.as_number END
  ORDER BY c.anonymous_id, c.at, o.rank""",
}


def build_statement(spec: CubeSpec, metric: CheckedMetric) -> Statement:
    """Write the one statement that counts the cells of `spec.days`.

    The first three parameters are those of a CheckedQuery. Cost grows with the touches
    of the days wanted until their horizon, plus one look-up for each of their users, plus
    a pass over what lies outside the span and is not remembered.
    """
    slots = {
        "reward_columns": build_reward_columns(metric),
        "customer_query": metric.query.text,
        "within_window": build_window_condition(spec),
        "earned": EARNED_QUERIES[spec.reward_type],
        "context_index": build_context_index(spec),
        "known_before": EXCLUDE_TOUCHED_BEFORE if _needs_first_touches(spec) else "",
    }
    first, third = spec.organization_id, UUID(spec.optimization_id)
    values = list_parameters(spec, first, third)
    slots["remembered_until"] = f"CAST(${len(values) + 1} AS timestamptz)"
    until = spec.remembered.until if spec.remembered else YEAR_ONE
    return Statement(fill_slots(TEMPLATE, slots), (*values, until))


def list_parameters(spec: CubeSpec, first: object, third: object) -> tuple[object, ...]:
    """List the values of a cube's parameters; $1 and $3 differ between the stores."""
    start, until = _compute_span(spec)
    scalars = (
        first,
        start,
        third,
        spec.as_of,
        until,
        spec.horizon_hours,
        min(spec.window_hours, spec.horizon_hours),
    )
    excluded = spec.excluded_users
    lists = (
        *_transpose_rows(2, spec.variants),
        *_list_regimes(spec),
        sorted(set(spec.days)),
        [one for one in excluded if not one.endswith("*")],
        [one.removesuffix("*") for one in excluded if one.endswith("*")],
        *_list_outcomes(spec),
    )
    contexts = [(factor.name, list(factor.levels)) for factor in spec.contexts]
    return (*scalars, *lists, *(value for pair in contexts for value in pair))


def _compute_span(spec: CubeSpec) -> tuple[datetime, datetime]:
    """From the first day's start until the last day's horizon, or now if sooner."""
    start = datetime.combine(min(spec.days), time(), UTC)
    end = datetime.combine(max(spec.days), time(), UTC) + timedelta(days=1)
    return start, min(end + timedelta(hours=spec.horizon_hours), spec.as_of)


def _needs_first_touches(spec: CubeSpec) -> bool:
    """Whether anybody remembered may have been touched outside the span."""
    if spec.remembered is None or spec.remembered.first_at is None:
        return False
    start, until = _compute_span(spec)
    return spec.remembered.first_at < start or spec.remembered.until > until


def _transpose_rows(
    width: int, rows: tuple[tuple[object, ...], ...]
) -> list[list[object]]:
    return [[row[column] for row in rows] for column in range(width)]


def _list_regimes(spec: CubeSpec) -> list[list[object]]:
    starts = [regime.starts_at for regime in spec.regimes]
    begins, ends = [None, *starts[1:]], [*starts[1:], None]
    return [
        [regime.number for regime in spec.regimes],
        list(begins),
        list(ends),
        [regime.holdout_threshold for regime in spec.regimes],
    ]


def _list_outcomes(spec: CubeSpec) -> list[list[object]]:
    rows: tuple[tuple[object, ...], ...] = tuple(
        (
            rule.key,
            float(rule.weight),
            rule.by == "name",
            rule.value if isinstance(rule.value, str) else None,
            None if isinstance(rule.value, str) else float(rule.value),
        )
        for rule in spec.outcomes
    )
    return _transpose_rows(5, rows)


def build_reward_columns(metric: CheckedMetric) -> str:
    """Put the customer's columns under our names; what is no number has no value."""
    value = number = name = "NULL"
    if metric.value:
        value = f"CAST(q.{quote_identifier(metric.value)} AS text)"
        number = f"CASE WHEN {value} ~ '{NUMBER_PATTERN}' THEN {value} END"
    if metric.name:
        name = f"q.{quote_identifier(metric.name)}"
    return f"""CAST(q.{quote_identifier(metric.anonymous_id)} AS text) AS anonymous_id,
         CAST(q.{quote_identifier(metric.timestamp)} AS timestamptz) AS at,
         CAST({number} AS double precision) AS value,
         CAST({value} AS text) AS text_value, CAST({name} AS text) AS name"""


def build_window_condition(spec: CubeSpec) -> str:
    """Write when a reward still counts, by the attribution and the two hours."""
    if spec.attribution == "last_touch" and spec.window_hours < spec.horizon_hours:
        return LAST_TOUCH_WINDOW
    return FIRST_TOUCH_WINDOW


def build_context_index(spec: CubeSpec) -> str:
    """Row-major index over the factors; values compared as the contract compares them."""
    index = "0"
    for position, factor in enumerate(spec.contexts):
        key = f"CAST(${FIRST_CONTEXT_PARAMETER + 2 * position} AS text)"
        levels = f"CAST(${FIRST_CONTEXT_PARAMETER + 2 * position + 1} AS text[])"
        count = len(factor.levels)
        level = f"""COALESCE(
           array_position({levels}, CASE jsonb_typeof(c.json -> {key})
             WHEN 'number' THEN
               CAST(trim_scale(CAST(c.json ->> {key} AS numeric)) AS text)
             ELSE c.json ->> {key} END) - 1,
           CASE WHEN c.json ->> {key} IS NULL THEN {count + 1} ELSE {count} END)"""
        index = f"({index}) * {count + 2} + {level}"
    return index
