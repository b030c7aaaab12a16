"""Where a customer's query reads the clock."""

from warehouse.sql.customer.text.tokens import read_tokens
from warehouse.sql.shapes import CheckedQuery

FUNCTIONS = frozenset(
    {
        *("NOW", "CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME", "LOCALTIMESTAMP"),
        *("LOCALTIME", "CURRENT_DATETIME", "GETDATE", "SYSDATE", "CLOCK_TIMESTAMP"),
        *("STATEMENT_TIMESTAMP", "TRANSACTION_TIMESTAMP", "SYSTIMESTAMP"),
    }
)
QUOTES = ('"', "`", "'")


def reads_current_time(query: CheckedQuery) -> bool:
    """Return whether a checked query reads the clock, by a function or a text."""
    return query.traits.reads_clock or any(
        token.text.upper() in FUNCTIONS
        and query.text[token.start : token.start + 1] not in QUOTES
        for token in read_tokens(query.text, query.dialect)
    )
