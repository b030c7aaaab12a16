"""What the managed store and a connected Postgres share of the cube's statement."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from warehouse.sql.cube.amount_buckets import build_bucket_slots
from warehouse.sql.cube.blank_ids import BLANKS_IN_POSTGRES, build_blank_condition
from warehouse.sql.cube.day_notes import (
    MAX_LEVEL_LENGTH,
    Bind,
    build_commonest_sql,
    build_context_keys_sql,
    build_gaps_sql,
    build_unknown_variants_sql,
    build_unread_amounts_sql,
)
from warehouse.sql.cube.day_ranges import compute_span
from warehouse.sql.cube.slots import fill_slots
from warehouse.sql.cube.spec_rows import (
    list_outcomes,
    list_regimes,
    split_excluded_users,
)
from warehouse.sql.customer.check import quote_identifier
from warehouse.sql.shapes import CheckedMetric, CubeSpec

TEMPLATE = Path(__file__).with_suffix(".sql").read_text()
FIRST_CONTEXT_PARAMETER = 23

IS_BLANK_ID = build_blank_condition("anonymous_id", BLANKS_IN_POSTGRES)

# Texts accepted as numbers: at most 1e139, so that the square still fits a double. This
# drops infinity, NaN and any other text.
NUMBER_PATTERN = (
    r"^[-+]?([0-9]{1,40}(\.[0-9]{0,40})?|\.[0-9]{1,40})([eE][-+]?[0-9]{1,2})?$"
)

# Some touch opened the window of a reward exactly if the user's latest touch before the
# reward did. With a window as long as the horizon, the first touch always does.
FIRST_TOUCH_WINDOW = "r.at <= LEAST(u.at + u.conversion_window, u.as_of)"
LAST_TOUCH_WINDOW = """r.at <= LEAST(u.ends_at, u.as_of)
  WHERE EXISTS (
    SELECT FROM touches AS t
    WHERE t.anonymous_id = r.anonymous_id AND t.at <= r.at
      AND t.at >= GREATEST(u.at, r.at - u.conversion_window))"""

USER_REWARDS = {
    "bool": """SELECT anonymous_id, min(lag) AS lag,
         CAST(1 AS double precision) AS value, CAST(NULL AS text) AS outcome
  FROM counted_rewards
  GROUP BY anonymous_id""",
    # Those without any value count as nobody's, but are noted: see `unread_amounts`.
    "numeric": """SELECT anonymous_id, min(lag) FILTER (WHERE value IS NOT NULL) AS lag,
         sum(value) AS value, CAST(NULL AS text) AS outcome,
         count(text_value) - count(value) AS unread,
         min(text_value COLLATE "C") FILTER (WHERE value IS NULL) AS unread_example
  FROM counted_rewards
  WHERE text_value IS NOT NULL
  GROUP BY anonymous_id""",
    "outcomes": """SELECT DISTINCT ON (c.anonymous_id) c.anonymous_id, c.lag,
         o.weight AS value, o.key AS outcome
  FROM counted_rewards AS c
  JOIN outcomes AS o ON CASE
    WHEN o.by_name THEN c.name = o.as_text
    WHEN o.as_number IS NULL THEN c.text_value = o.as_text
    ELSE c.value = o.as_number END
  ORDER BY c.anonymous_id, c.at, o.rank""",
}


BY_VALUE = 'value COLLATE "C"'
UNKNOWN_LEVELS = """SELECT day, substr({level}, 1, {length}) AS value,
           CAST(sum(users) AS bigint) AS users
    FROM indexed
    WHERE NOT is_lag AND (context_index / {stride}) % {size} = {other}
    GROUP BY 1, 2"""


def build_sql(
    store_slots: Mapping[str, str], spec: CubeSpec, metric: CheckedMetric
) -> str:
    """Fill the template; `store_slots` are the slots in which the two stores differ."""
    slots = {
        "metric_columns": build_metric_columns_sql(metric),
        "metric_query": metric.query.text,
        "within_window": _build_window_condition_sql(spec),
        "user_rewards": USER_REWARDS[spec.reward_type],
        "context_index": _build_context_index_sql(spec),
        "is_blank_id": IS_BLANK_ID,
        **build_bucket_slots(spec, "e.value"),
    }
    return fill_slots(TEMPLATE, {**slots, **store_slots})


def list_parameters(
    spec: CubeSpec, first_parameter: object, third_parameter: object
) -> tuple[object, ...]:
    """Return the values of the parameters; $1 and $3 differ between the stores.

    $2 is the metric's start date, $22 the start of the first day.
    """
    start, until = compute_span(spec)
    scalars = (
        first_parameter,
        spec.metric_start or start,
        third_parameter,
        spec.as_of,
        until,
        spec.horizon_hours,
        min(spec.window_hours, spec.horizon_hours),
    )
    lists = (
        *_transpose_rows(2, spec.variants),
        *_transpose_rows(4, list_regimes(spec, None, None)),
        sorted(set(spec.days)),
        *split_excluded_users(spec.excluded_users),
        *_transpose_rows(5, list_outcomes(spec)),
        start,
    )
    contexts = [(factor.name, list(factor.levels)) for factor in spec.contexts]
    return (*scalars, *lists, *(value for pair in contexts for value in pair))


def _transpose_rows(
    width: int, rows: Sequence[tuple[object, ...]]
) -> list[list[object]]:
    """Transpose rows into `width` lists, one for each array parameter."""
    return [[row[column] for row in rows] for column in range(width)]


def build_metric_columns_sql(metric: CheckedMetric) -> str:
    """Rename and cast the mapped columns of a metric, table alias `q`.

    `value` is null where the customer's value is not a number.
    """
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


def _build_window_condition_sql(spec: CubeSpec) -> str:
    """Return the condition under which a reward still counts."""
    if spec.attribution == "last_touch" and spec.window_hours < spec.horizon_hours:
        return LAST_TOUCH_WINDOW
    return FIRST_TOUCH_WINDOW


def build_notes_sql(spec: CubeSpec, exposures: str, moment: str, bind: Bind) -> str:
    """Build the rows of notes; `exposures` are all of the store, ending in a condition.

    `moment` is their time, with its table alias `e`.
    """
    in_days = f"CAST({moment} AT TIME ZONE 'UTC' AS date) = ANY(CAST($14 AS date[]))"
    return (
        build_unknown_variants_sql("variant", "users", order=BY_VALUE)
        + _build_contexts_sql(spec)
        + build_unread_amounts_sql(
            spec, "users", "user_rewards", "bigint", order=BY_VALUE
        )
        + build_gaps_sql(
            spec,
            moment=moment,
            day=f"CAST({moment} AT TIME ZONE 'UTC' AS date)",
            all_exposures=exposures,
            in_days=in_days,
            bind=bind,
        )
    )


def build_binder(values: list[object]) -> Bind:
    """Return a function that adds a moment to the parameters, once, and writes it."""

    def bind(moment: datetime) -> str:
        if moment not in values[first:]:
            values.append(moment)
        return f"CAST(${values.index(moment, first) + 1} AS timestamptz)"

    first = len(values)
    return bind


def _build_contexts_sql(spec: CubeSpec) -> str:
    """Build the rows of unknown levels by factor, and of contexts that lack a value."""
    parts, missing, stride = [], [], 1
    for position, factor in reversed(list(enumerate(spec.contexts))):
        name = f"CAST(${FIRST_CONTEXT_PARAMETER + 2 * position} AS text)"
        size = len(factor.levels) + 2
        rows = UNKNOWN_LEVELS.format(
            level=_build_level_sql("json", name),
            length=MAX_LEVEL_LENGTH,
            stride=stride,
            size=size,
            other=len(factor.levels),
        )
        parts.append(
            build_commonest_sql("context", rows, order=BY_VALUE, factor=position)
        )
        missing.append(f"(context_index / {stride}) % {size} = {size - 1}")
        stride *= size
    if not parts:
        return ""
    is_missing = " OR ".join(reversed(missing))
    keys = build_context_keys_sql("indexed", is_missing, "bigint", order=BY_VALUE)
    return "".join(reversed(parts)) + keys


def _build_level_sql(json: str, name: str) -> str:
    """Write the value of a factor as the text by which levels are compared."""
    return f"""CASE jsonb_typeof({json} -> {name})
             WHEN 'number' THEN
               CAST(trim_scale(CAST({json} ->> {name} AS numeric)) AS text)
             ELSE {json} ->> {name} END"""


def _build_context_index_sql(spec: CubeSpec) -> str:
    """Build the index of a context cell, row-major over the context factors.

    Levels are compared as the API compares them. A value outside the levels counts as
    `other`, a null or absent one as `missing`.
    """
    index = "0"
    for position, factor in enumerate(spec.contexts):
        name = f"CAST(${FIRST_CONTEXT_PARAMETER + 2 * position} AS text)"
        levels = f"CAST(${FIRST_CONTEXT_PARAMETER + 2 * position + 1} AS text[])"
        other, missing = len(factor.levels), len(factor.levels) + 1
        level_index = f"""COALESCE(
           array_position({levels}, {_build_level_sql("c.json", name)}) - 1,
           CASE WHEN c.json ->> {name} IS NULL THEN {missing} ELSE {other} END)"""
        index = f"({index}) * {missing + 1} + {level_index}"
    return index
