"""Limits of a query's text: its length, and characters that databases reject."""

from warehouse.sql.customer.refusal import RefusedError

MAX_QUERY_LENGTH = 40_000


def require_readable(sql: str) -> str:
    """Return the text. Raises RefusedError if no database could read it."""
    if len(sql) > MAX_QUERY_LENGTH:
        raise RefusedError(f"The query is longer than {MAX_QUERY_LENGTH:,} characters.")
    if "\x00" in sql or _is_unencodable(sql):
        raise RefusedError(
            "The query contains a character that databases reject: NUL or half of a"
            " surrogate pair."
        )
    return sql


def _is_unencodable(sql: str) -> bool:
    try:
        sql.encode()
    except UnicodeEncodeError:
        return True
    return False
