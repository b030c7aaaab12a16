"""Render a statement for people to read, with each parameter replaced by a literal."""

from collections.abc import Iterator
from datetime import date, datetime
from uuid import UUID

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from warehouse.sql.customer.text.tokens import read_tokens
from warehouse.sql.shapes import Statement

# What the statement runs in; the managed store's session is described in the docs.
SESSION_SETTINGS = {
    "postgres": "SET TIME ZONE 'UTC';\n",
    # A comment: its clients run one statement at a time.
    "snowflake": "-- ALTER SESSION SET TIMEZONE = 'UTC';\n",
}


def render_script(statement: Statement, dialect: str, *, is_managed: bool) -> str:
    """Return the statement with its values as literals, as it ran.

    Before it stands the time zone of the session, where the warehouse has one.
    """
    text = render_statement(statement, dialect)
    if is_managed:
        return text
    return SESSION_SETTINGS.get(dialect.split(" ", maxsplit=1)[0], "") + text


def render_statement(statement: Statement, dialect: str) -> str:
    """Return the text with its values as literals; `dialect` as a backend names it."""
    # sqlglot knows only the first word.
    sqlglot_dialect = dialect.split(" ", maxsplit=1)[0]
    parts, copied_until = [], 0
    for start, end, index in _find_parameters(statement.text, sqlglot_dialect):
        literal = _render_literal(statement.parameters[index], sqlglot_dialect)
        parts += [statement.text[copied_until:start], literal]
        copied_until = end
    return "".join(parts) + statement.text[copied_until:]


def _find_parameters(text: str, sqlglot_dialect: str) -> Iterator[tuple[int, int, int]]:
    """Yield start, end and index of each parameter.

    A parameter is `$1`, `@p1`, or a question mark, which counts from left to right.
    """
    tokens = read_tokens(text, sqlglot_dialect)
    question_marks = 0
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        if token.token_type == TokenType.PLACEHOLDER:
            yield token.start, token.end + 1, question_marks
            question_marks += 1
        elif following and _is_parameter(token, following):
            number = int(following.text.removeprefix("p"))
            yield token.start, following.end + 1, number - 1


def _is_parameter(token: Token, following: Token) -> bool:
    """Return whether `token` and `following` together are a parameter such as `$1`.

    A customer's query holds no parameter of its own: the check replaced @start_date by
    one of ours.
    """
    return token.token_type == TokenType.PARAMETER and following.start == token.end + 1


def _render_literal(value: object, sqlglot_dialect: str) -> str:
    """Write a value as a literal.

    Only Postgres takes lists. The statement casts each list to its array type.
    """
    match value:
        case None:
            return "NULL"
        case bool():
            return "TRUE" if value else "FALSE"
        case int() | float():
            return repr(value)
        case list():
            items = ", ".join(_render_literal(item, sqlglot_dialect) for item in value)
            return f"ARRAY[{items}]"
        case datetime() if sqlglot_dialect == "bigquery":
            return f"TIMESTAMP {_quote_text(value.isoformat(' '), sqlglot_dialect)}"
        case date() | UUID() | str():
            return _quote_text(str(value), sqlglot_dialect)
        case _:
            raise TypeError(f"cannot write a {type(value).__name__} as a SQL literal")


def _quote_text(value: str, sqlglot_dialect: str) -> str:
    return str(exp.Literal.string(value).sql(sqlglot_dialect))
