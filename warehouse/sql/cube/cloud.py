"""The cube's statement for Snowflake and BigQuery: one template for both engines."""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from warehouse.sql.cube import bigquery, snowflake
from warehouse.sql.cube.amount_buckets import build_bucket_slots
from warehouse.sql.cube.blank_ids import BLANKS, build_blank_condition
from warehouse.sql.cube.cloud_lists import build_context_notes_sql, build_list_slots
from warehouse.sql.cube.day_notes import (
    build_gaps_sql,
    build_history_sql,
    build_outside_gaps_sql,
    build_unknown_variants_sql,
    build_unread_amounts_sql,
)
from warehouse.sql.cube.day_ranges import compute_span
from warehouse.sql.cube.engine import MIN_TIMESTAMP, Engine, Parameters
from warehouse.sql.cube.slots import fill_slots
from warehouse.sql.shapes import (
    CheckedMetric,
    CheckedQuery,
    CheckedSource,
    CubeSpec,
    Statement,
)

TEMPLATE = Path(__file__).with_suffix(".sql").read_text()
ENGINES: dict[str, Engine] = {
    "snowflake": snowflake.ENGINE,
    "bigquery": bigquery.ENGINE,
}

# Each touch lasts until the next, so a reward's latest touch is the one whose span it
# falls into. With a window as long as the horizon, the first touch gives the same result.
LAST_TOUCH_WINDOW = """JOIN levered_touch_spans AS t
    ON t.anonymous_id = u.anonymous_id AND t.moment <= r.moment
      AND (t.next_moment IS NULL OR t.next_moment > r.moment)
  WHERE r.moment <= {window_ends_at}"""
FIRST_TOUCH_WINDOW = "WHERE r.moment <= {window_ends_at}"

# WHERE TRUE: BigQuery once rejected QUALIFY without a WHERE.
USER_REWARDS = {
    "bool": """SELECT anonymous_id, MIN(lag_microseconds) AS lag_microseconds,
         CAST(1 AS {double}) AS amount, CAST(NULL AS {text}) AS outcome
  FROM levered_counted_rewards
  GROUP BY anonymous_id""",
    # Those without any amount count as nobody's, but are noted: see `unread_amounts`.
    "numeric": """SELECT anonymous_id,
         MIN(CASE WHEN amount IS NOT NULL THEN lag_microseconds END) AS lag_microseconds,
         SUM(amount) AS amount, CAST(NULL AS {text}) AS outcome,
         COUNT(amount_text) - COUNT(amount) AS unread,
         MIN(CASE WHEN amount IS NULL THEN amount_text END) AS unread_example
  FROM levered_counted_rewards
  WHERE amount_text IS NOT NULL
  GROUP BY anonymous_id""",
    "outcomes": """SELECT c.anonymous_id, c.lag_microseconds, o.weight AS amount,
         o.outcome
  FROM levered_counted_rewards AS c
  JOIN levered_outcomes AS o
    ON (o.by_name AND c.label = o.as_text)
      OR (NOT o.by_name AND o.as_number IS NULL AND c.amount_text = o.as_text)
      OR (NOT o.by_name AND c.amount = o.as_number)
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY c.anonymous_id ORDER BY c.moment, o.rule_rank) = 1""",
}


def build_statement(
    engine: Engine, spec: CubeSpec, metric: CheckedMetric, source: CheckedSource
) -> Statement:
    """Build the statement that counts the cells of `spec.days`.

    It scans all exposures since `spec.history_from`: there is no index that could tell
    which users were exposed earlier.
    """
    parameters = Parameters(engine)
    slots = _build_slots(parameters, spec, metric, source)
    return engine.number_parameters(fill_slots(TEMPLATE, slots), parameters.values)


def _build_slots(
    parameters: Parameters,
    spec: CubeSpec,
    metric: CheckedMetric,
    source: CheckedSource,
) -> dict[str, str]:
    engine = parameters.engine
    start, until = compute_span(spec)
    history = spec.history_from or MIN_TIMESTAMP
    types = {
        "text": engine.text_type,
        "integer": engine.integer_type,
        "double": engine.double_type,
    }
    # In the order of the parameters that they add.
    slots = {
        "metric_columns": build_metric_columns_sql(engine, metric),
        "metric_query": bind_start_date(
            parameters, metric.query, spec.metric_start or start
        ),
        "source_columns": build_source_columns_sql(engine, source),
        "source_query": bind_start_date(parameters, source.query, history),
        "optimization_id": parameters.add_as(
            spec.optimization_id.lower(), engine.text_type
        ),
        "history": parameters.add_timestamp(history),
        "start": parameters.add_timestamp(start),
        "until": parameters.add_timestamp(until),
        "as_of": parameters.add_timestamp(spec.as_of),
        "horizon": parameters.add_as(spec.horizon_hours, engine.integer_type),
        "within_window": _build_window_condition_sql(parameters, spec),
        "user_rewards": fill_slots(USER_REWARDS[spec.reward_type], types),
        **build_list_slots(parameters, spec),
        "outside_gaps": build_outside_gaps_sql(
            spec, "moment", parameters.add_timestamp
        ),
        "is_blank_id": build_blank_condition(
            "t.anonymous_id", parameters.add_as(BLANKS, engine.text_type)
        ),
    }
    return {
        **types,
        **engine.expressions,
        **build_bucket_slots(spec, "e.amount"),
        **slots,
        "notes": _build_notes_sql(parameters, spec, slots),
        "variant_json": engine.parse_json("d.variant"),
        "context_json": engine.parse_json("g.context"),
        "user_hash": engine.hash_user(slots["optimization_id"], "t.anonymous_id"),
        "ends_at": engine.add_hours("t.moment", slots["horizon"]),
    }


def _build_notes_sql(
    parameters: Parameters, spec: CubeSpec, slots: Mapping[str, str]
) -> str:
    """Build the rows of notes."""
    day = "CAST(e.moment AS DATE)"
    return (
        build_unknown_variants_sql("variant_key", "levered_users")
        + build_context_notes_sql(parameters, spec)
        + build_unread_amounts_sql(
            spec,
            "levered_users",
            "levered_user_rewards",
            parameters.engine.integer_type,
        )
        + build_history_sql(
            spec,
            users="levered_users",
            touches="levered_touches",
            moment="moment",
            bind=parameters.add_timestamp,
        )
        + build_gaps_sql(
            spec,
            moment="e.moment",
            day=day,
            all_exposures="levered_exposures AS e\nWHERE TRUE",
            in_days=f"{day} IN ({slots['days']})",
            bind=parameters.add_timestamp,
        )
    )


def _build_window_condition_sql(parameters: Parameters, spec: CubeSpec) -> str:
    engine = parameters.engine
    hours = min(spec.window_hours, spec.horizon_hours)
    window = parameters.add_as(hours, engine.integer_type)
    template, touch = FIRST_TOUCH_WINDOW, "u.moment"
    if spec.attribution == "last_touch" and spec.window_hours < spec.horizon_hours:
        template, touch = LAST_TOUCH_WINDOW, "t.moment"
    return fill_slots(template, {"window_ends_at": engine.add_hours(touch, window)})


def bind_start_date(
    parameters: Parameters, query: CheckedQuery, start: datetime
) -> str:
    """Return the query's text with its start date, where it takes one, as a parameter."""
    if not query.takes_start_date:
        return query.text
    value = parameters.engine.bind_timestamp(start)
    if isinstance(value, str):
        value = f"{value}+00:00"  # customers compare it to times of any zone
    return parameters.engine.mark_start_date(query.text, parameters.add(value))


def build_source_columns_sql(engine: Engine, source: CheckedSource) -> str:
    """Rename and cast the mapped columns of an assignment source, table alias `q`."""
    column = _build_column_quoter(engine)
    context = column(source.context) if source.context else "''"
    version = column(source.policy_version) if source.policy_version else "NULL"
    optimization_id = _cast_text(engine, column(source.optimization_id))
    return f"""{_cast_text(engine, column(source.anonymous_id))} AS anonymous_id,
           {engine.to_utc(column(source.timestamp))} AS moment,
           LOWER({optimization_id}) AS optimization_id,
           COALESCE({_cast_text(engine, column(source.variant))}, '') AS variant,
           COALESCE({_cast_text(engine, context)}, '') AS context,
           {engine.to_integer(_cast_text(engine, version))} AS policy_version"""


def build_metric_columns_sql(engine: Engine, metric: CheckedMetric) -> str:
    """Rename and cast the mapped columns of a metric, table alias `q`.

    `amount` is null where the value is not a number.
    """
    column = _build_column_quoter(engine)
    value = _cast_text(engine, column(metric.value) if metric.value else "NULL")
    name = _cast_text(engine, column(metric.name) if metric.name else "NULL")
    return f"""{_cast_text(engine, column(metric.anonymous_id))} AS anonymous_id,
         {engine.to_utc(column(metric.timestamp))} AS moment,
         {engine.to_number(value)} AS amount,
         {value} AS amount_text, {name} AS label"""


def _build_column_quoter(engine: Engine) -> Callable[[str], str]:
    return lambda name: f"q.{engine.quote_identifier(name)}"


def _cast_text(engine: Engine, expression: str) -> str:
    return f"CAST({expression} AS {engine.text_type})"
