"""What a metric's author should know of the rows that a count sees."""

from warehouse.sql.shapes import CheckedQuery

GROUPED_SINCE_START = (
    "The SQL uses {constructs}, which sees only rows since @start_date: the start (UTC) of "
    "the day of going live, minus `look_back_days` ({look_back_days}). A first purchase, "
    "say, is the first since then. Set `look_back_days` to as many days as it has to see."
)
INNER_LIMIT = (
    "The SQL limits the rows of a subquery (LIMIT): which rows it keeps may differ from "
    "one count to the next."
)


def list_count_warnings(query: CheckedQuery, look_back_days: int) -> list[str]:
    """Return warnings about what a count sees of the rows before it."""
    warnings, traits = [], query.traits
    if query.takes_start_date and traits.constructs:
        warnings.append(
            GROUPED_SINCE_START.format(
                constructs=", ".join(traits.constructs), look_back_days=look_back_days
            )
        )
    if traits.limits_inside:
        warnings.append(INNER_LIMIT)
    return warnings
