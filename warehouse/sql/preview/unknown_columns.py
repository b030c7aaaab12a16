"""What a failure says of an unknown column: which one was meant, and which there are."""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from sqlglot.tokenizer_core import Token, TokenType

from warehouse.sql.customer.text.tokens import read_tokens
from warehouse.sql.shapes import CheckedQuery

MAX_NAMED_COLUMNS = 40  # of a table
MAX_NAMED_TABLES = 3
# What stands before a column in a warehouse's words: a quote, its table, or what it is. So
# `at` of `usr at [1:8]` is no column.
BEFORE_A_NAME = r"(?:[\"'`.]|\b[Nn]ame:? |\bcolumn )"


def find_unknown_columns(
    query: CheckedQuery, message: str, known: Iterable[str]
) -> list[str]:
    """Return the columns that a query reads, a failure names, and no table has.

    The warehouses word such a failure in their own ways; all of them name the column as
    the checked text does. `known` are the columns of the query's tables.
    """
    spell = get_spelling(query)
    tables = [part for table in query.tables for part in table.split(".")]
    others = {spell(name) for name in [*known, *tables]}
    return [
        name
        for name in dict.fromkeys(_list_names(query))
        if spell(name) not in others and names_column(message, name)
    ]


def get_spelling(query: CheckedQuery) -> Callable[[str], str]:
    """Return how names are compared: only BigQuery reads a quoted one in any case."""
    return str.lower if query.dialect == "bigquery" else str


def names_column(message: str, name: str) -> bool:
    """Return whether a warehouse's message names a column."""
    pattern = BEFORE_A_NAME + re.escape(name) + r"(?!\w)"
    return re.search(pattern, message) is not None


def describe_columns(
    unknown: Sequence[str], columns_by_table: Mapping[str, Sequence[str]], message: str
) -> str:
    """Return the warehouse's message, and the columns that its author may have meant."""
    columns = [name for names in columns_by_table.values() for name in names]
    sentences = [message if message.endswith((".", "?")) else f"{message}."]
    # Postgres and BigQuery often say so themselves.
    if "you mean" not in message.lower():
        sentences += [
            f"Did you mean {meant!r}?"
            for name in unknown
            if (meant := suggest_column(name, columns))
        ]
    sentences += [
        f"{table} has the columns {_join_names(names)}."
        for table, names in list(columns_by_table.items())[:MAX_NAMED_TABLES]
    ]
    return " ".join(sentences)


def suggest_column(name: str, columns: Iterable[str]) -> str | None:
    """Return the column whose name is most alike, whatever its case; or None."""
    by_lower_case = {column.lower(): column for column in columns}
    close = difflib.get_close_matches(name.lower(), by_lower_case, n=1)
    return by_lower_case[close[0]] if close else None


def _join_names(names: Sequence[str]) -> str:
    named = ", ".join(names[:MAX_NAMED_COLUMNS])
    left_out = len(names) - MAX_NAMED_COLUMNS
    return named if left_out <= 0 else f"{named} and {left_out:,} more"


def _list_names(query: CheckedQuery) -> Iterator[str]:
    """Yield the names in a checked text, all of them quoted, that may be of columns.

    Left out are names that are given there (`AS "name"`, and of WITH queries), and what
    stands before a dot.
    """
    tokens = read_tokens(query.text, query.dialect)
    after = [*tokens[1:], None]
    named_queries = {
        token.text
        for token, first, second in zip(tokens, after, [*after[1:], None], strict=True)
        if _is(first, TokenType.ALIAS) and _is(second, TokenType.L_PAREN)
    }
    for before, token, follower in zip(
        [None, *tokens[:-1]], tokens, after, strict=True
    ):
        is_given = _is(before, TokenType.ALIAS) or token.text in named_queries
        if _is(token, TokenType.IDENTIFIER) and not (
            is_given or _is(follower, TokenType.DOT)
        ):
            yield token.text


def _is(token: Token | None, token_type: TokenType) -> bool:
    return token is not None and token.token_type == token_type
