"""SQL that a warning suggests: it runs as it stands where the warning appears."""

from sqlglot.tokenizer_core import TokenType

from warehouse.sql.cube.postgres import NUMBER_PATTERN
from warehouse.sql.customer.tokens import read_tokens
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
MAKES_NULL = "{sql} in place of {column} makes them NULL."
MONEY = "CAST({column} AS numeric) in place of {column} makes numbers of them."
TRUTH = (
    "CASE WHEN {column} THEN 1 ELSE 0 END in place of {column} makes numbers of them."
)
CONDITION = "add a condition like `{column} >= @start_date`."
CONDITION_BELOW = "add a condition like `time >= @start_date` on the column that {column!r} is made of."


def suggest_amount(metric: CheckedMetric, value_type: str | None) -> str:
    """Return what to write instead of a metric's value where some are no amounts.

    `value_type` is Postgres' name of the value's type; None if it is not known.
    """
    query = metric.query
    column = quote_name(metric.value or "", query.dialect)
    sentences = {"money": MONEY, "boolean": TRUTH}
    if value_type in sentences:
        return sentences[value_type].format(column=column)
    if value_type in NUMBER_TYPES:
        sql = f"CASE WHEN {column} BETWEEN -1e12 AND 1e12 THEN {column} END"
    else:
        condition, number = TEXT_NUMBERS[query.dialect]
        sql = f"{condition} THEN {number} END".replace("{column}", column)
    return MAKES_NULL.format(sql=sql, column=column)


def suggest_start_date(query: CheckedQuery, timestamp: str) -> str:
    """Return how to read no row before the start date, by the mapped time's column."""
    source = dict(query.traits.aliases).get(timestamp, timestamp)
    if source is None:
        return CONDITION_BELOW.format(column=timestamp)
    return CONDITION.format(column=quote_name(source, query.dialect))


def quote_name(name: str, dialect: str) -> str:
    """Return a column's name as a query writes it, in quotes where it needs them."""
    folded = {"postgres": name.lower(), "snowflake": name.upper()}.get(dialect, name)
    if name == folded and name.isascii() and name.isidentifier():
        tokens = read_tokens(name, dialect)
        if [token.token_type for token in tokens] == [TokenType.VAR]:
            return name
    quote = "`" if dialect == "bigquery" else '"'
    return quote + name.replace(quote, quote * 2) + quote
