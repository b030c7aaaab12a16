"""The tokens of SQL, read as customers' queries are."""

from sqlglot.dialects.dialect import Dialect
from sqlglot.tokenizer_core import Token, TokenType

from warehouse.sql.customer.grammars.by_dialect import GRAMMARS


def read_tokens(sql: str, dialect: str) -> list[Token]:
    """Return the tokens of a text in a warehouse's dialect.

    Raises SqlglotError at a quote or comment without an end.
    """
    return Dialect.get_or_raise(GRAMMARS[dialect]).tokenize(sql)


def quote_name(name: str, dialect: str) -> str:
    """Return a column's name as a query writes it, in quotes where it needs them."""
    folded = {"postgres": name.lower(), "snowflake": name.upper()}.get(dialect, name)
    if name == folded and name.isascii() and name.isidentifier():
        tokens = read_tokens(name, dialect)
        if [token.token_type for token in tokens] == [TokenType.VAR]:
            return name
    quote = "`" if dialect == "bigquery" else '"'
    return quote + name.replace(quote, quote * 2) + quote
