"""A statement as a person runs it: every parameter written in its place, in its dialect."""

from collections.abc import Iterator
from datetime import date, datetime
from uuid import UUID

import sqlglot
from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from warehouse.sql.shapes import Statement


def render_statement(statement: Statement, dialect: str) -> str:
    """Write the text with its values as literals; the dialect as a backend names it."""
    name = dialect.split(" ", maxsplit=1)[0]  # "postgres before 16" reads as postgres
    parts, end = [], 0
    for start, stop, number in _find_parameters(statement.text, name):
        value = statement.parameters[number]
        parts += [statement.text[end:start], _render_literal(value, name)]
        end = stop
    return "".join(parts) + statement.text[end:]


def _find_parameters(text: str, dialect: str) -> Iterator[tuple[int, int, int]]:
    """Where parameters stand, and which: `$1`, `@p1`, or question marks in their order."""
    tokens = sqlglot.tokenize(text, dialect=dialect)
    asked = 0
    for token, after in zip(tokens, [*tokens[1:], None], strict=True):
        if token.token_type == TokenType.PLACEHOLDER:
            yield token.start, token.end + 1, asked
            asked += 1
        elif after and _is_parameter(token, after):
            number = int(after.text.removeprefix("p"))
            yield token.start, after.end + 1, number - 1


def _is_parameter(token: Token, after: Token) -> bool:
    """No query of a customer's holds such a mark: its start date is ours by then."""
    return token.token_type == TokenType.PARAMETER and after.start == token.end + 1


def _render_literal(value: object, dialect: str) -> str:
    """Write a value; lists, which Postgres alone has, stand inside a CAST to their type."""
    match value:
        case None:
            return "NULL"
        case bool():
            return "TRUE" if value else "FALSE"
        case int() | float():
            return repr(value)
        case list():
            return f"ARRAY[{', '.join(_render_literal(one, dialect) for one in value)}]"
        case datetime() if dialect == "bigquery":
            return f"TIMESTAMP {_render_text(value.isoformat(' '), dialect)}"
        case date() | UUID() | str():
            return _render_text(str(value), dialect)
        case _:
            raise TypeError(f"no literal for {type(value).__name__}")


def _render_text(value: str, dialect: str) -> str:
    return str(exp.Literal.string(value).sql(dialect))
