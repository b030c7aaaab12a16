"""Statements other than a SELECT, at the beginning of a text or inside it."""

from collections.abc import Sequence

from sqlglot.tokenizer_core import Token

from warehouse.sql.customer.messages import FROM_FIRST, write_line
from warehouse.sql.customer.refusal import RefusedError
from warehouse.sql.customer.text.placeholders import TEXTS

# TABLE begins a query as well; parsing refuses it with a hint of its own.
FIRST_WORDS = frozenset({"SELECT", "WITH", "(", "TABLE"})
TABLES = "the names of tables in a SELECT; the API lists tables and their columns"
PROCEDURE = "the SELECT that it runs"
TRANSACTION = "the one SELECT alone"
# What to write instead of a script, by its first word.
SCRIPTS = {
    "BEGIN": TRANSACTION,
    "CALL": PROCEDURE,
    "COPY": "the SELECT alone",
    "CREATE": "a WITH query for a table, and its expression for a function",
    "DECLARE": "@start_date, or the value itself, in the place of each variable",
    "DELETE": "its condition as the WHERE of a SELECT",
    "DESC": TABLES,
    "DESCRIBE": TABLES,
    "EXEC": PROCEDURE,
    "EXECUTE": PROCEDURE,
    "EXPLAIN": "the SELECT behind it alone",
    "INSERT": "its SELECT alone",
    "MERGE": "a SELECT with a JOIN of the two tables",
    "REPLACE": "its SELECT alone",
    "SET": "@start_date, or the value itself, in the place of each variable",
    "SHOW": TABLES,
    "START": TRANSACTION,
    "UPDATE": "its new values as columns of a SELECT",
    "USE": "the schema before the name of each table",
}
# What changes data, by the words that tell it from a name.
CHANGES = {
    "DELETE": {"FROM"},
    "INSERT": {"INTO", "OVERWRITE"},
    "MERGE": {"INTO"},
    "TRUNCATE": {"TABLE"},
}
# What a bracket follows that holds a query.
BEFORE_QUERY = frozenset(
    {"(", ",", "AS", "EXISTS", "FROM", "IN", "JOIN", "MATERIALIZED"}
)
ROWS = "SELECT * FROM (VALUES …) AS t (a, b)"
VALUES_ALONE = {
    "postgres": ROWS,
    "snowflake": ROWS,
    "bigquery": "SELECT * FROM UNNEST([STRUCT(1 AS a)])",
}


def require_select(tokens: Sequence[Token], dialect: str) -> None:
    """Raise RefusedError at a statement that is no SELECT, also one inside the text."""
    first = tokens[0]
    word, line = first.text.upper(), write_line(first.line)
    opened = next((token for token in tokens if token.text != "("), first)
    if word == "FROM":
        raise RefusedError(FROM_FIRST.format(line=line))
    if opened.text.upper() == "VALUES":
        raise RefusedError(
            f"VALUES alone is no query{line}: write {VALUES_ALONE[dialect]}."
        )
    if word not in FIRST_WORDS:
        raise refuse_statement(first)
    for position in range(1, len(tokens)):
        if _begins_statement(tokens, position) and _changes_data(tokens, position):
            raise refuse_statement(tokens[position])


def refuse_statement(token: Token) -> RefusedError:
    """Return the error for a statement by its first word, with what to write instead."""
    word = token.text.upper()
    advice = f": write {SCRIPTS[word]}" if word in SCRIPTS else ""
    return RefusedError(
        f"Only a SELECT is allowed, not {word}{write_line(token.line)}{advice}."
    )


def _begins_statement(tokens: Sequence[Token], position: int) -> bool:
    """Return whether a token stands in a bracket of its own, or behind a WITH query."""
    before = tokens[position - 1]
    if before.token_type in TEXTS or tokens[position].token_type in TEXTS:
        return False
    if before.text == "(":
        around = tokens[position - 2].text.upper() if position > 1 else "("
        return around in BEFORE_QUERY
    return before.text == ")"


def _changes_data(tokens: Sequence[Token], position: int) -> bool:
    word = tokens[position].text.upper()
    following = [token.text.upper() for token in tokens[position + 1 : position + 8]]
    if word == "UPDATE":
        return "SET" in following and following[0] != "("
    if word == "TRUNCATE" and tokens[position - 1].text == "(":
        return following[:1] not in (["("], [")"], [","], ["."])
    return bool(following) and following[0] in CHANGES.get(word, ())
