"""SQL that a warning suggests: it runs as it stands where the warning appears."""

from warehouse.sql.cube.postgres import NUMBER_PATTERN
from warehouse.sql.customer.text.tokens import quote_name
from warehouse.sql.shapes import CheckedMetric, CheckedQuery

# Postgres' names of the types that compare with numbers.
NUMBER_TYPES = frozenset(
    {"smallint", "integer", "bigint", "numeric", "real", "double precision"}
)
# A value of any other type is read as the text that a count reads.
TEXT_NUMBERS = {
    "postgres": (
        f"CASE WHEN CAST({{column}} AS text) ~ '{NUMBER_PATTERN}'",
        "CAST(CAST({column} AS text) AS double precision)",
    ),
    "snowflake": (
        "CASE WHEN TRY_TO_DOUBLE(TO_VARCHAR({column})) BETWEEN -1e12 AND 1e12",
        "TRY_TO_DOUBLE(TO_VARCHAR({column}))",
    ),
    "bigquery": (
        "CASE WHEN SAFE_CAST(CAST({column} AS STRING) AS FLOAT64) BETWEEN -1e12 AND 1e12",
        "SAFE_CAST(CAST({column} AS STRING) AS FLOAT64)",
    ),
}
MAKES_NULL = "{sql}{alias} in place of {column} makes them NULL."
MAKES_NUMBERS = "{sql}{alias} in place of {column} makes numbers of them."
NUMBERS = {
    "money": "CAST({column} AS numeric)",
    "boolean": "CASE WHEN {column} THEN 1 ELSE 0 END",
}
CONDITION = "add a condition like `{column} >= @start_date`."
CONDITION_BELOW = "add a condition like `time >= @start_date` on the column that {column!r} is made of."


def suggest_amount(metric: CheckedMetric, value_type: str | None) -> str:
    """Return what to write instead of a metric's value where some are no amounts.

    It names the value as it stands in the query, before its alias.

    `value_type` is Postgres' name of the value's type; None if it is not known.
    """
    query, name = metric.query, metric.value or ""
    column = dict(query.traits.sources).get(name, quote_name(name, query.dialect))
    is_renamed = any(alias == name for alias, _ in query.traits.aliases)
    # What stands in place of a column needs its name; behind an alias it stays.
    alias = "" if is_renamed else f" AS {quote_name(name, query.dialect)}"
    if value_type in NUMBERS:
        sql = NUMBERS[value_type].replace("{column}", column)
        return MAKES_NUMBERS.format(sql=sql, alias=alias, column=column)
    if value_type in NUMBER_TYPES:
        sql = f"CASE WHEN {column} BETWEEN -1e12 AND 1e12 THEN {column} END"
    else:
        condition, number = TEXT_NUMBERS[query.dialect]
        sql = f"{condition} THEN {number} END".replace("{column}", column)
    return MAKES_NULL.format(sql=sql, alias=alias, column=column)


def suggest_start_date(query: CheckedQuery, timestamp: str) -> str:
    """Return how to read no row before the start date, by the mapped time's column."""
    if dict(query.traits.aliases).get(timestamp, timestamp) is None:
        return CONDITION_BELOW.format(column=timestamp)
    column = dict(query.traits.sources).get(
        timestamp, quote_name(timestamp, query.dialect)
    )
    return CONDITION.format(column=column)
