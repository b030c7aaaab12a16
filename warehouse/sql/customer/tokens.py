"""The tokens of SQL, read as customers' queries are."""

from sqlglot.dialects.dialect import Dialect
from sqlglot.tokenizer_core import Token

from warehouse.sql.customer.grammars import GRAMMARS


def read_tokens(sql: str, dialect: str) -> list[Token]:
    """Return the tokens of a text in a warehouse's dialect.

    Raises SqlglotError at a quote or comment without an end.
    """
    return Dialect.get_or_raise(GRAMMARS[dialect]).tokenize(sql)
