"""Statements printed for people: every parameter replaced by a literal of its dialect."""

from collections.abc import Iterator
from datetime import date, datetime
from uuid import UUID

import sqlglot
from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from warehouse.sql.shapes import Statement


def render_statement(statement: Statement, dialect: str) -> str:
    """Return the text with its values as literals; `dialect` as a backend names it."""
    name = dialect.split(" ", maxsplit=1)[0]  # "postgres before 16" reads as postgres
    parts, end = [], 0
    for start, stop, index in _find_parameters(statement.text, name):
        value = statement.parameters[index]
        parts += [statement.text[end:start], _render_literal(value, name)]
        end = stop
    return "".join(parts) + statement.text[end:]


def _find_parameters(text: str, dialect: str) -> Iterator[tuple[int, int, int]]:
    """Yield start, stop and index of each parameter.

    Parameters are `$1`, `@p1`, or question marks in their order.
    """
    tokens = sqlglot.tokenize(text, dialect=dialect)
    question_marks = 0
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        if token.token_type == TokenType.PLACEHOLDER:
            yield token.start, token.end + 1, question_marks
            question_marks += 1
        elif following and _is_parameter(token, following):
            number = int(following.text.removeprefix("p"))
            yield token.start, following.end + 1, number - 1


def _is_parameter(token: Token, following: Token) -> bool:
    """Tell whether a parameter starts here.

    A customer's query has none left: its start date is one of ours by now.
    """
    return token.token_type == TokenType.PARAMETER and following.start == token.end + 1


def _render_literal(value: object, dialect: str) -> str:
    """Write a value as a literal.

    Only Postgres has lists; in the text they stand inside a CAST to their type.
    """
    match value:
        case None:
            return "NULL"
        case bool():
            return "TRUE" if value else "FALSE"
        case int() | float():
            return repr(value)
        case list():
            items = ", ".join(_render_literal(item, dialect) for item in value)
            return f"ARRAY[{items}]"
        case datetime() if dialect == "bigquery":
            return f"TIMESTAMP {_render_text(value.isoformat(' '), dialect)}"
        case date() | UUID() | str():
            return _render_text(str(value), dialect)
        case _:
            raise TypeError(f"no literal for {type(value).__name__}")


def _render_text(value: str, dialect: str) -> str:
    return str(exp.Literal.string(value).sql(dialect))
