"""sqlglot's dialects, corrected where they misread or rename what customers write."""

from typing import Any, ClassVar

from sqlglot.dialects.postgres import Postgres
from sqlglot.parsers.postgres import PostgresParser
from sqlglot.tokenizer_core import TokenType

from warehouse.sql.customer.grammar_snowflake import CustomerSnowflake

# Functions of Postgres that sqlglot writes as another one, whose result has another name,
# type or path: `now` as CURRENT_TIMESTAMP, `date_part` as EXTRACT. They keep their own.
KEPT_FUNCTIONS = frozenset(
    {
        "btrim", "ceiling", "char_length", "character_length", "date_part",
        "json_extract_path", "json_extract_path_text", "log10", "mod", "now", "pow",
        "strpos", "substr", "to_hex", "variance",
    }
)  # fmt: skip


def _leave_out(functions: dict[str, Any]) -> dict[str, Any]:
    """Return sqlglot's functions without those that keep their own name."""
    return {
        name: parse
        for name, parse in functions.items()
        if name.lower() not in KEPT_FUNCTIONS
    }


class _Parser(PostgresParser):
    FUNCTIONS: ClassVar[dict[str, Any]] = _leave_out(PostgresParser.FUNCTIONS)
    FUNCTION_PARSERS: ClassVar[dict[str, Any]] = _leave_out(
        PostgresParser.FUNCTION_PARSERS
    )
    # Postgres has no lambdas: in `lower(j -> 'a')` the arrow reads a JSON object.
    LAMBDAS: ClassVar[dict[TokenType, Any]] = {
        token: parse
        for token, parse in PostgresParser.LAMBDAS.items()
        if token != TokenType.ARROW
    }


class CustomerPostgres(Postgres):
    """Postgres as customers write it; sqlglot finds it as `customerpostgres`."""

    Parser = _Parser


# The grammar that reads each dialect, by sqlglot's name of the dialect.
GRAMMARS = {
    "postgres": CustomerPostgres.__name__.lower(),
    "snowflake": CustomerSnowflake.__name__.lower(),
    "bigquery": "bigquery",
}
