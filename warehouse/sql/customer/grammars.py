"""sqlglot's dialects, corrected where they misread or rename what customers write."""

from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.bigquery import BigQuery
from sqlglot.dialects.postgres import Postgres
from sqlglot.generators.bigquery import BigQueryGenerator
from sqlglot.parsers.bigquery import BigQueryParser
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
# ... and of BigQuery: LOG10(x) and LOG(x, 10) differ in the last digit, and what sqlglot
# makes of the format of a time is its own.
KEPT_BIGQUERY_FUNCTIONS = frozenset(
    {
        "contains_substr", "format_date", "format_datetime", "format_time",
        "format_timestamp", "log10", "parse_date", "parse_datetime", "parse_time",
        "parse_timestamp",
    }
)  # fmt: skip


def _leave_out(
    functions: dict[str, Any], kept: frozenset[str] = KEPT_FUNCTIONS
) -> dict[str, Any]:
    """Return sqlglot's functions without those that keep their own name."""
    return {
        name: parse for name, parse in functions.items() if name.lower() not in kept
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


class _BigQueryParser(BigQueryParser):
    FUNCTIONS: ClassVar[dict[str, Any]] = _leave_out(
        BigQueryParser.FUNCTIONS, KEPT_BIGQUERY_FUNCTIONS
    )


class _BigQueryGenerator(BigQueryGenerator):
    # sqlglot's BigQuery leaves parameters of types out (`CAST(x AS NUMERIC(5, 1))` rounds)
    # and groups by an alias where the query groups by its expression.
    TRANSFORMS: ClassVar[dict[Any, Any]] = {
        node: write
        for node, write in BigQueryGenerator.TRANSFORMS.items()
        if node not in {exp.Cast, exp.CTE, exp.Select, exp.Table}
    }


class CustomerBigQuery(BigQuery):
    """BigQuery as customers write it; sqlglot finds it as `customerbigquery`."""

    Parser = _BigQueryParser
    Generator = _BigQueryGenerator


# The grammar that reads each dialect, by sqlglot's name of the dialect.
GRAMMARS = {
    "postgres": CustomerPostgres.__name__.lower(),
    "snowflake": CustomerSnowflake.__name__.lower(),
    "bigquery": CustomerBigQuery.__name__.lower(),
}
# ... and the one that writes it.
WRITERS = {
    "postgres": "postgres",
    "snowflake": CustomerSnowflake.__name__.lower(),
    "bigquery": CustomerBigQuery.__name__.lower(),
}
