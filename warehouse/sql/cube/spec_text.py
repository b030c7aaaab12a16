"""What is filled into the cube's text of the engines that take no arrays."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

from warehouse.sql.cube.engine import Engine, Parameters
from warehouse.sql.cube.slots import fill_slots
from warehouse.sql.cube.spec_rows import EARLIEST_MOMENT, build_spec_rows
from warehouse.sql.shapes import CheckedMetric, CheckedSource, CubeSpec

# Each touch lasts until the next: a reward's latest touch is the one it falls into.
# With a window as long as the horizon the first touch is as good as any.
LAST_TOUCH_WINDOW = """JOIN levered_visits AS t
    ON t.anonymous_id = u.anonymous_id AND t.moment <= r.moment
      AND (t.next_moment IS NULL OR t.next_moment > r.moment)
  WHERE r.moment <= {closes}"""
FIRST_TOUCH_WINDOW = "WHERE r.moment <= {closes}"

# WHERE TRUE: BigQuery once took no QUALIFY without it.
EARNED_QUERIES = {
    "bool": """SELECT anonymous_id, MIN(waited) AS waited, CAST(1 AS {double}) AS amount,
         CAST(NULL AS {text}) AS outcome
  FROM levered_counted
  GROUP BY anonymous_id""",
    "numeric": """SELECT anonymous_id, MIN(waited) AS waited, SUM(amount) AS amount,
         CAST(NULL AS {text}) AS outcome
  FROM levered_counted
  WHERE amount IS NOT NULL
  GROUP BY anonymous_id""",
    "outcomes": """SELECT c.anonymous_id, c.waited, o.weight AS amount, o.outcome
  FROM levered_counted AS c
  JOIN levered_outcomes AS o
    ON (o.by_name AND c.label = o.as_text)
      OR (NOT o.by_name AND o.as_number IS NULL AND c.amount_text = o.as_text)
      OR (NOT o.by_name AND c.amount = o.as_number)
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY c.anonymous_id ORDER BY c.moment, o.place) = 1""",
}


def build_slots(
    engine: Engine,
    parameters: Parameters,
    spec: CubeSpec,
    metric: CheckedMetric,
    source: CheckedSource,
) -> dict[str, str]:
    """Write all that both engines fill into their text."""
    start, until = compute_span(spec)
    history = spec.history_from or EARLIEST_MOMENT
    return {
        "metric_columns": build_metric_columns(engine, metric),
        "metric_query": engine.start_date(
            metric.query.text, parameters.mark(format_start_date(engine, start))
        ),
        "source_columns": build_source_columns(engine, source),
        "source_query": engine.start_date(
            source.query.text, parameters.mark(format_start_date(engine, history))
        ),
        "optimization_id": parameters.cast(spec.optimization_id.lower(), engine.text),
        "history": parameters.moment(history),
        "start": parameters.moment(start),
        "until": parameters.moment(until),
        "as_of": parameters.moment(spec.as_of),
        "horizon": parameters.cast(spec.horizon_hours, engine.integer),
        "within_window": _build_window_condition(parameters, spec),
        "earned": fill_slots(
            EARNED_QUERIES[spec.reward_type],
            {"double": engine.double, "text": engine.text},
        ),
        **build_spec_rows(parameters, spec),
    }


def compute_span(spec: CubeSpec) -> tuple[datetime, datetime]:
    """From the first day's start until the last day's horizon, or now if sooner."""
    start = datetime.combine(min(spec.days), time(), UTC)
    end = datetime.combine(max(spec.days), time(), UTC) + timedelta(days=1)
    return start, min(end + timedelta(hours=spec.horizon_hours), spec.as_of)


def _build_window_condition(parameters: Parameters, spec: CubeSpec) -> str:
    engine = parameters.engine
    hours = min(spec.window_hours, spec.horizon_hours)
    window = parameters.cast(hours, engine.integer)
    if spec.attribution == "last_touch" and spec.window_hours < spec.horizon_hours:
        return fill_slots(
            LAST_TOUCH_WINDOW, {"closes": engine.later("t.moment", window)}
        )
    return fill_slots(FIRST_TOUCH_WINDOW, {"closes": engine.later("u.moment", window)})


def format_start_date(engine: Engine, at: datetime) -> object:
    """A start date as its own dialect takes it: with its zone."""
    value = engine.bound(at)
    return f"{value}+00:00" if isinstance(value, str) else value


def build_source_columns(engine: Engine, source: CheckedSource) -> str:
    """Put an assignment source's columns under our names."""
    column = _build_column_quoter(engine)
    context = column(source.context) if source.context else "''"
    version = column(source.policy_version) if source.policy_version else "NULL"
    as_text = f"CAST({version} AS {engine.text})"
    return f"""{_cast_text(engine, column(source.anonymous_id))} AS anonymous_id,
           {engine.moment(column(source.timestamp))} AS moment,
           LOWER({_cast_text(engine, column(source.optimization_id))}) AS optimization_id,
           COALESCE({_cast_text(engine, column(source.variant))}, '') AS variant,
           COALESCE({_cast_text(engine, context)}, '') AS context,
           {engine.whole(as_text)} AS policy_version"""


def build_metric_columns(engine: Engine, metric: CheckedMetric) -> str:
    """Put a metric's columns under our names; what is no number has no value."""
    column = _build_column_quoter(engine)
    value = _cast_text(engine, column(metric.value) if metric.value else "NULL")
    name = _cast_text(engine, column(metric.name) if metric.name else "NULL")
    return f"""{_cast_text(engine, column(metric.anonymous_id))} AS anonymous_id,
         {engine.moment(column(metric.timestamp))} AS moment,
         {engine.number(value)} AS amount,
         {value} AS amount_text, {name} AS label"""


def _build_column_quoter(engine: Engine) -> Callable[[str], str]:
    return lambda name: f"q.{engine.quote(name)}"


def _cast_text(engine: Engine, piece: str) -> str:
    return f"CAST({piece} AS {engine.text})"
